"""Learn what a sum of evidence is worth from drills, and tell whether it holds elsewhere.

Usage: ``python -m benchmarks.efficacy.recalibrate [--learn [--seeds N...]]``.
Every corpus is drilled with every attack and with none; per drill the honest and the
poisoned rows are counted in bins of their sum. ``--learn`` writes the counts
beside this file, the curves beside ``foretaste.core.recalibration`` and what posteriors were
worth beside ``foretaste.report.reliability``.

A curve is one isotonic regression of "poison" on the sum, every drill weighing the same,
rows of attackers that are no poison left out. Honest counts are divided by how much the
night differs from the others, which ``night_shift`` adds again at run time.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.efficacy.corpora import CORPORA, Size
from benchmarks.efficacy.ours import judge, row_ids
from benchmarks.efficacy.strength import NONE, attacks_on, strike
from foretaste.core.company import company
from foretaste.core.evidence import MICRO
from foretaste.core.fusion import BEHAVIOUR, joined, voted
from foretaste.core.policy import Decision, Policy
from foretaste.core.recalibration import (
    FULL_SHIFT,
    TABLE,
    Curve,
    night_shift,
    of_knots,
    shifted,
)
from foretaste.core.waterfall import Waterfall
from foretaste.report import reliability

COUNTS: Final = Path(__file__).with_name("recalibration_counts.csv")
EDGES: Final = np.arange(-10.0, 16.01, 0.25)
"""Nats; sums beyond the ends count in the outermost bins."""
_MIDDLES: Final = (EDGES[:-1] + EDGES[1:]) / 2
_LEAST, _MOST = 1e-3, 1 - 5e-4
_TAIL: Final = 0.05
"""Least slope beyond the outermost knots and about 0: more evidence is always more."""
_FAR: Final = 60.0
_STYLE: Final = 0.1
_SHARE: Final = 0.1
"""Of poison, in a drill that a posterior is tried on."""


@dataclass(frozen=True, slots=True)
class Drilled:
    """What fusion knew of the rows of one drill, and the truth; arrays are aligned.

    Parameters
    ----------
    corpus, attack
        Which drill.
    content, behaviour
        (n,) int64 micro-nats of the content families and of the contributor family.
    voted
        (n,) bool: the votes speak about the row.
    contributors, actors, labels
        (n,) int codes.
    poison
        (n,) bool: sent to harm.
    attacker
        (n,) bool: of somebody who sent any.
    """

    corpus: str
    attack: str
    content: np.ndarray
    behaviour: np.ndarray
    voted: np.ndarray
    contributors: np.ndarray
    actors: np.ndarray
    labels: np.ndarray
    poison: np.ndarray
    attacker: np.ndarray

    def summed(self, content: Curve) -> np.ndarray:
        """(n,) int64 micro-nats: the sum before recalibration, as fusion makes it."""
        worth = content(self.content)
        others = company(np.where(self.voted, worth, 0), self.actors, self.labels)
        return joined(np.minimum(self.content, worth), self.behaviour, others)


@dataclass(frozen=True, slots=True)
class Tally:
    """One drill in bins of a sum.

    Parameters
    ----------
    corpus, attack
        Which drill.
    shift
        Nats that the night adds to a large sum.
    honest, poison
        (bins,) rows.
    """

    corpus: str
    attack: str
    shift: float
    honest: np.ndarray
    poison: np.ndarray


def drilled(corpus: str, attack: str, seed: int) -> Drilled:
    """Take one drill through the real steps up to the evidence."""
    made = CORPORA[corpus](Size(), _STYLE, seed)
    rows, poisoned = made.contributions, set()
    if attack != NONE:
        _, done = strike(made, attack, seed)
        rows = done.contributions
        bad = done.truth["poison"].astype(bool)
        poisoned = set(done.truth.loc[bad, "contribution_id"])
    with tempfile.TemporaryDirectory(prefix="recalibrate-") as folder:
        judge(rows, made.features, seed, Path(folder))
        known = rows.assign(row_id=row_ids(rows), poison=rows["contribution_id"].isin(poisoned))
        return read(corpus, attack, Path(folder), known)


def read(corpus: str, attack: str, work: Path, rows: pd.DataFrame) -> Drilled:
    """Read what the steps left in a folder.

    Parameters
    ----------
    rows
        Columns ``row_id, contributor_id, label, poison``.
    """
    verdicts = pq.read_table(work / "decided" / "verdicts.parquet").to_pandas()
    night = rows.merge(verdicts[["row_id", "actor_id"]], on="row_id").sort_values("row_id")
    policy = Policy()
    lines = Waterfall.of(pq.read_table(work / "detected" / "evidence.parquet"), night["row_id"], {})
    caps = policy.decision.family_caps
    behaviour = lines.within(BEHAVIOUR, caps)
    poison = night["poison"].to_numpy(bool)
    who, actors, labels = (
        pd.factorize(night[name], sort=True)[0] for name in ("contributor_id", "actor_id", "label")
    )
    attacker = (np.bincount(who, poison) > 0)[who]
    content = lines.fused(caps) - behaviour
    return Drilled(
        corpus, attack, content, behaviour, voted(lines), who, actors, labels, poison, attacker
    )


def tally(drill: Drilled, llr: np.ndarray, shift: float) -> Tally:
    """Count a drill's rows in bins of a sum."""
    nats = np.clip(llr / MICRO, EDGES[0], EDGES[-1] - 1e-9)
    honest = np.histogram(nats[~drill.attacker], EDGES)[0]
    poison = np.histogram(nats[drill.poison], EDGES)[0]
    return Tally(drill.corpus, drill.attack, shift, honest, poison)


def learn(tallies: Sequence[Tally], *, beyond_silence: bool = False) -> Curve:
    """Learn one curve, every drill weighing the same, through (0, 0).

    Parameters
    ----------
    beyond_silence
        What a sum is worth beyond a silent row, not beyond an ordinary one: rows of one hand
        are compared with each other, and where silence is a little honest, speech is news.
    """
    from sklearn.isotonic import IsotonicRegression

    ramp = np.clip(_MIDDLES / FULL_SHIFT, 0, 1)
    honest = np.mean([t.honest / t.honest.sum() * np.exp(ramp * t.shift) for t in tallies], axis=0)
    poisoned = [t.poison / t.poison.sum() for t in tallies if t.poison.any()]
    poison = np.mean(poisoned, axis=0)
    seen = honest + poison > 0
    weight = (honest + poison)[seen]
    fit = IsotonicRegression(y_min=_LEAST, y_max=_MOST)
    share = fit.fit_transform(_MIDDLES[seen], poison[seen] / weight, sample_weight=weight)
    score, nats = _blocks(_MIDDLES[seen], np.log(share / (1 - share)), weight)
    if beyond_silence:
        nats = nats - np.interp(0.0, score, nats)
    return _anchored(score, nats)


def _blocks(
    score: np.ndarray, nats: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Make one knot, at its centre, of each stretch on which the regression is level."""
    level, block = np.unique(nats, return_inverse=True)
    return np.bincount(block, score * weight) / np.bincount(block, weight), level


def _anchored(score: np.ndarray, nats: np.ndarray) -> Curve:
    """Lead a curve through (0, 0), and let it rise beyond its ends.

    Silence is a little honest on drills, and so is faint blame; at run time silence must be
    worth nothing. So a sum that speaks for a row never counts against it, nor the other way
    round; everything else keeps its worth, else every posterior would be too high by what
    silence was worth.
    """
    below, above = score < 0, score > 0
    honest = np.minimum(nats[below], _TAIL * score[below])
    poison = np.maximum(nats[above], _TAIL * score[above])
    left = honest[0] - _TAIL * (_FAR + score[below][0])
    right = poison[-1] + _TAIL * (_FAR - score[above][-1])
    x = [-_FAR, *score[below], 0.0, *score[above], _FAR]
    y = [left, *honest, 0.0, *poison, right]
    return of_knots(zip(np.round(x, 4).tolist(), np.round(y, 4).tolist(), strict=True))


def learnt(drills: Sequence[Drilled]) -> tuple[dict[str, Curve], list[Tally]]:
    """Learn both curves, and give the tallies behind the second."""
    content = learn([tally(d, d.content, 0.0) for d in drills], beyond_silence=True)
    tallies = []
    for drill in drills:
        llr = drill.summed(content)
        tallies.append(tally(drill, llr, night_shift(llr, drill.contributors)))
    return {"content": content, "fused": learn(tallies)}, tallies


@dataclass(frozen=True, slots=True)
class Held:
    """Mean shares over drills of rows that would be held at the cheapest action.

    Parameters
    ----------
    poison, honest
        Of poisoned rows over the attacks; of honest rows over all drills.
    """

    poison: float
    honest: float


def held(tallies: Iterable[Tally], curve: Curve, policy: Decision) -> Held:
    """Tell what a curve holds of drills, guards and budget left aside."""
    c, base = policy.costs, np.log(policy.prior / (1 - policy.prior))
    spared = c.poison_downweighted - c.poison_quarantined
    least = np.log((c.honest_quarantined - c.honest_downweighted) / spared)
    poison, honest = [], []
    for t in tallies:
        tonight = shifted(curve, t.shift)
        over = np.interp(_MIDDLES, tonight.score, tonight.nats) + base > least
        honest.append(t.honest[over].sum() / t.honest.sum())
        if t.poison.any():
            poison.append(t.poison[over].sum() / t.poison.sum())
    return Held(float(np.mean(poison)), float(np.mean(honest)))


def halves(tallies: Sequence[Tally]) -> tuple[list[Tally], list[Tally]]:
    """Split drills so that no attack on a corpus is in both: every second pair of names."""
    pairs = sorted({(t.attack, t.corpus) for t in tallies})
    first = set(pairs[::2])
    one = [t for t in tallies if (t.attack, t.corpus) in first]
    return one, [t for t in tallies if (t.attack, t.corpus) not in first]


def reliable(tallies: Sequence[Tally]) -> list[reliability.ReliabilityLine]:
    """Compare posteriors with the truth, each half of the attacks by the other half's curve.

    Every drill weighs the same and counts as if a tenth of it were poison, and that is the
    posterior's prior: what is tried is the ratio.
    """
    one, other = halves(tallies)
    posterior, poison, rows = [], [], []
    for learnt_on, scored_on in ((one, other), (other, one)):
        curve = learn(learnt_on)
        for t in (t for t in scored_on if t.poison.any()):
            tonight = shifted(curve, t.shift)
            nats = np.interp(_MIDDLES, tonight.score, tonight.nats)
            posterior.append(1.0 / (1.0 + np.exp(-nats) * (1 - _SHARE) / _SHARE))
            poison.append(t.poison / t.poison.sum() * _SHARE)
            rows.append(poison[-1] + t.honest / t.honest.sum() * (1 - _SHARE))
    return reliability.binned("drills", *(np.concatenate(x) for x in (posterior, poison, rows)))


def read_counts(path: Path = COUNTS) -> list[Tally]:
    """Read committed counts: one line per drill and bin with rows in it."""
    frame = pd.read_csv(path)
    tallies = []
    drill = ["drill", "corpus", "attack", "shift"]
    for (_, corpus, attack, shift), lines in frame.groupby(drill):
        honest, poison = np.zeros((2, _MIDDLES.size), dtype=np.int64)
        honest[lines["bin"]], poison[lines["bin"]] = lines["honest"], lines["poison"]
        tallies.append(Tally(str(corpus), str(attack), float(str(shift)), honest, poison))
    return tallies


def write(curves: dict[str, Curve], tallies: Sequence[Tally]) -> None:
    """Write the curves and the counts where they are committed."""
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["curve", "score", "nats"])
        for name, curve in curves.items():
            out.writerows((name, *knot) for knot in zip(curve.score, curve.nats, strict=True))
    with reliability.TABLE.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["expected", "observed", "share"])
        for line in reliable(tallies):
            out.writerow([round(v, 6) for v in (line.expected, line.observed, line.share)])
    with COUNTS.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["drill", "corpus", "attack", "shift", "bin", "honest", "poison"])
        for drill, t in enumerate(tallies):
            for place in np.flatnonzero(t.honest + t.poison):
                counts = (int(t.honest[place]), int(t.poison[place]))
                out.writerow([drill, t.corpus, t.attack, round(t.shift, 6), int(place), *counts])


def told(tallies: Sequence[Tally], policy: Decision) -> str:
    """Say what a curve holds of attacks and sets that it was not learnt on."""
    one, other = halves(tallies)
    lines = ["| learnt on | scored on | poison held | honest rows held |", "|---|---|---|---|"]
    for here, learnt_on in (("first half", one), ("second half", other)):
        for there, scored_on in (("first half", one), ("second half", other)):
            found = held(scored_on, learn(learnt_on), policy)
            lines.append(f"| {here} | {there} | {found.poison:.3f} | {found.honest:.4f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Drill, and write or tell what was learnt."""
    parser = argparse.ArgumentParser(description="Learn what a sum of evidence is worth.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--learn", action="store_true", help="drill anew and write the tables")
    given = parser.parse_args(arguments)
    if given.learn:
        names = [
            (corpus, attack)
            for corpus in CORPORA
            for attack in (*attacks_on(CORPORA[corpus](Size(), _STYLE, 0)), NONE)
        ]
        write(*learnt([drilled(c, a, seed) for seed in given.seeds for c, a in names]))
    print(told(read_counts(), Decision()))


if __name__ == "__main__":
    main()
