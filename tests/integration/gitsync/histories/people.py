"""What people do in a clone, as shell scripts: run at once, or between two gits of ours.

Each text that is written has a mark of its own (`mark17`). `wrote` lists the marks that were written, `destroyed` those
that a person herself threw away: every other one must be somewhere.
"""

from __future__ import annotations

FILES = ("viatris.xml", "other.xml", "staged.xml", "b.xml", "new/acme.xml", "a name.xml", "-dash.xml")
LINES = 30
HEAD = """
wrote() { grep -q "$1" "$2" 2>/dev/null && echo "$1" >>"$LOG/wrote"; }
destroys() { grep -rhoE 'mark[0-9]+' "$@" 2>/dev/null >>"$LOG/destroyed"; }
risks() { git ls-files | while IFS= read -r name; do [ -d "./$name" ] && destroys "./$name"; done; }
"""
# `risks`: git itself throws a folder away, untracked files and all, that stands where it wants to write a file.


def edit(file: str, mark: str, line: int) -> str:
    """Change a line."""
    return f"[ -f './{file}' ] && sed -i '{line}s/$/ {mark}/' './{file}' && wrote {mark} './{file}'"


def append(file: str, mark: str, _line: int) -> str:
    """Add a line, in place: the file stays the same one."""
    return f"[ -f './{file}' ] && echo '{mark}' >>'./{file}' && wrote {mark} './{file}'"


def create(file: str, mark: str, line: int) -> str:
    """A file that nobody knows yet, or in the place of one."""
    name = f"{file}.{line % 3}"
    return f"mkdir -p \"$(dirname './{name}')\"; echo '{mark}' >>'./{name}' && wrote {mark} './{name}'"


def ignore(file: str, mark: str, _line: int) -> str:
    """A file that git ignores."""
    name = f"{file}.log"
    return f"mkdir -p \"$(dirname './{name}')\"; echo '{mark}' >>'./{name}' && wrote {mark} './{name}'"


def stage(file: str, _mark: str, _line: int) -> str:
    """Stage a file."""
    return f"git add -- './{file}'"


def stage_and_go_on(file: str, mark: str, line: int) -> str:
    """Stage one state of a file, and edit on."""
    return f"git add -- './{file}'; {edit(file, mark, line)}"


def commit_staged(_file: str, mark: str, _line: int) -> str:
    """Commit what is staged."""
    return f"git commit -q -m 'ben {mark}'"


def commit_all(_file: str, mark: str, _line: int) -> str:
    """Commit everything that git knows."""
    return f"git commit -q -a -m 'ben {mark}'"


def amend(_file: str, mark: str, _line: int) -> str:
    """Put what is staged into the last commit, whosever it is; it has a subject of hers then."""
    return f"git commit -q --amend -m 'ben {mark}'"


def remove(file: str, _mark: str, _line: int) -> str:
    """Take a file away, and tell git."""
    return f"destroys './{file}'; git rm -q -f -- './{file}'"


def delete(file: str, _mark: str, _line: int) -> str:
    """Take a file away, and do not tell git."""
    return f"destroys './{file}'; rm -f -- './{file}'"


def move(file: str, mark: str, _line: int) -> str:
    """Rename a file."""
    return f"git mv -- './{file}' './{mark}.xml'"


def restore(file: str, _mark: str, _line: int) -> str:
    """Throw unstaged edits of a file away."""
    return f"destroys './{file}'; git checkout -q -- './{file}'"


def stash(_file: str, _mark: str, _line: int) -> str:
    """Put everything aside."""
    return "risks; git stash -q"


def pop(_file: str, _mark: str, _line: int) -> str:
    """And take it back."""
    return "risks; git stash pop -q"


def executable(file: str, _mark: str, _line: int) -> str:
    """Change the mode."""
    return f"[ -f './{file}' ] && chmod +x './{file}'"


def touch(file: str, _mark: str, _line: int) -> str:
    """Change nothing but the time."""
    return f"[ -f './{file}' ] && touch './{file}'"


def pull(_file: str, _mark: str, _line: int) -> str:
    """By hand."""
    return "risks; git pull -q --rebase --no-autostash"


def push(_file: str, _mark: str, _line: int) -> str:
    """By hand."""
    return "git push -q origin HEAD:main"


def fetch(_file: str, _mark: str, _line: int) -> str:
    """Fetch as git does by itself."""
    return "git fetch -q"


def pack(_file: str, _mark: str, _line: int) -> str:
    """What `git gc` does to refs."""
    return "git pack-refs --all --prune"


def collect(_file: str, _mark: str, _line: int) -> str:
    """Garbage collection, as git starts it now and then."""
    return "git gc -q"


def branch_off(_file: str, mark: str, _line: int) -> str:
    """Work on another branch."""
    return f"git checkout -q -b topic-{mark}"


def come_back(_file: str, _mark: str, _line: int) -> str:
    """Back to the branch."""
    return "risks; git checkout -q main"


def detach(_file: str, _mark: str, _line: int) -> str:
    """Look at an older commit."""
    return "risks; git checkout -q HEAD~1"


def begin_rebase(_file: str, _mark: str, _line: int) -> str:
    """Stop in the middle of a rebase."""
    return "risks; GIT_SEQUENCE_EDITOR='sed -i 1s/pick/edit/' git rebase -q -i HEAD~1"


def go_on_rebasing(_file: str, _mark: str, _line: int) -> str:
    """And finish it."""
    return "risks; git rebase --continue"


def begin_merge(_file: str, _mark: str, _line: int) -> str:
    """Stop in the middle of a merge."""
    return "risks; git fetch -q; git merge -q --no-commit --no-ff origin/main"


def link(file: str, mark: str, _line: int) -> str:
    """A link in the place of a file."""
    return f"destroys './{file}'; rm -f './{file}'; ln -s '{mark}' './{file}'"


def folder(file: str, mark: str, _line: int) -> str:
    """A folder in the place of a file."""
    path = f"./{file}/inside"
    return f"destroys './{file}'; rm -f './{file}'; mkdir -p './{file}'; echo {mark} >>'{path}'; wrote {mark} '{path}'"


EDITING = (edit, append, create, ignore, stage, stage_and_go_on, commit_staged, commit_all, executable, touch)
ANYTHING = (
    *EDITING, amend, remove, delete, move, restore, stash, pop, pull, push, fetch, pack, collect, branch_off, come_back,
    detach, begin_rebase, go_on_rebasing, begin_merge, link, folder,
)  # fmt: skip

HEAL = """
git rebase --quit; git cherry-pick --quit; git revert --quit; git am --quit; git bisect reset
git add -A; git commit -q -m 'heal: what was lying about'; git merge --quit
git branch saved-$$ HEAD
git checkout -q main || exit 3
git -c merge.default=union merge -q --no-edit saved-$$ || { git add -A; git commit -q -m 'heal: merged'; }
git -c merge.default=union pull -q --no-rebase --no-edit || { git add -A; git commit -q -m 'heal: pulled'; }
exit 0
"""
"""Finish everything, keep both sides of every conflict."""
