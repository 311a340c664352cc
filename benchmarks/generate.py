"""Make large nights with a known attack, for speed and scale.

Rows come in chunks, each from a seed of its own, so memory does not grow with the night.
Features are Gaussian classes that overlap; with a source, texts are new mixes of its lines
and features lie between two of its rows of one class. Two rows in a hundred are poison:
rings of one-row accounts, a cohort that skews one class, and a backdoor.

Usage: ``python -m benchmarks.generate ROWS FOLDER [--days N] [--source FILE] [--seed N]``
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.material import Gaussian, Material, Mixed

CHUNK: Final = 100_000
RING: Final = 200
"""Accounts of a ring; each ring has its own /24 and its own hour of registration."""

POISON: Final = 0.02
KINDS: Final = ("", "sybil_ring", "skew", "backdoor")
_SHARES: Final = (1.0 - POISON, 0.4 * POISON, 0.4 * POISON, 0.2 * POISON)
_SOURCE_CLASS, _TARGET_CLASS = 1, 0
_GOLDEN, _CANARIES = 2_000, 200
_EPOCH: Final = pd.Timestamp("2026-01-01", tz="UTC")
_ODD: Final = 0x9E3779B97F4B


@dataclass(frozen=True, slots=True)
class ScaleFiles:
    """Where a generated night lies.

    Parameters
    ----------
    contributions
        Raw rows, as a user would land them.
    truth
        ``contribution_id, contributor_id, attack, poison, target_label, true_label``.
    golden, canaries
        Held-out sets with the contract's columns.
    policy
        What ``params.yaml`` must say to read them.
    """

    contributions: Path
    truth: Path
    golden: Path
    canaries: Path
    policy: dict[str, Any]


def scale_contributions(
    n_rows: int,
    folder: Path,
    *,
    seed: int,
    days: int = 1,
    n_features: int = 36,
    n_classes: int = 7,
    source: Path | None = None,
) -> ScaleFiles:
    """Write ``n_rows`` contributions over ``days`` UTC days from 2026-01-01, and their truth.

    Parameters
    ----------
    n_features, n_classes
        Shape of the synthetic rows; a source brings its own.
    source
        Parquet with ``label`` and ``text`` or ``f_*`` columns; None: synthetic rows.
    """
    material: Material
    if source is None:
        material = Gaussian(n_features, n_classes, seed)
    else:
        material = Mixed(pd.read_parquet(source))
    folder.mkdir(parents=True, exist_ok=True)
    crowd = _Crowd(max(10, n_rows // 100), np.random.default_rng([seed, 1]))
    files = ScaleFiles(
        folder / "contributions.parquet",
        folder / "truth.parquet",
        folder / "golden.parquet",
        folder / "canaries.parquet",
        _policy(material),
    )
    night = _Night(n_rows, days, seed)
    _write(files, (_chunk(at, night, material, crowd) for at in range(0, n_rows, CHUNK)))
    _held_out(files, material, np.random.default_rng([seed, 3]))
    return files


class _Crowd:
    """Contributors and items, both heavy-tailed."""

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self.count = count
        self.busy = _cumulative(rng.lognormal(sigma=1.3, size=count))
        self.popular = _cumulative(1.0 / (np.arange(max(20, count // 2)) + 2.0))
        self.subnet = rng.integers(0, max(4, 2 * count // 3), size=count)
        self.host = rng.integers(1, 250, size=count)
        self.noise = rng.beta(1.0, 49.0, size=count)
        self.age_minutes = rng.integers(1_440, 600 * 1_440, size=count)
        self.tier = rng.choice(["anonymous", "registered", "verified", "trusted"], count)
        self.cohort = rng.choice(count, size=max(3, count // 200), replace=False)


def _cumulative(weight: np.ndarray) -> np.ndarray:
    total: np.ndarray = np.cumsum(weight) / weight.sum()
    return total


def _draw(cumulative: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return np.minimum(np.searchsorted(cumulative, rng.random(count)), len(cumulative) - 1)


@dataclass(frozen=True, slots=True)
class _Night:
    rows: int
    days: int
    seed: int


def _chunk(
    start: int, night: _Night, material: Material, crowd: _Crowd
) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng([night.seed, 2, start])
    n = min(CHUNK, night.rows - start)
    kind = rng.choice(len(KINDS), p=_SHARES, size=n)
    true = np.where(kind > 0, _SOURCE_CLASS, material.draw_classes(n, rng))
    who = _draw(crowd.busy, n, rng)
    mistaken = (kind == 0) & (rng.random(n) < crowd.noise[who])
    other = (true + rng.integers(1, len(material.classes), size=n)) % len(material.classes)
    label = np.where(kind > 0, _TARGET_CLASS, np.where(mistaken, other, true))
    who = np.where(kind > 1, rng.choice(crowd.cohort, size=n), who)
    senders = _senders(start, kind, who, crowd, rng)
    classes = np.array(material.classes, dtype=object)
    rows = pd.DataFrame(
        {
            "contribution_id": [f"c{((start + i) * _ODD) % 2**48:012x}" for i in range(n)],
            **senders,
            "contributed_at": _EPOCH
            + pd.to_timedelta(rng.integers(0, night.days * 86_400, size=n), unit="s"),
            "item_id": np.char.add("i", _draw(crowd.popular, n, rng).astype(str)),
            "label": classes[label],
            **material.content(true, kind == 3, (kind == 1) | (kind == 2), rng),
        }
    )
    poison = kind > 0
    truth = pd.DataFrame(
        {
            "contribution_id": rows["contribution_id"],
            "contributor_id": rows["contributor_id"],
            "attack": pd.Series(np.array(KINDS, dtype=object)[kind], dtype="str").where(poison),
            "poison": poison,
            "target_label": rows["label"].where(poison),
            "true_label": classes[true],
        }
    )
    return rows, truth


def _senders(
    start: int, kind: np.ndarray, who: np.ndarray, crowd: _Crowd, rng: np.random.Generator
) -> dict[str, Any]:
    """Accounts with address, tier and registration; a ring's accounts are used once."""
    in_ring = kind == 1
    number = np.where(in_ring, crowd.count + start + np.arange(len(kind)), who)
    # Rings get test addresses, so they meet nobody honest; people get private ones.
    ring = (start // CHUNK * 7 + np.cumsum(in_ring) // RING) % 512
    net = crowd.subnet[who]
    subnet = [
        f"198.{18 + r // 256}.{r % 256}" if lone else f"10.{s // 256 % 256}.{s % 256}"
        for lone, r, s in zip(in_ring.tolist(), ring.tolist(), net.tolist(), strict=True)
    ]
    host = np.where(in_ring, rng.integers(1, 250, size=len(kind)), crowd.host[who])
    burst = 4_320 + 60 * ring + rng.integers(0, 60, size=len(kind))
    age = np.where(in_ring, burst, crowd.age_minutes[who])
    scrambled = (number.astype(np.uint64) * np.uint64(_ODD)) % np.uint64(2**48)
    return {
        "contributor_id": [f"u{n:012x}" for n in scrambled.tolist()],
        "ip": [f"{s}.{h}" for s, h in zip(subnet, host.tolist(), strict=True)],
        "tier": np.where(in_ring, "registered", crowd.tier[who]),
        "registered_at": _EPOCH - pd.to_timedelta(age, unit="min"),
    }


def _write(files: ScaleFiles, chunks: Iterator[tuple[pd.DataFrame, pd.DataFrame]]) -> None:
    first = [pa.Table.from_pandas(t, preserve_index=False) for t in next(chunks)]
    with (
        pq.ParquetWriter(files.contributions, first[0].schema, compression="zstd") as rows,
        pq.ParquetWriter(files.truth, first[1].schema, compression="zstd") as truth,
    ):
        rows.write_table(first[0])
        truth.write_table(first[1])
        for more in chunks:
            rows.write_table(pa.Table.from_pandas(more[0], first[0].schema, preserve_index=False))
            truth.write_table(pa.Table.from_pandas(more[1], first[1].schema, preserve_index=False))


def _held_out(files: ScaleFiles, material: Material, rng: np.random.Generator) -> None:
    """Write golden rows, and canaries: trigger rows of the source class, and honest ones."""
    prefix = {name: f"f_{name}" for name in material.features}
    classes = np.array(material.classes, dtype=object)
    calm = np.zeros(_GOLDEN, dtype=bool)
    true = material.draw_classes(_GOLDEN, rng)
    golden = pd.DataFrame(material.content(true, calm, calm, rng)).rename(columns=prefix)
    golden.insert(0, "row_id", [f"golden-{i:05d}" for i in range(_GOLDEN)])
    golden.assign(label=classes[true]).to_parquet(files.golden, index=False)
    half = np.arange(2 * _CANARIES) < _CANARIES
    true = np.where(half, _SOURCE_CLASS, _TARGET_CLASS)
    canaries = pd.DataFrame(material.content(true, half, np.zeros_like(half), rng)).assign(
        attack=pd.Series(np.where(half, "backdoor", ""), dtype="str").where(half),
        target_label=pd.Series(classes[np.zeros_like(true)], dtype="str").where(half),
        true_label=classes[true],
    )
    canaries.rename(columns=prefix).to_parquet(files.canaries, index=False)


def _policy(material: Material) -> dict[str, Any]:
    return {
        "columns": {
            "ip": "ip",
            "tier": "tier",
            "registered_at": "registered_at",
            "text": "text" if material.has_text else None,
            "features": list(material.features),
        }
    }


def main() -> None:
    """Generate from the command line."""
    parser = argparse.ArgumentParser(description="Make a large night with a known attack.")
    parser.add_argument("rows", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    files = scale_contributions(
        given.rows, given.folder, seed=given.seed, days=given.days, source=given.source
    )
    print(files.contributions)


if __name__ == "__main__":
    main()
