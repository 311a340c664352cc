"""Do the gates hold harmful candidates and let honest ones pass? Simulated nights on real data.

``python -m benchmarks.gates.nights --data FOLDER``: digits always, real mail where FOLDER
holds ``spamassassin.parquet``.

A night: people with heavy-tailed volumes sent rows; the champion learnt from 90 % of them,
the candidate also from the rest, tonight's. Every night is judged twice, honest and with
poison among tonight's rows. A poisoned candidate counts as harmful when it loses at least
two points of the golden metric, or hits at least two points more canaries, than the
candidate of the same night without the poison.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, tee
from pathlib import Path
from typing import Any, Final

from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from benchmarks.figures import Figure, write_figures
from benchmarks.gates.simulated import (
    ATTACKS,
    TONIGHT,
    Night,
    Rows,
    Source,
    digits,
    fitted,
    joined,
    mail,
    night,
    poisoned,
)
from foretaste.core.gate import Gate, holding
from foretaste.core.policy import Gates
from foretaste.models.canaries import success_of
from foretaste.models.evaluate import Scored
from foretaste.models.golden import Golden
from foretaste.models.judge import judge
from foretaste.models.measure import METRICS, measure, wilson
from foretaste.models.predict import Predicted
from foretaste.models.twins import redrawn

RESULTS: Final = Path(__file__).resolve().parents[1] / "results" / "gates.json"
HARM: Final = 0.02
PEERS: Final = {"accuracy falls": 0.0, "accuracy -1 point": 0.01, "accuracy -2 points": 0.02}


def scored(this: Night, rows: Rows, who: str) -> Scored:
    """Train on rows and ask about golden rows and canaries."""
    model = fitted(rows)
    said = [_said(model, this.seen[name]) for name in ("golden", "canaries")]
    return Scored(who, 1000, len(rows.y), said[0], said[1], None)


def _said(model: LogisticRegression, X: Any) -> Predicted:
    probability = model.predict_proba(X)
    return Predicted(tuple(model.classes_), model.classes_[probability.argmax(axis=1)], probability)


@dataclass(frozen=True, slots=True)
class Judged:
    """One candidate: what was done to it, how much it lost, and who held it.

    Parameters
    ----------
    attack
        "" for an honest one.
    golden, canary
        Points lost against the same night's honest candidate; of the golden metric, and
        of attack success.
    held_by
        Gates that hold it.
    accuracy
        Golden accuracy minus the champion's: what a plain threshold sees.
    twins
        How many were trained.
    """

    attack: str
    golden: float
    canary: float
    held_by: tuple[str, ...]
    accuracy: float
    twins: int

    @property
    def harmful(self) -> bool:
        """Whether it must be held."""
        return max(self.golden, self.canary) >= HARM


def simulate(source: Source, seed: int, limits: Gates) -> Iterator[Judged]:
    """Judge a night's honest candidate and its poisoned one."""
    this = night(source, seed)
    champion = scored(this, this.before, "champion")
    twins = tee(_twins(this, limits))
    honest = scored(this, joined(this.before, this.tonight), "honest")
    attack = tuple(ATTACKS)[seed % len(ATTACKS)]
    bad = scored(this, joined(this.before, poisoned(this, attack)), "poisoned")
    for (name, candidate), again in zip((("", honest), (attack, bad)), twins, strict=True):
        gates, asked = judge(candidate, champion, this.sets, limits, seed=seed, twins=again)
        yield _judged(name, candidate, honest, champion, this, gates, limits, asked)


def _twins(this: Night, limits: Gates) -> Iterator[Scored]:
    """Train the champion again, as often as the gates ask."""
    # The first are drawn where they always were, so that a night's poison is what it was.
    first = [redrawn(this.before.who, TONIGHT, this.rng) for _ in range(limits.twins)]
    rng = this.rng.spawn(1)[0]
    more = (redrawn(this.before.who, TONIGHT, rng) for _ in range(limits.twins_in_doubt))
    return (scored(this, replace(this.before, weight=w), "twin") for w in chain(first, more))


def _judged(
    attack: str,
    candidate: Scored,
    honest: Scored,
    champion: Scored,
    this: Night,
    gates: tuple[Gate, ...],
    limits: Gates,
    twins: int,
) -> Judged:
    lost = _metric(honest, this, limits.metric) - _metric(candidate, this, limits.metric)
    hits = [_success(m, this) for m in (candidate, honest)]
    return Judged(
        attack,
        golden=lost,
        canary=hits[0] - hits[1],
        held_by=tuple(gate.name for gate in holding(gates)),
        accuracy=_metric(candidate, this, "accuracy") - _metric(champion, this, "accuracy"),
        twins=twins,
    )


def _metric(model: Scored, this: Night, metric: str) -> float:
    golden = Golden.of(this.sets.golden)
    assert model.golden is not None
    return measure(METRICS[metric], golden.labels, model.golden.labels)


def _success(model: Scored, this: Night) -> float:
    assert model.canaries is not None
    assert this.sets.canaries is not None
    return success_of(model.canaries, this.sets.canaries, alpha=0.05).overall.value


def rates(found: list[Judged], alpha: float = 0.05) -> dict[str, Any]:
    """Count who was held, by the gates and by each plain threshold."""
    honest = [j for j in found if not j.attack]
    harmful = [j for j in found if j.attack and j.harmful]
    judges: dict[str, Callable[[Judged], bool]] = {"gates": lambda j: bool(j.held_by)}
    judges |= {name: partial(_plain, most) for name, most in PEERS.items()}
    told = {
        name: {
            "harmful held": _share([held(j) for j in harmful], alpha),
            "honest held": _share([held(j) for j in honest], alpha),
        }
        for name, held in judges.items()
    }
    return {
        "honest nights": len(honest),
        "harmful nights": len(harmful),
        "poisoned nights without such harm": sum(bool(j.attack) for j in found) - len(harmful),
        "held": told,
        "gates that held honest": Counter(g for j in honest for g in j.held_by),
        "gates that held harmful": Counter(g for j in harmful for g in j.held_by),
        "missed": [
            (j.attack, round(j.golden, 4), round(j.canary, 4)) for j in harmful if not j.held_by
        ],
        "harmful by attack": Counter(j.attack for j in harmful),
        "honest nights by twins": Counter(j.twins for j in honest),
    }


def _plain(most: float, judged: Judged) -> bool:
    return judged.accuracy < -most


def _share(held: list[bool], alpha: float) -> tuple[float, float, float]:
    seen = wilson(sum(held), len(held), alpha)
    return (round(seen.value, 4), round(seen.low, 4), round(seen.high, 4))


def figures(name: str, told: Mapping[str, Any]) -> list[Figure]:
    """Name what has a target."""
    ours = told["held"]["gates"]
    return [
        Figure(f"{name}: harmful candidates held", ours["harmful held"][0], 0.95, None, "higher"),
        Figure(f"{name}: honest candidates held", ours["honest held"][0], 0.05),
    ]


def show(name: str, source: Source, told: Mapping[str, Any], limits: Gates) -> None:
    """Print a table of a corpus."""
    size = f"golden {source.golden}, attack canaries {source.canaries}"
    twins = f"twins {limits.twins}, in doubt {limits.twins_in_doubt}"
    print(f"{name}: {size}, {twins}, family-wise alpha {limits.alpha}", flush=True)
    for who, held in told["held"].items():
        print(
            f"  {who:20}", *(f"{k} {v[0]:.3f} [{v[1]:.3f}, {v[2]:.3f}] " for k, v in held.items())
        )
    for key, value in told.items():
        if key != "held":
            print(f"  {key}: {dict(value) if isinstance(value, Counter) else value}")


def _judge(make: Callable[[], Source], limits: Gates, seed: int) -> list[Judged]:
    with threadpool_limits(1):
        return list(simulate(make(), seed, limits))


def main() -> None:
    """Measure, print and write ``benchmarks/results/gates.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder that holds spamassassin.parquet")
    parser.add_argument("--nights", type=int, default=600)
    parser.add_argument("--first", type=int, default=0, help="seed of the first night")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    sources: list[Callable[[], Source]] = [
        digits,
        *([partial(mail, asked.data)] if asked.data else []),
    ]
    limits, seeds = Gates(), range(asked.first, asked.first + asked.nights)
    found: list[Figure] = []
    tables: dict[str, Any] = {}
    with ProcessPoolExecutor(asked.jobs) as pool:
        for make in sources:
            judge = partial(_judge, make, limits)
            judged = [j for both in pool.map(judge, seeds) for j in both]
            source = make()
            tables[source.name] = rates(judged)
            show(source.name, source, tables[source.name], limits)
            found += figures(source.name, tables[source.name])
    size = {make().name: make().golden for make in sources}
    more = {"tables": tables, "golden rows": size, "family-wise alpha": limits.alpha}
    write_figures(asked.out, found, seeds=(seeds[0], seeds[-1]), more=more)


if __name__ == "__main__":
    main()
