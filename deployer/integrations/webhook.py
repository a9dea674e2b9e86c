"""A webhook: one POST per piece of manual work, with the text that Slack, Mattermost and Teams show, and the data."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import httpx2

from deployer.errors import DeployerError
from deployer.model.codec import SCHEMA_VERSION, to_json
from deployer.model.sync import ManualWork


class WebhookNotifier:
    """Posts JSON: `{"schema", "text", "work"}`.

    Args:
        url: where to; it often holds a secret, so that it is never in an error.
        render: manual work -> `text`.
        seconds: deadline of the request.
    """

    name = "webhook"

    def __init__(self, url: str, render: Callable[[ManualWork], str], seconds: float) -> None:
        self._url = url
        self._render = render
        self._seconds = seconds

    def tell(self, work: ManualWork) -> None:
        """Post it; redirects are not followed, since the report would go somewhere nobody named.

        Raises:
            DeployerError: no answer in time, or none with a code of 200 to 299.
        """
        document = {"schema": SCHEMA_VERSION, "text": self._render(work), "work": to_json(work)}
        place = f"on_attention.webhook at {urlsplit(self._url).hostname}"
        try:
            answer = httpx2.post(self._url, json=document, timeout=self._seconds)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # Not the error's own words: they may hold the URL.
            raise DeployerError(f"{place} was not reached: {type(error).__name__}") from error
        if not answer.is_success:
            raise DeployerError(f"{place} answered {answer.status_code}")
