"""Who a row is: keyed hashes of its ids, a digest of its content, and which copy stands."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.keys import WorkspaceKey
from foretaste.intake.cells import mask_of
from foretaste.intake.known import KnownRows
from foretaste.intake.problems import Mask

#: Between copies of one row the earliest stands; what follows only breaks ties.
_STANDING_ORDER: Final = (
    "contributed_at",
    "row_digest",
    "network_id",
    "subnet_id",
    "tier",
    "registered_at",
    "device_id",
    "name_shape",
    "name_sketch",
    "source",
    "source_row",
)


def row_ids(contributors: pa.Array, contributions: pa.Array, key: WorkspaceKey) -> list[str]:
    """Hash (contributor, contribution id): nobody can touch another's row by reusing its id."""
    joined = pc.binary_join_element_wise(contributors, contributions, "\x1f")
    return [key.pseudonym("row", value) for value in joined.to_pylist()]


def row_digests(texts: list[pa.Array], numbers: list[pa.Array]) -> list[str]:
    """SHA-256 of each row's content, the same whatever format it came in.

    Parameters
    ----------
    texts
        (n,) string arrays; null differs from any text.
    numbers
        (n,) float64 arrays without null.
    """
    lengths = [pc.binary_length(column).cast(pa.string()).fill_null("-") for column in texts]
    head = pc.binary_join_element_wise(*lengths, ",")
    body = pc.binary_join_element_wise(*(column.fill_null("") for column in texts), "")
    content = pc.binary_join_element_wise(head, body, "\n").cast(pa.binary()).to_pylist()
    matrix = np.ascontiguousarray(_matrix(numbers, len(content)))
    return [
        hashlib.sha256(text + row.tobytes()).hexdigest()
        for text, row in zip(content, matrix, strict=True)
    ]


def _matrix(numbers: list[pa.Array], rows: int) -> Any:
    if not numbers:
        return np.zeros((rows, 0), dtype="<f8")
    return np.column_stack([column.to_numpy() for column in numbers]).astype("<f8", copy=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """Rows after copies and versions were told apart.

    Parameters
    ----------
    table
        Rows that stand or are held as ``conflict``; ``row_id`` is unique.
    duplicates
        The other rows.
    """

    table: pa.Table
    duplicates: pa.Table


def settle(table: pa.Table, known: KnownRows, key: WorkspaceKey) -> Settled:
    """Keep one copy of each row; hold later, different versions under an id of their own.

    Parameters
    ----------
    table
        Rows with the contract's columns, in any order.
    known
        Rows of earlier nights; they came first.
    key
        Makes the ids of held versions.
    """
    duplicate, conflict = _compare(table, known)
    if conflict.any():
        table = _renamed(table, conflict, key)
        # The same conflicting version may have been held on an earlier night.
        duplicate |= conflict & _seen(table, known)[0]
    if not duplicate.any():
        return Settled(table, table.slice(0, 0))
    return Settled(table.filter(pa.array(~duplicate)), table.filter(pa.array(duplicate)))


def _compare(table: pa.Table, known: KnownRows) -> tuple[Mask, Mask]:
    same_before, other_before = _seen(table, known)
    duplicate, conflict = same_before.copy(), other_before.copy()
    codes = table["row_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    rows = np.flatnonzero(np.bincount(codes)[codes] > 1)
    if not len(rows):
        return duplicate, conflict
    group = table.take(pa.array(rows)).append_column("row", pa.array(rows))
    group = group.sort_by([(name, "ascending") for name in ("row_id", *_STANDING_ORDER)])
    ordered = group.select(["row_id", "row_digest", "row"]).to_pandas()
    place = ordered["row"].to_numpy()
    again = ordered.duplicated(["row_id", "row_digest"]).to_numpy()
    first = ordered.groupby("row_id")["row_digest"].transform("first")
    other = (ordered["row_digest"] != first).to_numpy()
    was_known = same_before[place] | other_before[place]
    duplicate[place] |= again
    conflict[place] |= other & ~was_known
    return duplicate, conflict & ~duplicate


def _seen(table: pa.Table, known: KnownRows) -> tuple[Mask, Mask]:
    """Rows that earlier nights have with the same content, and with another one."""
    ids = known.rows["row_id"]
    place = pc.index_in(table["row_id"], value_set=ids)
    digest = pc.take(known.rows["row_digest"], place)
    same = mask_of(pc.equal(table["row_digest"], digest))
    return same, mask_of(place.is_valid()) & ~same


def _renamed(table: pa.Table, conflict: Mask, key: WorkspaceKey) -> pa.Table:
    rows = pa.array(np.flatnonzero(conflict))
    part = table.select(["row_id", "row_digest"]).take(rows)
    fresh = pc.binary_join_element_wise(part["row_id"], part["row_digest"], "\x1f").to_pylist()
    values: Mapping[str, pa.Array] = {
        "row_id": pa.array([key.pseudonym("row", value) for value in fresh], pa.string()),
        "held": pa.array(["conflict"] * len(rows), pa.string()),
    }
    for name, replacement in values.items():
        column = table[name].combine_chunks()
        replaced = pc.replace_with_mask(column, pa.array(conflict), replacement)
        table = table.set_column(
            table.schema.get_field_index(name), table.schema.field(name), replaced
        )
    return table
