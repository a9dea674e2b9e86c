"""What both sides put into the same place of a list."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from deployer.manifests.merging.matching import Matched
from deployer.manifests.merging.pieces import OURS, THEIRS, Piece, behind, is_in_place, is_replaced, text_of
from deployer.manifests.merging.trivia import Clash, comments

SIDES = 3
"""Who may have something new: ours, theirs, both."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """The gaps of a merged list.

    Args:
        matched: its items.
        base: the text of the base.
        tell: of a conflict: what ours and theirs put there, and a sentence.
    """

    matched: Matched
    base: str
    tell: Callable[[str, str, str], None]

    def decided(self, pieces: Sequence[Piece]) -> Iterator[Piece]:
        """Both sides inserted in one gap: fine where what each put there is known by its identity."""
        run: list[Piece] = []
        before: Hashable = None
        order = self.matched.orders[0]
        where = {number: at for at, number in enumerate(order)}
        for piece in [*self._apart(pieces), None]:
            if piece is not None and piece.is_new:
                run.append(piece)
                continue
            following = piece.number if piece is not None else None
            if run:
                yield from self._run(run, order[where.get(before, -1) + 1 : where.get(following, len(where))])
            run = []
            if piece is not None:
                before = following
                yield piece

    def _apart(self, pieces: Sequence[Piece]) -> Iterator[Piece]:
        """What both sides put into one gap, a part of it alike and of which only its text is known, is not mixed.

        It may be a flag with its value on either side.
        """
        base = self.matched.items[0]
        for is_old, gap in groupby(pieces, lambda piece: piece.number in base):
            found = [*gap]
            is_of_all = len({piece.is_new for piece in found}) == SIDES
            if is_old or not is_of_all or self.matched.are_told_apart(piece.number for piece in found):
                yield from found
            else:
                yield self._clash(found, "both sides put something here, a part of it alike")

    def _run(self, run: list[Piece], between: Sequence[Hashable]) -> Iterator[Piece]:
        ours = [piece for piece in run if piece.is_new == OURS]
        theirs = [piece for piece in run if piece.is_new == THEIRS]
        is_clear = all(self.matched.known.get(piece.number) is not None for piece in run)
        if not ours or not theirs or (is_clear and not is_replaced(self.matched, between, run)):
            if ours and theirs:
                self._share_comment(ours[0], theirs[0])
            if (ours and theirs) or not is_in_place(self.matched, between, run):
                yield from run
                return
        said = "both sides put something here" if not is_clear else "both sides put something else in place of the same"
        if not ours or not theirs:
            said = "one side put something in place of what the other took away"
        yield self._clash(run, said)

    def _clash(self, run: Sequence[Piece], said: str) -> Piece:
        """What each side put into one gap, as one piece that a person must choose in."""
        mine, yours = (text_of([piece for piece in run if piece.is_new in (0, side)]) for side in (OURS, THEIRS))
        self.tell(mine.strip(), yours.strip(), said)
        lead, *_rest = run[0].segments
        return Piece(run[0].number, [lead, Clash("", behind(mine, lead), behind(yours, lead))], run[0].is_first, OURS)

    def _share_comment(self, ours: Piece, theirs: Piece) -> None:
        """A comment that stood at the end, and behind which both put something, is there once."""
        mine, yours = ours.segments[0], theirs.segments[0]
        if not isinstance(mine, str) or not isinstance(yours, str):
            return
        said = comments(yours)
        if said and said == comments(mine) and all(line in self.base for line in said):
            theirs.segments[0] = yours[yours.rindex("\n") :] if "\n" in yours else ""
