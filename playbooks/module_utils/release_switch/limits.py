"""How much a release may be: archives are small beside what they unpack to."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import ReleaseError


@dataclass(frozen=True)
class Limits:
    """Of one release."""

    most_size: int = 2048 << 20
    """Bytes of its archive, and of its files together."""
    most_files: int = 100_000
    seconds: float = 900.0
    """For the download of its archive."""

    def check(self, files: int, size: int) -> None:
        """Raise ReleaseError for more than there may be."""
        if files > self.most_files:
            allowed = f"{self.most_files} files (release_most_files in the inventory)"
            raise ReleaseError(f"the archive is refused: it has more than {allowed}")
        if size > self.most_size:
            raise ReleaseError(f"the archive is refused: its files have more than {self.allowed}")

    @property
    def allowed(self) -> str:
        """The size that a release may have, and where that is said."""
        return f"{self.most_size >> 20} MiB (release_most_size in the inventory)"
