"""The frozen schema of a contribution and of a visit, after ingest.

Everything downstream of ingest reads exactly these columns. Ids of people and
addresses are keyed pseudonyms by then; nothing else of them leaves landing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import pyarrow as pa

UTC_MICROS: Final = pa.timestamp("us", tz="UTC")

#: Columns before the features, in order. Nullable ones are marked.
CORE_FIELDS: Final[tuple[pa.Field, ...]] = (
    pa.field("row_id", pa.string(), nullable=False),
    pa.field("contribution_id", pa.string(), nullable=False),
    pa.field("contributor_id", pa.string(), nullable=False),
    pa.field("contributed_at", UTC_MICROS, nullable=False),
    pa.field("time_unknown", pa.bool_(), nullable=False),
    pa.field("item_id", pa.string()),
    pa.field("label", pa.string(), nullable=False),
    pa.field("network_id", pa.string()),
    pa.field("subnet_id", pa.string()),
    pa.field("device_id", pa.string()),
    pa.field("kind", pa.string()),
    pa.field("tier", pa.string(), nullable=False),
    pa.field("registered_at", UTC_MICROS),
    pa.field("name_shape", pa.string()),
    pa.field("name_sketch", pa.string()),
    pa.field("text", pa.string()),
    pa.field("row_digest", pa.string(), nullable=False),
    pa.field("source", pa.string(), nullable=False),
    pa.field("source_row", pa.int64(), nullable=False),
    pa.field("held", pa.string()),
)
"""``row_id`` is the row's identity, a keyed hash of (contributor, contribution id);
``row_digest`` is the SHA-256 of the content; ``source`` is the SHA-256 of the file it
came in and ``source_row`` its 0-based row there; ``name_shape`` and ``name_sketch`` are
what may be known of the account's name (see ``foretaste.intake.names``); ``held`` is a
reason code for a well-formed row that ingest quarantines (a conflict, a time in the
future), else null."""

FEATURE_PREFIX: Final = "f_"
ATTRIBUTE_PREFIX: Final = "a_"

VISIT_SCHEMA: Final = pa.schema(
    [
        pa.field("contributor_id", pa.string(), nullable=False),
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("visited_at", UTC_MICROS, nullable=False),
    ]
)

#: One line per row that never became a contribution.
REJECT_SCHEMA: Final = pa.schema(
    [
        pa.field("row_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_row", pa.int64(), nullable=False),
        pa.field("code", pa.string(), nullable=False),
        pa.field("column", pa.string()),
        pa.field("message", pa.string(), nullable=False),
        pa.field("original", pa.string()),
    ]
)
"""``row_id`` is ``reject:<source>:<source_row>``; ``original`` is the id of the
encrypted original bytes in the key store, null where there are none to keep."""


class Tier(StrEnum):
    """How well a contributor is known."""

    ANONYMOUS = "anonymous"
    REGISTERED = "registered"
    VERIFIED = "verified"
    TRUSTED = "trusted"


def contribution_schema(features: tuple[str, ...], attributes: tuple[str, ...]) -> pa.Schema:
    """Build the Arrow schema of a contribution.

    Parameters
    ----------
    features
        Names of numeric features, without prefix; stored as ``f_<name>``, float64.
    attributes
        Names of text attributes, without prefix; stored as ``a_<name>``, nullable.
    """
    return pa.schema(
        [
            *CORE_FIELDS,
            *(pa.field(FEATURE_PREFIX + name, pa.float64()) for name in features),
            *(pa.field(ATTRIBUTE_PREFIX + name, pa.string()) for name in attributes),
        ]
    )
