"""Commands that are printed for a person, pasted into real shells with names that would run something."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from deployer.gitsync.advice import Situation, commands
from deployer.gitsync.classes import CLASSES
from deployer.gitsync.undoing import undone
from deployer.hosts import doctor
from deployer.hosts.locks import locked
from deployer.model.command import Command, File, Open, Operand, Pathspec, Place, Sign, Word, typed
from deployer.model.json import JsonObject, JsonValue
from deployer.model.site import Machine, Repository, Site
from tests.shells import SHELLS, Noted, Terminal, environment, run

CANARY = "canary"
VISIBLE = (
    f"+!touch {CANARY};.xml",
    f"-rf $(touch {CANARY})",
    f"--upload-pack=touch {CANARY}",
    f"a'b;touch {CANARY};'",
    f'a"b$(touch {CANARY})',
    f"`touch {CANARY}`",
    f"& touch {CANARY} & | > x",
    "~root",
    "~-/x",
    "!!",
    "!$ it's !touch",
    "*?[x]",
    ":!x",
    "{a,b} #c",
    "=ls",
    "%1",
    "a\\",
    "$HOME",
    "ä",
    "",
)
HIDDEN = (
    f"a\ntouch {CANARY}\n",
    f"\x1b[200~touch {CANARY}\r",
    f"\x15touch {CANARY}\r",
    "\t\t!!it's\\",
    "\x03\x04\x7f\x9b",
    "\u202eabc\u2028\u200b",
    "\udcff\udc80",
)
EVIL = f"-x/+!touch {CANARY};$(touch {CANARY})'\"\x1b\r\ntouch {CANARY}\n!!*\\~"
"""All of it in one name."""
PROGRAMS = ("git", "grep", "ls", "mv", "rm", "fuser", "df", "id", "vi", "mktemp", "deployer", "ssh", "probe")
HOST = "fra1-prod-dep01"


def has_canary(folder: Path) -> bool:
    """Whether something of a name was run, wherever it stood."""
    return any(CANARY in name for _folder, folders, names in os.walk(folder) for name in (*folders, *names))


@pytest.fixture
def noted(tmp_path: Path) -> Noted:
    """Stand-ins; grep and fuser find nothing, so that what comes after `||` runs too."""
    return Noted(tmp_path, PROGRAMS, failing=("grep", "fuser"))


@pytest.fixture
def terminal(noted: Noted) -> Iterator[Terminal]:
    """An interactive shell among the stand-ins."""
    with closing(Terminal(noted.folder, {**noted.environment, "EDITOR": "vi"})) as made:
        yield made


@pytest.mark.parametrize("shell", [*SHELLS, "sh"])
def test_a_word_reaches_the_program_as_it_is(noted: Noted, shell: str) -> None:
    """Every shell that we name takes each text as one word, byte for byte; sh those that can be seen."""
    words = VISIBLE if shell == "sh" else VISIBLE + HIDDEN

    said = run(shell, [typed("probe", word) for word in words], noted.folder, noted.environment)

    assert noted.calls() == [["probe", word] for word in words], said
    assert not has_canary(noted.folder)


def test_a_word_reaches_the_program_from_a_terminal(noted: Noted, terminal: Terminal) -> None:
    """With history expansion and line editing, each word pasted into the same shell as those before it."""
    words = VISIBLE + HIDDEN

    terminal.paste(*(typed("probe", word) for word in words))

    assert noted.calls() == [["probe", word] for word in words], terminal.seen
    assert not has_canary(noted.folder)


@pytest.mark.parametrize("word", [*VISIBLE, *HIDDEN, EVIL])
def test_nothing_that_cannot_be_seen_is_printed(word: str) -> None:
    """Whatever kind of word it is; and no command of a terminal can be hidden in it."""
    line = typed(word, File(word), Place(word), Pathspec(word), Operand(word))

    assert line.isprintable()


@pytest.mark.parametrize(
    ("path", "as_typed"),
    [
        ("~/deployer/x", "~/deployer/x"),
        ("~/a b/x", "~/'a b/x'"),
        ("~ben/x", "~ben/x"),
        ("/srv/a b", "'/srv/a b'"),
        ("~", "~"),
        ("~$(id)/x", "'./~$(id)/x'"),
        ("~-/x", "'./~-/x'"),
        ("-x", "./-x"),
    ],
)
def test_a_place_keeps_its_home(path: str, as_typed: str) -> None:
    """A home stays a home, and everything else is quoted."""
    assert typed(Place(path)) == as_typed


def situation(evil: str, **facts: JsonValue) -> Situation:
    """A situation in which every name is somebody's trap."""
    return Situation(
        path=f"/srv/{evil}",
        branch=evil,
        upstream=evil,
        remote=evil,
        url=evil,
        head=evil,
        paths=(evil, "+" + evil, "!" + evil, ":" + evil),
        is_change=False,
        facts={"wanted": evil, "remote": evil, "at": evil, "ref": evil, "last": evil, **facts},
    )


def all_commands() -> Iterator[tuple[str, Command]]:
    """(class, command) of every class, in each form that it has."""
    more: Sequence[JsonObject] = (
        {},
        {"flagged": [EVIL], "untracked": [EVIL]},
        {"work_tree": EVIL},
        {"empty": True},
        {"ref": f"refs/remotes/{EVIL}", "last": ""},
    )
    for kind in CLASSES:
        known = {line for facts in more for line in commands(kind, situation(EVIL, **facts))}
        # It is about where the shell stands, and is tried with real folders below.
        yield from ((kind, line) for line in sorted(known, key=str) if line[0] != "cd")
    change = Situation("/srv/x", EVIL, EVIL, "origin", "", "", (EVIL,), is_change=True)
    yield "conflict", commands("conflict", change)[1]


def meant(words: Sequence[Word]) -> Iterator[list[str]]:
    """The calls that a command means, less the spelling of paths."""
    call: list[str] = []
    for word in (*words, Sign.OR):
        match word:
            case Sign():
                yield call
                call = []
            case Open():
                call.append("vi")
            case str():
                call.append(word)
            case File() | Place() | Pathspec():
                call.append(word.path)
            case Operand():
                call.append(word.name)


def spelled_out(call: Sequence[str]) -> list[str]:
    """Arguments without what keeps a path from being an option or a pattern."""
    return [word.removeprefix(":(literal)").removeprefix("./") for word in call]


def _is_noted(call: Sequence[str]) -> bool:
    return bool(call) and call[0] in PROGRAMS


def test_the_commands_of_every_class_mean_what_they_say(noted: Noted, terminal: Terminal) -> None:
    """Pasted into a terminal, each program gets exactly the names that are meant; nothing in a name runs."""
    lines = [(kind, line) for kind, line in all_commands() if not {Sign.INTO, Sign.AFTER} & set(line)]
    assert {kind for kind, _line in lines} == set(CLASSES)
    (noted.folder / ".git").mkdir()
    (noted.folder / ".git" / "index").touch()

    terminal.paste(*(typed(*line) for _kind, line in lines))

    expected = [call for _kind, line in lines for call in meant(line) if _is_noted(call)]
    assert [spelled_out(call) for call in noted.calls()] == [spelled_out(call) for call in expected], terminal.seen
    assert not has_canary(noted.folder)


def test_no_file_is_an_option_or_a_command_of_an_editor(noted: Noted, terminal: Terminal) -> None:
    """Behind the program's own options, and behind its `--` where it has one."""
    terminal.paste(*(typed(*line) for _kind, line in all_commands()))

    for program, *arguments in noted.calls():
        behind = arguments[arguments.index("--") + 1 :] if "--" in arguments else arguments
        traps = [word for word in behind if CANARY in word and word[0] in "-+!"]
        assert program == "git" or not traps, (program, arguments)
        own = arguments[: arguments.index("--")] if "--" in arguments else arguments
        assert not [word for word in own if word.startswith("-x")], (program, arguments)


def test_an_undo_on_the_remote_means_what_it_says(noted: Noted, terminal: Terminal) -> None:
    """The lines share a variable, and end at the first that fails."""
    moment = {"id": "1", "time": "2026-11-20T10:00:00+00:00", "why": "sync", "branch": "main", "head": "aa"}
    answer: JsonObject = {"snapshot": moment, "revert": [EVIL], "remote_name": EVIL, "upstream": EVIL, "url": "/srv/r"}
    there = noted.folder / "x' $(touch canary)\n"
    there.mkdir()

    terminal.paste(" ".join(undone("h", Repository("r", str(there)), answer, "").commands))

    called = noted.calls()
    assert ["git", "fetch", "/srv/r", f"refs/heads/{EVIL}"] in called, terminal.seen
    assert ["git", "-C", "", "push", "/srv/r", f"HEAD:refs/heads/{EVIL}"] in called
    there.rmdir()
    assert not has_canary(noted.folder)


def test_what_is_written_into_a_file_goes_nowhere_else(noted: Noted, terminal: Terminal) -> None:
    """A ref that a power cut emptied, in a real folder whose name is a trap."""
    there = noted.folder / "x' $(touch canary)\x1b\n!!"
    (there / ".git").mkdir(parents=True)
    name = "a'$(touch canary);!!\n"
    at = Situation(str(there), "main", "main", "origin", "", "", (), is_change=False, facts={"ref": name, "last": "ab"})

    terminal.paste(*(typed(*line) for line in commands("empty-ref", at)))

    assert (there / ".git" / name).read_text() == "ab\n", terminal.seen
    (there / ".git" / name).unlink()
    shutil.rmtree(there)
    assert not has_canary(noted.folder)


def findings() -> Iterator[str]:
    """Hints of the doctor on a host where every name is a trap."""
    site = Site("prod", "fra1", Machine(HOST, {}), Repository("r", EVIL, EVIL, EVIL))
    clone: dict[str, object] = {
        "exists": True,
        "repository": True,
        "url": "other",
        "branch": None,
        "error": "",
        "writable": False,
    }
    state: dict[str, object] = {"dirty": 1, "in_progress": [EVIL], "index_lock": True, "answers": {"exit_code": 2}}
    facts: dict[str, object] = {**clone, **state}
    changes: tuple[dict[str, object], ...] = ({}, {"repository": False}, {"url": EVIL}, {"exists": False})
    for changed in changes:
        yield from (found.hint for found in doctor.clone({**facts, **changed}, site) if found.hint)
    disk: dict[str, object] = {"path": EVIL, "free": 0, "free_inodes": 0, "total_inodes": 1, "writable": False}
    yield from (found.hint for found in doctor.disk(disk))
    yield locked("h", {"name": "l", "holder": {"run": EVIL, "pid": 1}}).hint


def test_hints_run_nothing_but_what_they_name(noted: Noted, terminal: Terminal) -> None:
    """A hint is pasted as a whole, with its words around the command."""
    hints = list(findings())
    assert all(hint.isprintable() for hint in hints)

    terminal.paste(*hints, *(re.sub(r"^[^:;]*[:;?] (else: )?", "", hint) for hint in hints))

    assert not has_canary(noted.folder)
    assert ["git", "-C", f"./{EVIL}", "checkout", f"./{EVIL}", "--"] in noted.calls()
    assert ["rm", "-i", "--", f"./{EVIL}/.git/index.lock"] in noted.calls()
    assert ["deployer", "show", f"./{EVIL}"] in noted.calls()


KEYS = {"vi": ":%s/old/new/\r:wq\r", "ed": "s/old/new/\nw\nq\n", "nano": "new \x0f\r\x18"}


@pytest.mark.parametrize("editor", [name for name in KEYS if shutil.which(name)])
@pytest.mark.parametrize("name", [f"+!touch {CANARY};.xml", f"-c!touch {CANARY}", f"!touch {CANARY};.xml", "a\nb.xml"])
def test_an_editor_opens_the_file(tmp_path: Path, editor: str, name: str) -> None:
    """Whatever it takes a word that begins so for."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / name).write_text("old\n")

    with closing(Terminal(folder, environment(tmp_path) | {"EDITOR": editor})) as terminal:
        terminal.paste(typed(Open.EDITOR, File(name)), keys=KEYS[editor])

    assert "new" in (folder / name).read_text(), terminal.seen
    assert not (folder / CANARY).exists()
    assert [one.name for one in folder.iterdir()] == [name]
