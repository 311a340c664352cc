"""Search behind gates that planted cohorts broke, and see whether they are found.

``python -m benchmarks.gates.bisect [--sets mail,digits] [--seeds 4]``: attacks on digits,
synthetic numbers and real mail. Only gates that really failed are searched: they fail with
the cohort, and do not without it. The champion has learnt from the older honest rows.
Every account is an actor of its own, the hardest case. In mishaps nobody means harm: a
form or a habit turns rows of everybody, and whoever is named then is accused for nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.efficacy.corpora import CORPORA, Corpus, Size
from benchmarks.efficacy.strength import strike
from benchmarks.figures import Figure, write_figures
from foretaste.attacks.base import Attack
from foretaste.attacks.material import pair
from foretaste.attacks.triggers import with_phrase
from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Policy
from foretaste.models.bisect import Finding, Question, bisect
from foretaste.models.evaluate import Scored, TrustedSets, score
from foretaste.models.gates import run_gates
from foretaste.models.measure import wilson
from foretaste.models.probes import SEARCHABLE, probe_of
from foretaste.models.train import Trained, train

ATTACKS: Final = {
    "mail": ("backdoor_phrase", "boundary_skew", "collusion"),
    "digits": ("backdoor_pattern", "boundary_skew", "collusion"),
    "synthetic": ("backdoor_pattern", "boundary_skew", "collusion"),
}
MISHAPS: Final = ("one way", "any way")
"""One class told as another by everybody, or labels mixed up by everybody."""
RESULTS: Final = Path(__file__).resolve().parents[1] / "results" / "bisect.json"
_SIZE: Final = Size(rows=1_500, contributors=100)
_LEAST: Final = 0.02
"""Share of the rows that a cohort must hold to be judged."""
_RECOVERED: Final = 0.8
"""Share of the cohort's rows that must be named, and of the named that must be its."""
_BEFORE: Final = 0.8
_SINCE: Final = 0.6
_SLIPS: Final = 0.6
"""Share of the time that passes before a mishap, and of the rows that it turns then."""
_TRIED: Final = 12
_MODELS: Final[dict[str, dict[str, float]]] = {
    "mail": {},
    "digits": {"max_iter": 8, "learning_rate": 0.3, "max_bins": 48},
    "synthetic": {"max_iter": 8, "learning_rate": 0.3, "max_bins": 48},
}
"""Fewer rounds and bins of boosting than a night's: a trial trains a dozen candidates."""


@dataclass(frozen=True, slots=True)
class Place:
    """A corpus that is worse than it was, and what judges the models.

    Parameters
    ----------
    planted
        (actors,) bool: who means harm.
    poison
        (n,) bool: rows that harm.
    """

    rows: pd.DataFrame
    actors: np.ndarray
    planted: np.ndarray
    poison: np.ndarray
    sets: TrustedSets
    policy: Policy
    champion: Scored

    def gates(self, model: Trained) -> dict[str, Gate]:
        """Ask every gate."""
        scored = score(model, self.sets, digest="c", model_bytes=1, n_rows=model.n_rows)
        asked = run_gates(scored, self.champion, self.sets, self.policy.gates, seed=1)
        return {gate.name: gate for gate in asked}


@dataclass(frozen=True, slots=True)
class Asked:
    """One gate of a place."""

    place: Place
    gate: str

    def refit(self, kept: np.ndarray, seed: int) -> Trained:
        """Train on some rows."""
        return train(self.place.rows[kept], self.place.policy, seed)

    def judge(self, model: Trained) -> Gate:
        """Ask the gate."""
        return self.place.gates(model)[self.gate]


@dataclass(frozen=True, slots=True)
class Line:
    """One trial: shares of rows, retrains, seconds of computing."""

    corpus: str
    attack: str
    seed: int
    share: float
    gate: str
    planted: int
    named: int
    recall: float
    precision: float
    recovered: bool
    retrains: int
    seconds: float


def prepared(name: str, attack: str, seed: int) -> Place:
    """Poison a corpus, or let a mishap befall it; the champion knows older honest rows."""
    corpus = CORPORA[name](_SIZE, 0.1, seed)
    if attack in MISHAPS:
        rows = _rows(corpus.contributions)
        late = (rows["contributed_at"] >= rows["contributed_at"].quantile(_SINCE)).to_numpy()
        turned = _turned(rows, late, attack, seed)
        poison = (turned["label"] != rows["label"]).to_numpy()
        return _judged(name, turned, rows[~late], (), poison, corpus.test, None, seed)
    done, poisoned = strike(corpus, attack, seed)
    rows = _rows(poisoned.contributions)
    bad = tuple(sorted(set(poisoned.truth["contributor_id"])))
    poison = rows["contributor_id"].isin(bad).to_numpy()
    honest = rows[~poison]
    old = honest[honest["contributed_at"] < honest["contributed_at"].quantile(_BEFORE)]
    return _judged(name, rows, old, bad, poison, corpus.test, _canaries(corpus, done), seed)


def broken(place: Place, seed: int) -> list[str]:
    """Gates that fail with the cohort and do not without it."""
    whole = place.gates(Asked(place, "").refit(np.ones(len(place.rows), dtype=bool), seed))
    clean = place.gates(Asked(place, "").refit(~place.poison, seed))
    failed = [name for name in SEARCHABLE if _state(whole, name) is GateState.FAIL]
    return [name for name in failed if _state(clean, name) is not GateState.FAIL]


def trial(name: str, attack: str, seed: int) -> Line | None:
    """Plant, let the gates fail, search; None where no gate failed because of the cohort."""
    place = prepared(name, attack, seed)
    failed = broken(place, seed)
    probe = probe_of(failed[0], place.sets, place.champion) if failed else None
    if probe is None or place.poison.mean() < _LEAST:
        return None
    question = Question(place.rows, place.actors, probe, Asked(place, failed[0]))
    started = time.process_time()
    found = bisect(question, place.policy.bisect, seed=seed)
    seconds = time.process_time() - started
    recall, precision = _shares(place, found)
    return Line(
        corpus=name,
        attack=attack,
        seed=seed,
        share=float(place.poison.mean()),
        gate=failed[0],
        planted=int(place.planted.sum()),
        named=len(found.actors),
        recall=recall,
        precision=precision,
        recovered=min(recall, precision) >= _RECOVERED and bool(place.planted.any()),
        retrains=found.retrains,
        seconds=seconds,
    )


def table(lines: Sequence[Line]) -> str:
    """Lines, and how many cohorts were recovered."""
    frame = pd.DataFrame([asdict(line) for line in lines])
    told: str = frame.round(3).to_string(index=False)
    return told


def figures(lines: Sequence[Line]) -> list[Figure]:
    """Name what has a target, with Wilson's interval for each share."""
    cohorts = [line for line in lines if line.planted]
    mishaps = [line for line in lines if not line.planted]
    found, accused = sum(c.recovered for c in cohorts), sum(m.named > 0 for m in mishaps)
    seen = wilson(found, len(cohorts), 0.05)
    wrong = wilson(accused, len(mishaps), 0.05)
    named = [c.precision for c in cohorts if c.named]
    return [
        Figure("planted cohorts recovered", seen.value, 0.9, None, "higher"),
        Figure("planted cohorts recovered, lower end", seen.low),
        Figure("planted cohorts recovered, upper end", seen.high),
        Figure("cohorts", len(cohorts), _TRIED, None, "higher"),
        Figure("share of named rows that are planted", float(np.mean(named)), None, None, "higher"),
        Figure("retrains, most", max(line.retrains for line in lines), 25),
        Figure("CPU seconds of a search, mean", float(np.mean([x.seconds for x in lines]))),
        Figure("mishaps that broke a gate", len(mishaps)),
        Figure("mishaps after which somebody was named", accused, 0),
        Figure("share of mishaps, upper end", wrong.high),
    ]


def _state(gates: dict[str, Gate], name: str) -> GateState:
    return gates[name].state if name in gates else GateState.PASS


def _shares(place: Place, found: Finding) -> tuple[float, float]:
    named = np.isin(place.actors, found.actors)
    both = int((named & place.poison).sum())
    return both / int(place.poison.sum()), both / max(int(named.sum()), 1)


def _judged(
    name: str,
    rows: pd.DataFrame,
    old: pd.DataFrame,
    bad: tuple[str, ...],
    poison: np.ndarray,
    test: pd.DataFrame,
    canaries: pd.DataFrame | None,
    seed: int,
) -> Place:
    policy = Policy.model_validate({"model": {"parameters": _MODELS[name]}})
    before, sets = train(old, policy, seed), TrustedSets(test, canaries, None)
    champion = score(before, sets, digest="b", model_bytes=1, n_rows=before.n_rows)
    names, actors = np.unique(rows["contributor_id"].to_numpy(str), return_inverse=True)
    return Place(rows, actors, np.isin(names, bad), poison, sets, policy, champion)


def _turned(rows: pd.DataFrame, late: np.ndarray, mishap: str, seed: int) -> pd.DataFrame:
    """Turn labels of late rows, whoever sent them."""
    rng = np.random.default_rng([seed, 77])
    labels, code = np.unique(rows["label"].to_numpy(str), return_inverse=True)
    hit = late & (rng.random(len(rows)) < _SLIPS)
    new = (code + rng.integers(1, len(labels), len(rows))) % len(labels)
    if mishap == MISHAPS[0]:
        source, target = (np.flatnonzero(labels == one)[0] for one in pair(rows, None, None))
        hit, new = hit & (code == source), np.full(len(rows), target)
    return rows.assign(label=labels[np.where(hit, new, code)].astype(object))


def _rows(contributions: pd.DataFrame) -> pd.DataFrame:
    ids = contributions["contributor_id"] + "/" + contributions["contribution_id"]
    return contributions.assign(row_id=ids, weight=1.0).sort_values("row_id", ignore_index=True)


def _canaries(corpus: Corpus, attack: Attack) -> pd.DataFrame | None:
    """Test rows of the source with the attack's trigger, and without; None for no trigger."""
    known: Any = attack
    stamped, phrase = getattr(attack, "stamped", None), getattr(attack, "phrase", None)
    if stamped is None and phrase is None:
        return None
    honest = corpus.test[corpus.test["label"] == known.source]
    hit = stamped(honest, corpus.contributions) if stamped else with_phrase(honest, known.phrase)
    told = {"attack": attack.name, "target_label": known.target, "true_label": known.source}
    plain = {"attack": None, "target_label": None, "true_label": known.source}
    both: pd.DataFrame = pd.concat([hit.assign(**told), honest.assign(**plain)], ignore_index=True)
    return both


def _trials(sets: Sequence[str], seeds: range, jobs: int) -> Iterator[Line | None]:
    asked = [(n, a, s) for s in seeds for n in sets for a in (*ATTACKS[n], *MISHAPS)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(trial, *zip(*asked, strict=True))


def main() -> None:
    """Print a line per trial as it ends, the table and figures, and write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sets", default=",".join(ATTACKS))
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    lines, quiet = [], 0
    for line in _trials(asked.sets.split(","), range(asked.seeds), asked.jobs):
        if line is None:
            quiet += 1
            continue
        lines.append(line)
        print(line, flush=True)
    print(table(lines) if lines else "no gate failed")
    print(f"no gate failed because of the cohort: {quiet} trials")
    if not lines:
        return
    told = figures(lines)
    for figure in told:
        print(f"{figure.name}: {figure.value:.3f} (target {figure.target}) {figure.ok}")
    more = {"trials": [asdict(line) for line in lines], "no gate failed": quiet}
    write_figures(asked.out, told, seeds=range(asked.seeds), more=more)


if __name__ == "__main__":
    main()
