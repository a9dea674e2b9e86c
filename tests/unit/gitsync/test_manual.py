"""What a person reads."""

from __future__ import annotations

import pytest

from deployer.gitsync.classes import CLASSES
from deployer.gitsync.manual import Case, command_text, manual_work, reason, report
from deployer.model.json import JsonObject
from deployer.model.site import Repository
from deployer.model.sync import Change
from deployer.secrets.shapes import without_shapes

OID = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = Repository("clusterconfig-fra1", "~/deployer/clusterconfig-fra1", "ssh://git@example.org/fra1.git")
COMMIT = {"oid": OID, "author": "Ada <ada@example.org>", "date": "2026-11-20T10:00:00+00:00", "subject": "ada's"}
CONFLICT: JsonObject = {
    "kind": "conflict",
    "argv": ["git", "merge-tree", "--write-tree", "-z", OID, OID],
    "paths": ["viatris.xml"],
    "ours": [{**COMMIT, "author": "Ben <ben@example.org>", "subject": "ben's"}],
    "theirs": [COMMIT],
    "facts": {"told": {"viatris.xml": ["release/@version: both changed it"]}},
}


def test_the_whole_report() -> None:
    """First the known line, then everything that is needed to solve it."""
    case = Case("fra1-prod-dep01", REPOSITORY, CONFLICT, {"branch": "main"})

    text = report(manual_work(case, CLASSES["conflict"]))

    assert text == (
        "manual intervention needed on fra1-prod-dep01 in ~/deployer/clusterconfig-fra1 failed to sync/pull manifest"
        " with: Command git merge-tree --write-tree 0123456789ab 0123456789ab on fra1-prod-dep01 failed\n"
        "\n"
        "class: conflict\n"
        "  Both sides changed the same thing; a person decides which holds.\n"
        "  viatris.xml: release/@version: both changed it\n"
        "\n"
        "files:\n"
        "  viatris.xml\n"
        "\n"
        "ours (in the clone):\n"
        "  0123456789ab 2026-11-20T10:00:00+00:00 Ben <ben@example.org>: ben's\n"
        "\n"
        "theirs (on the remote):\n"
        "  0123456789ab 2026-11-20T10:00:00+00:00 Ada <ada@example.org>: ada's\n"
        "\n"
        "to mend it, on fra1-prod-dep01:\n"
        "  cd ~/deployer/clusterconfig-fra1\n"
        "  git pull --no-rebase origin refs/heads/main\n"
        "  ${EDITOR:-vi} viatris.xml\n"
        "  grep -n '^[<>]\\{7\\} ' -- viatris.xml || git add -- viatris.xml\n"
        "  git commit --no-edit\n"
        "  git push origin HEAD:refs/heads/main\n"
    )


def test_the_line_of_a_change() -> None:
    """A commit of automation that did not land has the other line, with its first line of message."""
    change = Change("prod-deployer made changes to viatris.xml via automation\n\nmore", ())
    failure = {"kind": "server-refused", "argv": ["git", "push", "-q", "--porcelain", "https://u:p@h/x", f"{OID}:m"]}

    work = manual_work(Case("fra1-prod-dep01", REPOSITORY, failure, {}, change), CLASSES["server-refused"])

    assert work.line == (
        "failed to commit/push prod-deployer made changes to viatris.xml via automation with: "
        "Command git push -q 'https://[redacted]@h/x' 0123456789ab:m on fra1-prod-dep01 failed"
    )


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_has_commands(kind: str) -> None:
    """Whatever the class, there is something to paste, and the report can be written."""
    work = manual_work(Case("h", REPOSITORY, {"kind": kind, "paths": ["a b.xml"]}, {}), CLASSES[kind])

    assert work.commands
    assert "\n\n\n" not in report(work)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("lock", " (.git/index.lock, HEAD.lock)"),
        ("network", " (fatal: the remote end hung up)"),
    ],
)
def test_why_a_sync_is_left_for_later(kind: str, said: str) -> None:
    """Whose lock it is; of the network what git said first. Without either the class alone."""
    failure: JsonObject = {
        "paths": [".git/index.lock", "HEAD.lock"],
        "stderr": "\n fatal: the remote end hung up\nmore\n",
    }
    told = CLASSES[kind].told

    assert reason(failure, CLASSES[kind]) == told + said
    assert reason({"paths": "x", "stderr": " \n"}, CLASSES[kind]) == reason(None, CLASSES[kind]) == told


def commit(author: str, day: int, *paths: str) -> JsonObject:
    """A commit of a day of November."""
    named = f"{author} <{author.lower()}@example.org>"
    return {**COMMIT, "author": named, "date": f"2026-11-{day}T10:00:00+00:00", "paths": [*paths]}


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_whoever_changed_a_file_last_is_named(side: str) -> None:
    """Of several commits of a side, the last that changed the file; with the time of that one."""
    commits = [commit("Ada", 10, "viatris.xml"), commit("Ben", 11, "viatris.xml"), commit("Cy", 12, "other.xml")]
    failure: JsonObject = {**CONFLICT, "ours": [], "theirs": [], side: [*commits]}

    work = manual_work(Case("fra1-prod-dep01", REPOSITORY, failure, {}), CLASSES["conflict"])

    (found,) = work.conflicts
    told = {"ours": (found.ours_by, found.ours_at), "theirs": (found.theirs_by, found.theirs_at)}
    assert told.pop(side) == ("Ben <ben@example.org>", "2026-11-11T10:00:00+00:00")
    assert [*told.values()] == [("", "")]


def test_the_output_of_a_command_for_programs_is_not_told() -> None:
    """`merge-tree -z` answers with NULs: what it says of files stands in the report already."""
    failure = {**CONFLICT, "stdout": f"{OID}\0viatris.xml\0", "stderr": "warning: a\n"}

    work = manual_work(Case("fra1-prod-dep01", REPOSITORY, failure, {}), CLASSES["conflict"])

    assert work.output == "warning: a"
    assert "\0" not in report(work)


def test_a_secret_in_the_subject_of_a_commit_is_not_told() -> None:
    """A person may have committed with a URL that holds a token."""
    subject = "from https://ben:hunter2@example.org/x"
    failure = {**CONFLICT, "ours": [{**COMMIT, "subject": subject}]}

    text = report(manual_work(Case("h", REPOSITORY, failure, {}), CLASSES["conflict"]))

    assert "from https://[redacted]@example.org/x" in text
    assert "hunter2" not in text


@pytest.mark.parametrize("branch", ["main", "release/1"])
def test_a_missing_clone_is_made_on_its_branch(branch: str) -> None:
    """Which need not be the one that the remote has for its default."""
    repository = Repository(REPOSITORY.name, REPOSITORY.path, REPOSITORY.remote, branch=branch)

    work = manual_work(Case("h", repository, {"kind": "missing"}, {}), CLASSES["missing"])

    assert work.commands == (f"git clone --branch={branch} -- {REPOSITORY.remote} ~/deployer/clusterconfig-fra1",)


def test_the_same_problem_has_the_same_id() -> None:
    """The id is of host, path, class and files, not of commits or times."""
    first = manual_work(Case("h", REPOSITORY, CONFLICT, {}), CLASSES["conflict"])
    again = manual_work(Case("h", REPOSITORY, {**CONFLICT, "theirs": []}, {"head": OID}), CLASSES["conflict"])
    other = manual_work(Case("h", REPOSITORY, {**CONFLICT, "paths": ["b.xml"]}, {}), CLASSES["conflict"])

    assert first.id == again.id != other.id


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://ben:secret@h/x", "https://[redacted]@h/x"),
        ("https://secret@h/x", "https://[redacted]@h/x"),
        ("https://ben:se@cret@h/x", "https://[redacted]@h/x"),
        ("ssh://git@h/x", "ssh://git@h/x"),
        ("git@h:x.git", "git@h:x.git"),
        ("Authorization: Bearer secret", "Authorization: [redacted]"),
        ("http.extraheader=authorization: basic c2VjcmV0", "http.extraheader=authorization: [redacted]"),
        ("Authorization: token secret", "Authorization: [redacted]"),
        ("PRIVATE-TOKEN: secret", "PRIVATE-TOKEN: [redacted]"),
        ("X-Access-Token=secret fra1", "X-Access-Token=[redacted] fra1"),
        ("two https://a:secret@h and https://b:secret@h", "two https://[redacted]@h and https://[redacted]@h"),
    ],
)
def test_secrets(text: str, told: str) -> None:
    """Passwords and tokens go; who and where stay where they are no secret."""
    assert without_shapes(text) == told


def test_a_command_without_words() -> None:
    """Where no command is known, git is named."""
    assert command_text(None) == "git"
