"""Actors whose labels the other labellers of the same items contradict."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detectors.base import Estimator
from detectors.content.ballots import Ballots
from detectors.content.confusion import Estimate, estimate
from detectors.content.excess import Norm
from detectors.content.guesses import guessing
from detectors.content.handed import crowd_rows, items_of, one_thing
from detectors.content.reasons import label_word
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats

_DAY = 86_400_000_000
_HOSTILE = 0.9
"""Probability that a poisoned row's label is wrong."""

_GUESSER = 2.75
"""Nats for a guesser: about half of its labels are wrong, as against one in seventeen."""

_ERRORS = (0.01, 0.5)
_LEAST_ACTORS = 10
_MAX_LABELS = 50


class Crowd(Estimator):
    """Where several actors label one item, judge each by what the others found.

    Sees guessers, flippers, actors who err in one direction, and colluders who are right
    except on their targets: these are accused on their targets only. Actors vote once per
    item, as resolved; an actor's own votes never count when its rows are judged.

    Cannot see whoever holds an item: where the others are few, split, or out of proportion
    where items are contested, the item is undecided and everybody there gets exactly 0.
    Cannot see crews that hold most votes of items and vote elsewhere too, mistakes that
    the whole crowd makes, or items that only strangers label. Opinions on a scale are
    read as names; see ``ratings``.

    It abstains where rows share an item but not its content, or its label no more often
    than by chance: then an item is a place, not a question.

    Cost: thirty rounds at most, linear in rows x labels. Threshold: ``alarm``, for the
    report only. After Dawid and Skene (Applied Statistics 1979); Raykar et al. (JMLR 2010).

    Parameters
    ----------
    prior
        Probability that an actor's labels hold more than 1 % of poison.
    row_high
        Nats that a single contradicted label may add.
    low, high
        Nats at which the sum is clipped.
    alarm
        Nats from which a row counts as flagged in the report.
    sure
        Probability of the others' likeliest label below which an item is undecided.
    majority
        Share of the others' votes for it, the same.
    min_voters
        Other actors' votes of full weight, the same; newcomers have less.
    half_days
        Days after which an earlier row is believed half as much.
    min_items
        Decided items below which an actor is not judged.
    min_actors
        Actors from which an item is labelled by a crowd.
    min_share
        Share of rows on such items below which the detector abstains.
    min_agreement
        Agreement beyond chance below which it abstains.
    """

    name: str = "crowd"
    version: str = "1"
    family: str = "contributor"
    heavy: bool = False

    def __init__(
        self,
        *,
        prior: float = 0.1,
        row_high: float = 2.0,
        low: float = -0.5,
        high: float = 6.0,
        alarm: float = 2.0,
        sure: float = 0.8,
        majority: float = 0.6,
        min_voters: float = 1.5,
        half_days: float = 60.0,
        min_items: int = 5,
        min_actors: int = 3,
        min_share: float = 0.2,
        min_agreement: float = 0.05,
    ) -> None:
        self.prior = prior
        self.row_high = row_high
        self.low = low
        self.high = high
        self.alarm = alarm
        self.sure = sure
        self.majority = majority
        self.min_voters = min_voters
        self.half_days = half_days
        self.min_items = min_items
        self.min_actors = min_actors
        self.min_share = min_share
        self.min_agreement = min_agreement

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row on an item that the others decide."""
        from threadpoolctl import threadpool_limits

        items = items_of(batch)
        rows = crowd_rows(items, batch.actors, self.min_actors)
        if why := self._silence(batch, items, rows):
            return Opinion.abstain(self, batch.n_rows, why)
        # One thread: the last bits of a product depend on how threads share it.
        with threadpool_limits(1):
            found = estimate(ballots_of(batch, rows, half_days=self.half_days))
        if found.agreement < self.min_agreement:
            why = f"labels of one item agree {found.agreement:.2f} beyond chance"
            return Opinion.abstain(self, batch.n_rows, f"{why}, {self.min_agreement} needed")
        return self._opinion(batch, rows, found)

    def _silence(self, batch: Batch, items: np.ndarray, rows: np.ndarray) -> str:
        share = rows.size / max(batch.n_rows, 1)
        if rows.size == 0 or share < self.min_share:
            return f"{share:.2f} of the rows on items of a crowd, {self.min_share} needed"
        people = np.unique(batch.actors[rows]).size
        if people < _LEAST_ACTORS:
            return f"{people} actors, {_LEAST_ACTORS} needed"
        labels = np.unique(batch.labels[rows]).size
        if not 2 <= labels <= _MAX_LABELS:
            return f"{labels} labels, 2 to {_MAX_LABELS} needed"
        if not one_thing(np.asarray(batch.features)[rows], items[rows]):
            return "rows of one item differ in their features"
        return ""

    def _opinion(self, batch: Batch, rows: np.ndarray, found: Estimate) -> Opinion:
        verdict = self._verdict(batch, rows, found)
        n = batch.n_rows
        llr, reason = np.zeros(n), np.full(n, "", dtype=object)
        llr[rows] = np.clip(verdict.row + verdict.actor, self.low, self.high)
        llr[rows[~verdict.decided]] = 0.0
        micro = to_micro_nats(llr, max(self.high, -self.low))
        for at in np.flatnonzero(micro[rows]).tolist():
            reason[rows[at]] = _reason(batch, int(rows[at]), at, found, verdict)
        return Opinion(
            self.name, self.version, self.family, micro, llr, llr >= self.alarm, reason.tolist()
        )

    def _verdict(self, batch: Batch, rows: np.ndarray, found: Estimate) -> _Verdict:
        decided = (
            (found.others.max(axis=1) >= self.sure)
            & (found.support >= self.majority)
            & (found.voters >= self.min_voters)
        )
        wrong = 1.0 - found.others[np.arange(rows.size), batch.labels[rows]]
        judged = _among_actors(batch, rows)
        norm = Norm.of(judged, np.where(decided, wrong, np.nan), min_rows=self.min_items)
        rate = np.clip(norm.base, *_ERRORS)
        row = np.log(_HOSTILE * wrong + (1 - _HOSTILE) * (1 - wrong))
        row -= np.log(rate * wrong + (1 - rate) * (1 - wrong))
        return _Verdict(
            decided, wrong, np.minimum(row, self.row_high), self._actor(judged, norm, found), norm
        )

    def _actor(self, judged: Batch, norm: Norm, found: Estimate) -> np.ndarray:
        """(n,) nats by actor: more contradicted than others are, or no better than a guess."""
        actors = judged.actors
        windows = [np.ones(actors.size, dtype=bool)]
        if judged.tonight.any() and not judged.tonight.all():
            windows.append(np.asarray(judged.tonight))
        worst = np.full(actors.size, -np.inf)
        for among in windows:
            spread = norm.spread(actors, self.min_items, among)
            seen = norm.llr(
                actors, prior=self.prior, min_rows=self.min_items, among=among, spread=spread
            )
            worst[among] = np.maximum(worst, seen[actors])[among]
        keep = np.flatnonzero(norm.known)
        guess = np.zeros(int(actors.max()) + 1)
        seen = guessing(found.others[keep], judged.labels[keep], actors[keep], least=self.min_items)
        guess[: seen.size] = seen
        out: np.ndarray = np.maximum(worst, np.minimum(guess, _GUESSER)[actors])
        return out


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is held against rows of the crowd, all (n,): nats of the row and of its actor."""

    decided: np.ndarray
    wrong: np.ndarray
    row: np.ndarray
    actor: np.ndarray
    norm: Norm


def ballots_of(batch: Batch, rows: np.ndarray, *, half_days: float) -> Ballots:
    """Read these rows as votes; earlier ones count by their weight, less the older they are."""
    weight = batch.history_weight[rows].astype(np.float64)
    if batch.has_time:
        times = batch.times
        age = (times.max() - times[rows]) / _DAY
        weight = weight * np.where(batch.tonight[rows], 1.0, 0.5 ** (age / half_days))
    codes, item = np.unique(items_of(batch)[rows], return_inverse=True)
    people, actor = np.unique(batch.actors[rows], return_inverse=True)
    label = batch.labels[rows].astype(np.int64)
    k = len(batch.classes)
    return Ballots(item, actor, label, weight, codes.size, people.size, k)


def _among_actors(batch: Batch, rows: np.ndarray) -> Batch:
    """Give these rows with actors in the place of contributors."""
    people, actor = np.unique(batch.actors[rows], return_inverse=True)
    return replace(
        batch,
        rows=batch.rows.iloc[rows],
        tonight=np.asarray(batch.tonight)[rows],
        labels=np.asarray(batch.labels)[rows],
        contributors=actor,
        contributor_ids=people,
        actors=actor,
    )


def _reason(batch: Batch, row: int, at: int, found: Estimate, verdict: _Verdict) -> str:
    given = label_word(batch.classes, int(batch.labels[row]))
    others = label_word(batch.classes, int(found.others[at].argmax()))
    return (
        f"crowd: given={given} others={others} wrong={verdict.wrong[at]:.3f} "
        f"voters={found.voters[at]:.1f} actor={verdict.actor[at]:+.1f}"
    )
