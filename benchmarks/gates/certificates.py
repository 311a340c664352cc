"""What an ensemble over accounts certifies, what it costs, and attacks on what it certified.

``python -m benchmarks.gates.certificates --data FOLDER``: digits always, real mail where
FOLDER holds ``spamassassin.parquet``.
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.figures import Figure, write_figures
from benchmarks.gates.accounts import BASES, Texts, World, digits, mail, texts
from foretaste.core.policy import Certified, Model, Policy
from foretaste.models.factory import build_model
from foretaste.models.inputs import Inputs
from foretaste.models.partitioned import wrapping
from foretaste.models.partitioned.conditions import Standing
from foretaste.models.partitioned.curve import CertifiedCurve, certified_curve
from foretaste.models.partitioned.estimator import PartitionedClassifier
from foretaste.models.partitioned.hashing import cells

RESULTS: Final = Path(__file__).resolve().parents[1] / "results" / "certificates.json"
AUTOMATIC: Final = (5, 21, 41)
"""Partitions of the ensemble that the policy's own text model is tried in."""
HOSTILE: Final = (0, 1, 3, 5, 8, 12)
_PROVEN: Final = Standing(())


@dataclass(frozen=True, slots=True)
class Recipe:
    """A base model and how accounts reach it."""

    base: str
    partitions: int
    spread: int = 1
    vote: Literal["plurality", "run_off"] = "plurality"

    @property
    def name(self) -> str:
        """Say it in a line of the table."""
        return f"{self.base} k={self.partitions} d={self.spread} {self.vote}"


HEADLINE: Final = Recipe("parzen, warps", 25, spread=4)
ATTACKED: Final = (
    Recipe("parzen", 41),
    Recipe("parzen", 21, spread=2),
    Recipe("parzen", 41, vote="run_off"),
)
DIGITS: Final = (
    *(Recipe("logistic", k) for k in (21, 41, 81)),
    *(Recipe(base, 41) for base in ("svc", "svc, shifts", "parzen")),
    *(Recipe("parzen, shifts", k) for k in (21, 41, 61)),
    *(Recipe("parzen, warps", k) for k in (25, 41)),
    HEADLINE,
    *(Recipe(base, 41, vote="run_off") for base in ("logistic", "parzen, shifts")),
    *(Recipe(base, 21, spread=4) for base in ("logistic", "parzen, shifts")),
)
MAIL: Final = (
    *(Recipe("linear balanced", k) for k in (11, 21, 41)),
    Recipe("linear", 41),
    Recipe("complement bayes", 21),
    Recipe("linear balanced", 11, spread=4),
    Recipe("linear balanced", 21, spread=2),
    Recipe("linear balanced", 21, vote="run_off"),
)


def ensemble(recipe: Recipe, seed: int) -> PartitionedClassifier:
    """Make the unfitted ensemble of a recipe."""
    salt = b"benchmark of certificates %d" % seed
    return PartitionedClassifier(
        BASES[recipe.base](), recipe.partitions, salt, spread=recipe.spread, vote=recipe.vote
    )


def tried(recipe: Recipe, world: World, seed: int) -> dict[str, float]:
    """Fit a recipe and the single model of its base; tell both, and both fits' CPU time."""
    BASES[recipe.base]().fit(world.X[:200], world.y[:200])  # imports are no part of a fit
    single, one = _timed(lambda: BASES[recipe.base]().fit(world.X, world.y))
    fitted, many = _timed(lambda: ensemble(recipe, seed).fit(world.X, world.y, world.who))
    curve = certified_curve(fitted.certify(world.fresh), world.truth, _PROVEN)
    told = {"single": float((single.predict(world.fresh) == world.truth).mean())}
    told |= {f"certified {m}": curve.accuracy(m) for m in HOSTILE}
    told |= {f"recall {name}": curve.recall(name, 5) for name in curve.support}
    return told | {"worst recall 5": _worst(curve), "fit ratio": many / one}


def _worst(curve: CertifiedCurve) -> float:
    label = curve.worst(5)
    return curve.recall(label, 5) if label else float("nan")


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    made = work()
    return made, max(time.process_time() - start, 1e-6)


def attacked(recipe: Recipe, world: World, tries: int, seed: int) -> tuple[int, int, int]:
    """Attack with 1 to 12 whole accounts, fit everything anew, and compare predictions.

    Attackers change, remove or insert accounts; inserted ones know the salt, spread over as
    many cells, and send copies of the trusted rows under the label that came second.

    Returns
    -------
    tuple
        Certified predictions compared, those that flipped, and predictions that were not
        certified against so many accounts and did flip.
    """
    rng = np.random.default_rng([seed, 9])
    honest = ensemble(recipe, seed).fit(world.X, world.y, world.who)
    before = honest.certify(world.fresh)
    second = honest.classes_[np.argsort(-honest.predict_proba(world.fresh), axis=1)[:, 1]]
    compared = flipped = beyond = 0
    for i in range(tries):
        count = int(rng.choice([1, 2, 3, 5, 8, 12]))
        rows = _hostile(world, honest, second, count, ("insert", "change", "remove")[i % 3], rng)
        moved = ensemble(recipe, seed).fit(*rows).predict(world.fresh) != before.labels
        proven = before.radius >= count
        compared += int(proven.sum())
        flipped += int((moved & proven).sum())
        beyond += int((moved & ~proven).sum())
    return compared, flipped, beyond


def _hostile(
    world: World,
    honest: PartitionedClassifier,
    second: np.ndarray,
    count: int,
    kind: str,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if kind == "insert":
        names = np.arange(10_000, 10_000 + 40 * len(honest.readers_))
        home = cells(names, len(honest.readers_), honest.salt)
        where = rng.choice(len(honest.readers_), count, replace=False)
        ids = [names[np.flatnonzero(home == cell)[0]] for cell in where]
        X = np.vstack([world.X, *[world.fresh] * count])
        y = np.concatenate([world.y, *[second] * count])
        return X, y, np.concatenate([world.who, np.repeat(ids, len(second))])
    own = np.isin(world.who, rng.choice(np.unique(world.who), count, replace=False))
    if kind == "remove":
        return world.X[~own], world.y[~own], world.who[~own]
    names = np.unique(world.y)
    turned = names[(np.searchsorted(names, world.y) + rng.integers(1, len(names))) % len(names)]
    return world.X, np.where(own, turned, world.y), world.who


def table(recipes: tuple[Recipe, ...], worlds: list[World]) -> dict[str, dict[str, float]]:
    """Try every recipe in every world and print the means."""
    told = {}
    for recipe in recipes:
        rows = [tried(recipe, world, seed) for seed, world in enumerate(worlds)]
        mean = {key: round(float(np.mean([row[key] for row in rows])), 4) for key in rows[0]}
        told[recipe.name] = mean
        print(f"{recipe.name:44}", *(f"{k} {v:.3f}" for k, v in mean.items()), flush=True)
    return told


def automatic(rows: Texts, seed: int) -> dict[str, dict[str, float]]:
    """Fit the automatic text model alone and as an ensemble; tell what each costs."""
    text = Inputs(text=True, features=())
    told: dict[str, dict[str, float]] = {}
    one = 0.0
    for partitions in (0, *AUTOMATIC):
        policy = Policy(model=Model(parameters={"class_weight": "balanced"}))
        model = build_model(policy, text, 2, 7)
        given: tuple[Any, ...] = (rows.seen, rows.y)
        fit: Callable[..., Any] = model.fit
        if partitions:
            wanted = Certified(enabled=True, partitions=partitions)
            model = wrapping.ensemble(model, wanted, b"benchmark of certificates %d" % seed)
            given, fit = (model, *given, rows.who), wrapping.fit_ensemble
        fitted, spent = _timed(partial(fit, *given))
        one = one or spent
        told[f"k={partitions}" if partitions else "single"] = {
            "CPU seconds": spent,
            "fit ratio": spent / one,
            "accuracy": float((fitted.predict(rows.fresh) == rows.truth).mean()),
            "MB": len(pickle.dumps(fitted)) / 1e6,
        } | (_withstood(fitted, rows) if partitions else {})
    return told


def _withstood(fitted: Any, rows: Texts) -> dict[str, float]:
    curve = certified_curve(wrapping.certify(fitted, rows.fresh), rows.truth, _PROVEN)
    return {f"certified {m}": curve.accuracy(m) for m in (3, 5, 8)}


def costs(folder: Path, seeds: int) -> dict[str, dict[str, float]]:
    """Tell the mean of ``automatic`` over seeds, and print it."""
    automatic(texts(folder, 0), 0)  # imports are no part of a fit
    each = [automatic(texts(folder, seed), seed) for seed in range(seeds)]
    told = {
        name: {key: round(float(np.mean([one[name][key] for one in each])), 4) for key in first}
        for name, first in each[0].items()
    }
    for name, mean in told.items():
        print(f"automatic text model, {name:22}", *(f"{k} {v:.3f}" for k, v in mean.items()))
    return told


def figures(
    digits_told: dict[str, dict[str, float]], soundness: tuple[int, int, int]
) -> list[Figure]:
    """Name what has a target."""
    best, plain = digits_told[HEADLINE.name], digits_told["logistic k=41 d=1 plurality"]
    lost = {
        "the logistic model": plain["single"] - best["certified 0"],
        "its own single model": best["single"] - best["certified 0"],
    }
    return [
        Figure("digits: certified accuracy, 3 hostile", best["certified 3"], 0.90, None, "higher"),
        Figure("digits: certified accuracy, 5 hostile", best["certified 5"], 0.86, None, "higher"),
        Figure("digits: certified accuracy, 8 hostile", best["certified 8"], 0.75, None, "higher"),
        *(Figure(f"digits: accuracy lost to {k}", round(v, 4), 0.01) for k, v in lost.items()),
        # Finite Aggregation fits every row as often as it is spread.
        Figure(
            "digits: CPU time of a fit in single fits", best["fit ratio"], 3.0 * HEADLINE.spread
        ),
        Figure("certified predictions attacked", soundness[0], 1000, None, "higher"),
        Figure("certified predictions that flipped", soundness[1], 0),
    ]


def main() -> None:
    """Measure, print and write ``benchmarks/results/certificates.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder that holds spamassassin.parquet")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tries", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    with threadpool_limits(1):
        worlds = [digits(seed) for seed in range(asked.seeds)]
        told = {"digits": table(DIGITS, worlds)}
        if asked.data:
            told["mail"] = table(MAIL, [mail(asked.data, seed) for seed in range(asked.seeds)])
            told["mail, automatic model"] = costs(asked.data, asked.seeds)
        tries = -(-asked.tries // len(ATTACKED))
        each = [attacked(recipe, worlds[0], tries, 0) for recipe in ATTACKED]
    soundness = (sum(e[0] for e in each), sum(e[1] for e in each), sum(e[2] for e in each))
    found = figures(told["digits"], soundness)
    if asked.data:
        ratio = told["mail, automatic model"][f"k={AUTOMATIC[-1]}"]["fit ratio"]
        found.append(Figure("mail: CPU time of a fit in single fits, k = 41", ratio, 3.0))
    for figure in found:
        print(f"{figure.name}: {figure.value} (target {figure.target}) {figure.ok}")
    more = {
        "tables": told,
        "attacks": tries * len(ATTACKED),
        "uncertified predictions flipped": soundness[2],
    }
    write_figures(asked.out, found, seeds=range(asked.seeds), more=more)


if __name__ == "__main__":
    main()
