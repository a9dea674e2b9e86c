"""What only a server can do to a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import make_url

from deployer.model.run import Run, RunState
from deployer.ports import Store


@pytest.mark.parametrize("kind", ["postgresql"])
def test_run_outlives_its_connections(opened: Callable[[str], Store], url: str, make_run: Callable[..., Run]) -> None:
    """A server that drops every connection in the middle of a run does not lose the run's end."""
    store, run, database = opened("here"), make_run(), make_url(url)
    with store.begin(run):
        socket = str(database.query["host"])
        with psycopg.connect(host=socket, user="deployer", dbname="postgres", autocommit=True) as server:
            named = (database.database,)
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", named)
        store.update(replace(run, state=RunState.FINISHED, exit_code=0))

    assert store.run(run.id).state is RunState.FINISHED
