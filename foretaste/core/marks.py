"""What later releases say of earlier ones: purged, rolled back.

It stands in the later ones' signed manifests, so a mark can neither be lost with the
ledger nor be removed without breaking the chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from foretaste.core.errors import WorkspaceError
from foretaste.core.release import FileEntry, Release, snapshot

PURGE: Final = "purge"
ROLLBACK: Final = "rollback"
ACCEPTED: Final = "data/accepted"


@dataclass(frozen=True, slots=True)
class Purge:
    """What a purge took out, as its release's manifest tells it.

    Parameters
    ----------
    release
        Number of the release without the rows.
    contributors
        Pseudonyms of those whose rows went.
    rows
        Accepted rows that went.
    marked
        Numbers of the earlier releases that hold some of them.
    reason, by, at
        Why, who, and when.
    """

    release: int
    contributors: tuple[str, ...]
    rows: int
    marked: tuple[int, ...]
    reason: str
    by: str
    at: datetime


def purges(known: Sequence[Release]) -> list[Purge]:
    """List the purges, oldest first."""
    return [_purge(one) for one in known if PURGE in one.extra]


def blocked(known: Sequence[Release]) -> frozenset[str]:
    """Pseudonyms whose rows were purged: what they send again is held."""
    return frozenset(who for one in purges(known) for who in one.contributors)


def marks(known: Sequence[Release], number: int) -> list[str]:
    """Tell what a reader of a release must know of it: a line per purge or rollback."""
    told = [
        f"release {number} holds rows that were purged in release {one.release}: {one.reason}"
        for one in purges(known)
        if number in one.marked
    ]
    for one in known:
        said = one.extra.get(ROLLBACK)
        if said and said["to"] < number < one.number:
            told.append(f"release {number} was rolled back in release {one.number}")
    return told


def same_corpus(known: Sequence[Release], number: int) -> bool:
    """Tell whether the newest release accepts exactly the rows of an earlier one."""
    return below(snapshot(known), ACCEPTED) == below(snapshot(known, number), ACCEPTED)


def require_unmarked(known: Sequence[Release], number: int) -> None:
    """Check that a release may become the corpus again.

    Raises
    ------
    WorkspaceError
        If rows of it were purged.
    """
    found = [one for one in purges(known) if number in one.marked]
    if found:
        raise WorkspaceError(
            f"release {number} holds rows that were purged in release {found[-1].release}",
            hint="`--model-only` lets its model serve and leaves the corpus as it is",
        )


def below(files: Mapping[str, FileEntry], *folders: str) -> dict[str, FileEntry]:
    """Give the files of a snapshot that lie below some folders."""
    inside = tuple(f"{folder}/" for folder in folders)
    return {path: entry for path, entry in files.items() if path.startswith(inside)}


def _purge(one: Release) -> Purge:
    said = one.extra[PURGE]
    return Purge(
        release=one.number,
        contributors=tuple(said["contributors"]),
        rows=int(said["rows"]),
        marked=tuple(said["marked"]),
        reason=str(said["reason"]),
        by=str(said["by"]),
        at=datetime.fromisoformat(said["at"]),
    )
