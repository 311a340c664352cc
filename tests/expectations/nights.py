"""Small nights to judge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from foretaste.core.contract import REJECT_SCHEMA, contribution_schema
from foretaste.core.policy import Policy

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = Policy(
    columns={"features": ("size",), "attributes": ("relay",)},
    label={"values": ("ham", "spam")},
    expectations={"min_rows": 20},
)
SCHEMA = contribution_schema(("size",), ("relay",))


@dataclass(frozen=True)
class File:
    state: str


def contributions(n=40, **columns):
    """A night that nothing is wrong with, some of its columns replaced."""
    values = {
        "row_id": [f"r{i:032x}" for i in range(n)],
        "contribution_id": [f"k{i}" for i in range(n)],
        "contributor_id": [f"c{i % 7:016x}" for i in range(n)],
        "contributed_at": [AS_OF - timedelta(minutes=i) for i in range(n)],
        "time_unknown": [False] * n,
        "label": ["ham" if i % 2 else "spam" for i in range(n)],
        "tier": ["registered"] * n,
        "row_digest": ["0" * 64] * n,
        "source": ["1" * 64] * n,
        "source_row": list(range(n)),
        "f_size": [float(i) for i in range(n)],
        **columns,
    }
    return pa.table({f.name: pa.array(values.get(f.name, [None] * n), f.type) for f in SCHEMA})


def rejects(n=0, code="not_a_time"):
    return pa.table(
        {
            "row_id": [f"reject:x:{i}" for i in range(n)],
            "source": ["x"] * n,
            "source_row": list(range(n)),
            "code": [code] * n,
            "column": ["label"] * n,
            "message": ["no"] * n,
            "original": [None] * n,
        },
        schema=REJECT_SCHEMA,
    )


def accepted(n=200, start=0, seed=0, **columns):
    """Accepted rows, with a feature and a text."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 50, (n, 8))
    frame = pd.DataFrame(
        {
            "row_id": [f"r{start + i:05d}" for i in range(n)],
            "contributor_id": [f"c{i % 20}" for i in range(n)],
            "actor_id": [f"a{i % 10}" for i in range(n)],
            "subnet_id": pd.Series([f"s{i % 5}" for i in range(n)], dtype="str"),
            "label": ["ham" if i % 2 else "spam" for i in range(n)],
            "f_size": rng.normal(size=n),
            "text": [" ".join(f"w{w}" for w in row) for row in words],
            "weight": np.ones(n),
        }
    )
    return frame.assign(**columns)


def shares(rows):
    return {
        kind: (rows.groupby(f"{kind}_id")["weight"].sum() / rows["weight"].sum())
        .rename("share")
        .rename_axis("id")
        .reset_index()
        for kind in ("contributor", "actor", "subnet")
    }


def failed(report):
    return {r.name for r in report.results if not r.success}
