"""What a person gives in confidence stands in no record, and on no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.budget.marks import deep

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box

SECRET = "hunter2secret"


def test_a_secret_of_the_command_line_is_not_recorded(box: Box) -> None:
    """Neither `show` nor a file of the state folder has it, and the command line is there without it."""
    done = box.deployer("redeploy", "fra1", "-C", "-e", f"db_password={SECRET}", "-e", f'{{"api_token": "{SECRET}"}}')
    shown = box.deployer("show", "last")
    document = box.deployer("show", "last", "--json")

    assert done.code == 8, done.err
    assert "-e 'db_password=[redacted]'" in shown.out
    files = [path for path in (box.shell.folder / "state").rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in done.out + done.err + shown.out + document.out


@deep(3)
def test_a_plan_shows_no_secret_of_a_manifest(deployed: Box) -> None:
    """It says that a password changed; the document, which holds the whole manifests, is as silent."""
    deployed.edit(deployed.erin, "<release", f'<user password="{SECRET}"/><release')
    deployed.push()

    text = deployed.deployer("plan", "redeploy", "fra1", "viatris")
    document = deployed.deployer("plan", "redeploy", "fra1", "viatris", "--json")

    assert (text.code, document.code) == (0, 0)
    assert "+ user: [redacted]" in text.out
    assert SECRET not in text.out + document.out


def test_a_conflict_about_a_secret_is_told_without_it(box: Box) -> None:
    """Whoever is called learns what both sides changed, and who; the values stay in the two commits."""
    for clone, value in ((box.clone, SECRET), (box.erin, f"other-{SECRET}")):
        box.edit(clone, "<release", f'<user password="{value}"/><release')
    box.commit(box.clone, "In the clone")
    box.push("On the remote")

    done = box.deployer("sync", "fra1")
    told = box.deployer("attention", "--json")

    assert (done.code, told.code) == (5, 5)
    assert [one["ours"] for one in told.document["data"][0]["conflicts"]] == ["[redacted]"]
    files = [path for path in (box.shell.folder / "state").glob("deployer.db*") if path.is_file()]
    assert files
    assert SECRET not in done.out + done.err + told.out
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
