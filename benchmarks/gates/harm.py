"""How often harm accuses honest accounts, how often harmful ones, and what it costs.

``python -m benchmarks.gates.harm --data FOLDER``: digits always, real mail where FOLDER holds
``spamassassin.parquet``. Honest accounts have heavy-tailed volumes, leanings and, on digits,
styles of their own, and mislabel 2 % on average. In the second world of a seed one honest
account in twenty of those with 10 rows or more turns one label into another.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.figures import Figure, write_figures
from benchmarks.gates.accounts import sent
from foretaste.core.features import dense_features
from foretaste.models.harm import Harm, Ridge, Settings, harm_of
from foretaste.models.measure import wilson

RESULTS: Final = Path(__file__).resolve().parents[1] / "results" / "harm.json"
LEVELS: Final = (0.05, 0.02, 0.01, 0.005)
PEOPLE: Final = 200
_GOLDEN: Final = 400
_STYLE: Final = 0.1
_BAD: Final = 0.05


@dataclass(frozen=True, slots=True)
class Crowd:
    """Rows of accounts, and trusted rows; ``bad`` are codes of accounts that lie."""

    x: np.ndarray
    y: np.ndarray
    who: np.ndarray
    trusted: np.ndarray
    truth: np.ndarray
    bad: np.ndarray


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Scans and what they show."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X, y


def mail(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Real mail as the pipeline's detectors see it."""
    rows = pd.read_parquet(folder / "spamassassin.parquet")
    return dense_features(rows[["text"]]), rows["true_label"].astype(int).to_numpy()


def crowd(x: np.ndarray, y: np.ndarray, seed: int) -> Crowd:
    """Give rows to honest people; a part of them is trusted instead."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    trusted, own = order[:_GOLDEN], order[_GOLDEN:]
    who, said = sent(y[own], PEOPLE, rng)
    style = rng.normal(0.0, _STYLE, (PEOPLE, x.shape[1])) * x.std(axis=0)
    return Crowd(x[own] + style[who], said, who, x[trusted], y[trusted], np.zeros(0, int))


def with_liars(honest: Crowd, seed: int) -> Crowd:
    """Let some accounts call all their rows of one class another."""
    rng = np.random.default_rng([seed, 1])
    volume = np.bincount(honest.who, minlength=PEOPLE)
    bad = rng.choice(np.flatnonzero(volume >= 10), int(_BAD * PEOPLE), replace=False)
    names = np.unique(honest.y)
    wrong, wanted = rng.choice(names, 2, replace=False)
    lies = np.isin(honest.who, bad) & (honest.y == wrong)
    bad = np.intersect1d(bad, honest.who[lies])
    return replace(honest, y=np.where(lies, wanted, honest.y), bad=bad)


def judged(world: Crowd, settings: Settings, seed: int) -> tuple[tuple[Harm, ...], float]:
    """Judge every account; tell the CPU seconds too."""
    start = time.process_time()
    names = np.unique(np.concatenate([world.y, world.truth]))
    model = Ridge.fit(
        world.x,
        np.searchsorted(names, world.y),
        np.ones(len(world.y)),
        world.trusted,
        np.searchsorted(names, world.truth),
        classes=len(names),
    )
    slices = world.truth.astype(str)
    found = harm_of(model.effect, world.who, world.who, slices, settings, seed=seed)
    return found, time.process_time() - start


def measured(x: np.ndarray, y: np.ndarray, seeds: range) -> dict[str, Any]:
    """Count who is accused at each level, in honest worlds and in those with liars."""
    settings = Settings()
    honest: list[Harm] = []
    liars: list[Harm] = []
    seconds = 0.0
    for seed in seeds:
        world = crowd(x, y, seed)
        found, spent = judged(world, settings, seed)
        honest += found
        seconds += spent
        worse = with_liars(world, seed)
        found, _ = judged(worse, settings, seed)
        liars += [one for one in found if one.cohort in worse.bad]
    return {
        "honest accounts": len(honest),
        "liars": len(liars),
        "CPU seconds a night": round(seconds / len(seeds), 2),
        "honest accused": {str(level): _accused(honest, level) for level in LEVELS},
        "liars accused": {str(level): _accused(liars, level) for level in LEVELS},
    }


def _accused(found: list[Harm], level: float) -> tuple[float, float, float]:
    seen = wilson(sum(one.p_value <= level for one in found), len(found), 0.05)
    return (round(seen.value, 4), round(seen.low, 4), round(seen.high, 4))


def large(seed: int = 0, rows: int = 50_000, people: int = 5_000) -> float:
    """Tell the CPU seconds of a night of made-up rows in 64 dimensions."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows + _GOLDEN, 64))
    y = (x[:, :3] + rng.normal(size=(len(x), 3))).argmax(axis=1)
    volume = rng.lognormal(0.0, 1.3, people)
    who = rng.choice(people, rows, p=volume / volume.sum())
    world = Crowd(x[:rows], y[:rows], who, x[rows:], y[rows:], np.zeros(0, int))
    return judged(world, Settings(), seed)[1]


def show(name: str, told: Mapping[str, Any]) -> None:
    """Print what was measured on a corpus."""
    print(f"{name}:", *(f"{k} {v}" for k, v in told.items() if not isinstance(v, dict)))
    for who in ("honest accused", "liars accused"):
        print(f"  {who:15}", *(f"at {k}: {v[0]:.4f} " for k, v in told[who].items()), flush=True)


def main() -> None:
    """Measure, print and write ``benchmarks/results/harm.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder that holds spamassassin.parquet")
    parser.add_argument("--first", type=int, default=100, help="first seed")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    level = Settings().level
    found: list[Figure] = []
    tables: dict[str, Any] = {}
    with threadpool_limits(1):
        corpora = {"digits": digits()} | ({"mail": mail(asked.data)} if asked.data else {})
        for name, (x, y) in corpora.items():
            tables[name] = measured(x, y, seeds)
            show(name, tables[name])
            accused = tables[name]["honest accused"][str(level)][0]
            found.append(Figure(f"{name}: honest accounts accused at {level}", accused, level))
        seconds = large()
    found.append(Figure("CPU seconds, 50,000 rows of 5,000 accounts", round(seconds, 1)))
    print(f"{found[-1].name}: {seconds:.1f}")
    write_figures(asked.out, found, seeds=(seeds[0], seeds[-1]), more={"tables": tables})


if __name__ == "__main__":
    main()
