"""What an attacker must pay who knows everything but the salts: a sweep over strengths.

At every level a crew has so many times the ordinary 5 % of the people and 8 % of the
rows. An attack succeeds where it gains ten points behind our verdicts and caps: of the
rows that it aims at, over what a model without its rows gives them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.efficacy.cell import truth_of
from benchmarks.efficacy.corpora import CORPORA, Size
from benchmarks.efficacy.downstream import Reader, exam, graded
from benchmarks.efficacy.frames import STYLE
from benchmarks.efficacy.ours import judge
from benchmarks.efficacy.strength import strike
from benchmarks.efficacy.tables import table
from foretaste.attacks.base import days

ATTACKS: Final = (
    *("backdoor_pattern", "boundary_skew", "camouflaged_backdoor", "collusion"),
    *("excess_evasion", "influence_flips", "quiet_flood", "region_capture"),
    *("stealth_interpolation", "sybil_scattered"),
)
LEVELS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
SEEDS: Final = (1, 2)
CORPUS: Final = "synthetic"
SIZE: Final = Size(rows=2_000, contributors=100)
GAIN: Final = 0.10


@dataclass(frozen=True, slots=True)
class Try:
    """One attack at one level."""

    attack: str
    level: float
    seed: int
    size: Size = SIZE

    @property
    def key(self) -> str:
        """Name of the try."""
        return f"cheapest/{self.attack}/{self.level:g}/{self.seed}/{self.size.rows}"

    def measure(self) -> dict[str, Any]:
        """Strike, judge and train: what was spent, and what it gained; JSON-safe."""
        corpus = CORPORA[CORPUS](self.size, STYLE, self.seed)
        attack, done = strike(corpus, self.attack, self.seed, self.level)
        with tempfile.TemporaryDirectory(prefix="efficacy-") as folder:
            judged = judge(done.contributions, corpus.features, self.seed, Path(folder))
            truth = truth_of(judged, done.contributions, done.truth)
            rows = judged.batch.rows
            reader = Reader(rows)
            x, labels = reader(rows), rows["label"].to_numpy(object)
            paper = exam(corpus, reader, attack)
            weights = {
                "defended": judged.weight,
                "undefended": np.ones(len(rows)),
                "oracle": (~truth.poison).astype(np.float64),
            }
            won = {n: graded(x, labels, w, paper)["success"] for n, w in weights.items()}
        return {
            "key": self.key,
            "attack": self.attack,
            "level": self.level,
            "seed": self.seed,
            **_spent(done.contributions, done.truth),
            "gain": won["defended"] - won["oracle"],
            "gain undefended": won["undefended"] - won["oracle"],
        }


def tries() -> list[Try]:
    """List the sweep."""
    return [Try(a, level, seed) for seed in SEEDS for a in ATTACKS for level in LEVELS]


def _spent(rows: pd.DataFrame, truth: pd.DataFrame) -> dict[str, int]:
    sent = rows[rows["contribution_id"].isin(truth["contribution_id"])]
    return {
        "accounts": int(truth["contributor_id"].nunique()),
        "poison": int(truth["poison"].astype(bool).sum()),
        "rows": len(truth),
        "days": int(days(sent).nunique()),
    }


def curves(lines: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Mean over the seeds, by attack and level."""
    kept = ["accounts", "rows", "poison", "days", "gain", "gain undefended"]
    return pd.DataFrame(lines).groupby(["attack", "level"])[kept].mean()


def cheapest(lines: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """By attack, what the lowest level that succeeds costs; NaN where none does."""
    mean = curves(lines)
    won = mean[mean["gain"] >= GAIN].reset_index().drop_duplicates("attack").set_index("attack")
    bare = mean[mean["gain undefended"] >= GAIN].reset_index().drop_duplicates("attack")
    found = won.reindex(sorted(set(mean.index.get_level_values("attack"))))
    without = bare.set_index("attack")["rows"].reindex(found.index)
    return found[["level", "accounts", "rows", "days", "gain"]].assign(
        **{"rows without a defence": without}
    )


def text(lines: Sequence[Mapping[str, Any]]) -> str:
    """Lay out the cheapest successes, and the curves behind them."""
    if not lines:
        return "Not measured."
    mean = curves(lines)
    gains = mean.reset_index().pivot_table(index="attack", columns="level", values="gain")
    gains.columns = pd.Index([f"x {level:g}" for level in gains.columns])
    paid = cheapest(lines)
    for name in paid.columns.drop("gain"):
        paid[name] = [f"{value:g}" if np.isfinite(value) else "" for value in paid[name]]
    return (
        f"{CORPUS}, {SIZE.rows:,} rows of {SIZE.contributors} contributors, seeds "
        f"{', '.join(map(str, SEEDS))}. The owner knows rows, code, thresholds and slicing, but "
        f"not the salts. Success is a gain of {100 * GAIN:.0f} points over the oracle; level 1 is "
        f"5 % of the people and 8 % of the rows, {max(LEVELS):g} the most that was tried; empty "
        "where none succeeded. Rows count an attack's honest ones, too, and stop growing where "
        "45 % of what an attack can use is taken.\n\n"
        f"{table(paid)}\n\nGain behind our verdicts and caps, by level:\n\n"
        f"{table(gains)}"
    )
