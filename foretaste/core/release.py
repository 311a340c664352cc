"""Releases: numbered, signed, immutable versions of the accepted corpus."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from foretaste.core.errors import Tampered, WorkspaceError
from foretaste.core.files import canonical_json
from foretaste.core.verdict import Account
from foretaste.core.workspace import Workspace

_LOG = logging.getLogger(__name__)

MANIFESTS: Final = "releases"
STATE: Final = "data/state"
SANITIZED: Final = "data/night/sanitize"
CORPUS: Final = ("data/contributions", "data/accepted")
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class FileEntry:
    """What a file of a release is.

    Parameters
    ----------
    sha256
        Of its bytes, hex.
    size
        Bytes.
    rows
        Rows where it is a Parquet file.
    """

    sha256: str
    size: int
    rows: int | None


@dataclass(frozen=True, slots=True)
class Release:
    """A release, as its signed manifest tells it.

    Parameters
    ----------
    number
        1, 2, 3 … in order of publication.
    night
        ``YYYY-MM-DD``; a later release may belong to the same night.
    run_id
        The run that published it; no run publishes twice.
    previous
        SHA-256 of the manifest before, "" for the first: the manifests are a chain.
    policy
        Digest of the policy that judged it.
    code
        Version of foretaste.
    counts
        Where every row of the night went.
    ingested
        SHA-256 of the landed files that went in.
    files
        Files that this release adds or replaces, by path in the workspace.
    removed
        Paths of earlier releases that it does not have.
    extra
        What else the night wrote down, as JSON values.
    """

    number: int
    night: str
    run_id: str
    previous: str
    policy: str
    code: str
    counts: Account
    ingested: tuple[str, ...]
    files: Mapping[str, FileEntry]
    removed: tuple[str, ...]
    extra: Mapping[str, Any]

    @property
    def tag(self) -> str:
        """The git tag: ``release/0001``."""
        return f"release/{self.number:04d}"

    @property
    def path(self) -> str:
        """Where its manifest lies in the workspace."""
        return f"{MANIFESTS}/{self.number:04d}.json"

    @property
    def signature_path(self) -> str:
        """Where the manifest's signature lies in the workspace."""
        return f"{MANIFESTS}/{self.number:04d}.sig"

    def to_bytes(self) -> bytes:
        """Encode the manifest; equal releases are equal bytes."""
        return canonical_json({"format": _FORMAT, **asdict(self)})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Decode a manifest.

        Raises
        ------
        Tampered
            If it is none.
        WorkspaceError
            If a newer foretaste wrote it.
        """
        try:
            raw = json.loads(data)
            if raw.pop("format") > _FORMAT:
                raise WorkspaceError(
                    "a release was made by a newer foretaste", hint="upgrade foretaste"
                )
            raw["files"] = {path: FileEntry(**entry) for path, entry in raw["files"].items()}
            raw["counts"] = Account(**raw["counts"])
            raw |= {name: tuple(raw[name]) for name in ("ingested", "removed")}
            return cls(**raw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Tampered(f"a release manifest cannot be read: {error}") from None


def manifest_digest(release: Release) -> str:
    """Give the SHA-256 of a release's manifest, by which the next one names it."""
    return hashlib.sha256(release.to_bytes()).hexdigest()


def releases(workspace: Workspace) -> list[Release]:
    """List what was published, oldest first; read from git, so never half a release.

    Raises
    ------
    Tampered
        If a manifest is missing, is not one, or lies under another's name.
    """
    git = workspace.git
    names = git.lines("ls-tree", "--name-only", "HEAD", f"{MANIFESTS}/")
    objects = [f"HEAD:{name}" for name in names if name.endswith(".json")]
    found = {name: Release.from_bytes(data) for name, data in git.blobs(objects).items()}
    known = sorted(found.values(), key=lambda one: one.number)
    for number, one in enumerate(known, start=1):
        if one.number != number or found.get(f"HEAD:{one.path}") != one:
            raise Tampered(
                f"{MANIFESTS}/{number:04d}.json is missing or is another release's",
                hint="git log -- releases tells who changed it",
            )
    return known


def release(workspace: Workspace, ref: str | int) -> Release:
    """Find a release; where a later one purged or rolled it back, the log warns.

    Parameters
    ----------
    ref
        Its number, its tag, its night (the latest of that night) or ``latest``.

    Raises
    ------
    WorkspaceError
        If there is none; the hint names those that are there.
    """
    known = releases(workspace)
    wanted = str(ref)
    matching = [r for r in known if wanted in (str(r.number), f"{r.number:04d}", r.tag, r.night)]
    if wanted == "latest":
        matching = known
    if not matching:
        newest = ", ".join(f"{r.number} ({r.night})" for r in known[-5:]) or "none yet"
        raise WorkspaceError(f"there is no release {wanted}", hint=f"the newest are: {newest}")
    _warn_of_marks(known, matching[-1])
    return matching[-1]


def snapshot(known: Sequence[Release], number: int | None = None) -> dict[str, FileEntry]:
    """Give all files of a release: its own, and those it inherits.

    Parameters
    ----------
    known
        All releases, oldest first.
    number
        The release; None for the newest.
    """
    files: dict[str, FileEntry] = {}
    for one in known:
        if number is not None and one.number > number:
            break
        for path in one.removed:
            files.pop(path, None)
        files.update(one.files)
    return dict(sorted(files.items()))


def commit_of(workspace: Workspace, wanted: Release) -> str:
    """Give the commit that published a release.

    Raises
    ------
    WorkspaceError
        If history does not have it.
    """
    added = workspace.git.lines("log", "--diff-filter=A", "--format=%H", "--", wanted.path)
    if not added:
        raise WorkspaceError(f"git history does not have {wanted.path}")
    return added[-1]


def _warn_of_marks(known: Sequence[Release], one: Release) -> None:
    # Marks are read from releases.
    from foretaste.core.marks import marks

    for line in marks(known, one.number):
        _LOG.warning(line)


def row_count(path: Path) -> int | None:
    """Count the rows of a Parquet file from its footer; None for another file."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows) if path.suffix == ".parquet" else None
