"""Search behind gates that planted cohorts broke, and see whether they are found.

``python -m benchmarks.gates.bisect [--sets mail,digits] [--seeds 4]``: attacks on digits,
synthetic numbers and real mail. Only gates that really failed are searched: they fail with
the cohort, and do not without it. The champion has learnt from the older honest rows.
Every account is an actor of its own, the hardest case.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.efficacy.corpora import CORPORA, Corpus, Size
from benchmarks.efficacy.strength import strike
from foretaste.attacks.base import Attack
from foretaste.attacks.triggers import with_phrase
from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Policy
from foretaste.models.bisect import Finding, Question, bisect
from foretaste.models.evaluate import Scored, TrustedSets, score
from foretaste.models.gates import run_gates
from foretaste.models.probes import SEARCHABLE, probe_of
from foretaste.models.train import Trained, train

ATTACKS: Final = {
    "mail": ("backdoor_phrase", "boundary_skew", "collusion"),
    "digits": ("backdoor_pattern", "boundary_skew", "collusion"),
    "synthetic": ("backdoor_pattern", "boundary_skew", "collusion"),
}
_SIZE: Final = Size(rows=1_500, contributors=100)
_LEAST: Final = 0.02
"""Share of the rows that a cohort must hold to be judged."""
_RECOVERED: Final = 0.8
"""Share of the cohort's rows that must be named, and of the named that must be its."""
_BEFORE: Final = 0.8
_MODELS: Final[dict[str, dict[str, float]]] = {
    "mail": {},
    "digits": {"max_iter": 8, "learning_rate": 0.3},
    "synthetic": {"max_iter": 8, "learning_rate": 0.3},
}
"""Fewer rounds of boosting than a night's: a trial trains two dozen candidates."""


@dataclass(frozen=True, slots=True)
class Place:
    """A poisoned corpus, ready to be trained on, and what judges the models."""

    rows: pd.DataFrame
    actors: np.ndarray
    planted: np.ndarray
    sets: TrustedSets
    policy: Policy
    champion: Scored

    @property
    def poison(self) -> np.ndarray:
        """(n,) bool: rows of planted accounts."""
        return np.asarray(self.planted[self.actors])

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
    """Poison a corpus, and train the champion on its older honest rows."""
    corpus = CORPORA[name](_SIZE, 0.1, seed)
    done, poisoned = strike(corpus, attack, seed)
    policy = Policy.model_validate({"model": {"parameters": _MODELS[name]}})
    rows = _rows(poisoned.contributions)
    names, actors = np.unique(rows["contributor_id"].to_numpy(str), return_inverse=True)
    planted = np.isin(names, sorted(set(poisoned.truth["contributor_id"])))
    honest = rows[~planted[actors]]
    old = honest["contributed_at"] < honest["contributed_at"].quantile(_BEFORE)
    before = train(honest[old], policy, seed)
    sets = TrustedSets(corpus.test, _canaries(corpus, done), None)
    champion = score(before, sets, digest="b", model_bytes=1, n_rows=before.n_rows)
    return Place(rows, actors, planted, sets, policy, champion)


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
        recovered=min(recall, precision) >= _RECOVERED,
        retrains=found.retrains,
        seconds=seconds,
    )


def table(lines: Sequence[Line]) -> str:
    """Lines, and how many cohorts were recovered."""
    frame = pd.DataFrame([asdict(line) for line in lines])
    told: str = frame.round(3).to_string(index=False)
    hits, most = int(frame["recovered"].sum()), int(frame["retrains"].max())
    return f"{told}\nrecovered {hits} of {len(frame)}, at most {most} retrains"


def _state(gates: dict[str, Gate], name: str) -> GateState:
    return gates[name].state if name in gates else GateState.PASS


def _shares(place: Place, found: Finding) -> tuple[float, float]:
    named = np.isin(place.actors, found.actors)
    both = int((named & place.poison).sum())
    return both / int(place.poison.sum()), both / max(int(named.sum()), 1)


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


def _trials(sets: Sequence[str], seeds: range) -> Iterator[Line | None]:
    for seed in seeds:
        for name in sets:
            for attack in ATTACKS[name]:
                yield trial(name, attack, seed)


def main() -> None:
    """Print a line per trial as it ends, and the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sets", default=",".join(ATTACKS))
    parser.add_argument("--seeds", type=int, default=4)
    asked = parser.parse_args()
    lines, quiet = [], 0
    for line in _trials(asked.sets.split(","), range(asked.seeds)):
        if line is None:
            quiet += 1
            continue
        lines.append(line)
        print(line, flush=True)
    print(table(lines) if lines else "no gate failed")
    print(f"no gate failed because of the cohort: {quiet} trials")


if __name__ == "__main__":
    main()
