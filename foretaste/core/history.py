"""Reading what was published: verified tables, and what changed between releases."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from foretaste.core.errors import Tampered, WorkspaceError
from foretaste.core.recovery import verify_tree
from foretaste.core.release import (
    FileEntry,
    Release,
    commit_of,
    releases,
    snapshot,
)
from foretaste.core.signatures import is_signed
from foretaste.core.tags import has_tag, tag_is_forged
from foretaste.core.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

_COMPARED: Final = ("weight", "label", "verdict")


def verify_release(workspace: Workspace, wanted: Release) -> None:
    """Check a release: the chain of signed manifests, its tag, every byte of every file.

    The newest release is checked in the tree too, where training reads it.

    Raises
    ------
    Tampered
        If anything does not match; the message names it.
    """
    known = releases(workspace)
    _verify_chain(workspace, known, wanted)
    _verify_tag(workspace, wanted)
    store = workspace.store.reader(commit_of(workspace, wanted))
    for path, entry in snapshot(known, wanted.number).items():
        _read(store, path, entry)
    if wanted.number == len(known):
        verify_tree(workspace)


def read_release_table(
    workspace: Workspace,
    wanted: Release,
    name: str,
    *,
    columns: Sequence[str] | None = None,
    nights: Collection[str] | None = None,
) -> pa.Table:
    """Read a table as a release holds it, without touching the tree.

    Parameters
    ----------
    name
        A folder or file below ``data/``: ``accepted``, ``contributions``,
        ``state/validity.parquet``, ``night/sanitize/verdicts.parquet``.
    columns
        Those to read; None for all. One that no file has is left out.
    nights
        Of a folder in partitions, those to read; None for all.

    Raises
    ------
    Tampered
        If bytes differ from the signed manifest; the message names the file.
    WorkspaceError
        If the release has no such table.
    """
    known = releases(workspace)
    _verify_chain(workspace, known, wanted)
    files = _tables(snapshot(known, wanted.number), name)
    if not files:
        raise WorkspaceError(f"{wanted.tag} has no table {name!r}")
    if nights is not None:
        kept = tuple(f"data/{name}/night={night}/" for night in nights)
        files = {path: entry for path, entry in files.items() if path.startswith(kept)}
    return _read_tables(workspace, wanted, files, columns)


def diff_releases(workspace: Workspace, old: Release, new: Release) -> pd.DataFrame:
    """Compare the accepted rows of two releases, row by row.

    Files that both have are the same rows in both, and are not read.

    Returns
    -------
    pd.DataFrame
        One line per differing row, sorted by ``row_id``: ``row_id``, ``change`` (added,
        removed, changed), and ``old_``/``new_`` of weight, label and verdict as far as
        the accepted table has them.
    """
    known = releases(workspace)
    for one in (old, new):
        _verify_chain(workspace, known, one)
    before = _tables(snapshot(known, old.number), "accepted")
    after = _tables(snapshot(known, new.number), "accepted")
    return _compare(
        _rows_only_in(workspace, old, before, after), _rows_only_in(workspace, new, after, before)
    )


def _verify_chain(workspace: Workspace, known: Sequence[Release], wanted: Release) -> None:
    chain = known[: wanted.number]
    if not chain or chain[-1] != wanted:
        raise Tampered(f"{wanted.path} is not what it was")
    names = [name for one in chain for name in (one.path, one.signature_path)]
    blobs = workspace.git.blobs(f"HEAD:{name}" for name in names)
    previous = ""
    for one in chain:
        data = blobs.get(f"HEAD:{one.path}", b"")
        if not is_signed(workspace.key, data, blobs.get(f"HEAD:{one.signature_path}", b"")):
            raise Tampered(f"{one.path} is not signed by this workspace's key")
        if one.previous != previous:
            raise Tampered(f"{one.path} does not follow the release before it")
        previous = hashlib.sha256(data).hexdigest()


def _verify_tag(workspace: Workspace, wanted: Release) -> None:
    git = workspace.git
    if not has_tag(workspace, wanted.tag):
        raise Tampered(f"the tag {wanted.tag} is missing", hint="the next run makes it again")
    points_at = git.lines("rev-parse", f"refs/tags/{wanted.tag}^{{commit}}")[0]
    if points_at != commit_of(workspace, wanted) or tag_is_forged(workspace, wanted.tag):
        raise Tampered(
            f"the tag {wanted.tag} was moved or forged",
            hint=f"git tag -d {wanted.tag}; the next run makes it again",
        )


def _tables(files: Mapping[str, FileEntry], name: str) -> dict[str, FileEntry]:
    path = f"data/{name}"
    return {
        p: entry
        for p, entry in files.items()
        if entry.rows is not None and (p == path or p.startswith(f"{path}/"))
    }


def _read(store: Any, path: str, entry: FileEntry) -> bytes:
    try:
        data: bytes = store.cat_file(path)
    except FileNotFoundError:
        raise Tampered(
            f"{path} is neither in DVC's cache nor in its remote", hint="try `dvc fetch`"
        ) from None
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise Tampered(
            f"{path} in DVC's store is not what was published",
            hint="remove the damaged file from .dvc/cache, then `dvc fetch`",
        )
    return data


def _read_tables(
    workspace: Workspace,
    wanted: Release,
    files: Mapping[str, FileEntry],
    columns: Sequence[str] | None,
) -> pa.Table:
    import pyarrow.parquet as pq

    store = workspace.store.reader(commit_of(workspace, wanted))
    tables = []
    for path, entry in files.items():
        # The hive-style folder name is ours; the file's own columns are the table.
        file = pq.ParquetFile(pa.BufferReader(_read(store, path, entry)))
        have = [c for c in columns if c in file.schema_arrow.names] if columns else None
        tables.append(file.read(columns=have))
    return pa.concat_tables(tables, promote_options="default") if tables else pa.table({})


def _rows_only_in(
    workspace: Workspace,
    wanted: Release,
    files: Mapping[str, FileEntry],
    other: Mapping[str, FileEntry],
) -> pd.DataFrame:
    import pandas as pd

    own = {path: entry for path, entry in files.items() if other.get(path) != entry}
    table = _read_tables(workspace, wanted, own, ("row_id", *_COMPARED))
    frame = table.to_pandas() if table.num_columns else pd.DataFrame({"row_id": []}, dtype="str")
    return frame.set_index("row_id")


def _compare(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    columns = [c for c in _COMPARED if c in old.columns or c in new.columns]
    left = old.reindex(columns=columns).add_prefix("old_")
    right = new.reindex(columns=columns).add_prefix("new_")
    both = left.join(right, how="outer")
    change = pd.Series("changed", index=both.index)
    change[~both.index.isin(old.index)] = "added"
    change[~both.index.isin(new.index)] = "removed"
    same = pd.Series(change == "changed", index=both.index)
    for name in columns:
        a, b = both[f"old_{name}"], both[f"new_{name}"]
        same &= (a == b) | (a.isna() & b.isna())
    both.insert(0, "change", change)
    return both[~same].rename_axis("row_id").sort_index().reset_index()
