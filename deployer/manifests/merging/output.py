"""Pieces of a merge put together: whole, or with conflict markers around what a person must choose between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deployer.manifests.merging.trivia import Clash, Segment


def whole(segments: Iterable[Segment]) -> str:
    """The text of a merge without conflicts."""
    return "".join(segment for segment in segments if isinstance(segment, str))


def marked(segments: Sequence[Segment], marker_size: int) -> str:
    """The text with each conflict between markers, on lines of their own, as git writes them."""
    end = "\r\n" if any(isinstance(each, str) and "\r\n" in each for each in segments) else "\n"
    done: list[str] = []
    open_lines: tuple[str, str] | None = None
    line = ""
    """What the current line holds so far, while no conflict is on it."""
    for segment in segments:
        if isinstance(segment, Clash):
            ours, theirs = open_lines or (line, line)
            open_lines, line = (ours + segment.ours, theirs + segment.theirs), ""
            continue
        head, found, tail = segment.partition("\n")
        if open_lines is not None:
            open_lines = (open_lines[0] + head + found, open_lines[1] + head + found)
            if not found:
                continue
            done.append(_block(open_lines, marker_size, end))
            open_lines, head, found = None, "", ""
            segment = tail  # noqa: PLW2901  what is left of it
        line += segment
        cut = line.rfind("\n") + 1
        done.append(line[:cut])
        line = line[cut:]
    done.append(line if open_lines is None else _block(open_lines, marker_size, end))
    return "".join(done)


def _block(lines: tuple[str, str], size: int, end: str) -> str:
    ours, theirs = (text if not text.strip() or text.endswith("\n") else text + end for text in lines)
    ours, theirs = (text if text.strip() else "" for text in (ours, theirs))
    return f"{'<' * size} ours{end}{ours}{'=' * size}{end}{theirs}{'>' * size} theirs{end}"
