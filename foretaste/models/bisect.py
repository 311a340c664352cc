"""Find the smallest group of actors whose removal restores what a gate measured.

Influence orders the actors, retraining judges. First the prefix of that order grows until
the gate lets go; then the order is made anew on the model that was restored, where what
was removed can no longer hide behind its own effect; then the shortest prefix that does
as well is found by halving, and halves that are not needed are put back (after delta
debugging; Zeller and Hildebrandt 2002).

The smallest group is seldom the whole cohort: the others are found by comparing suspects
on a model that has seen none of them. The same model says whether the harm is theirs at
all, or spread over what everybody sends; then nobody is named.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import pandas as pd

from foretaste.core.gate import Gate, holding
from foretaste.core.policy import Bisect
from foretaste.models.influence import Probe, influence
from foretaste.models.predict import predict
from foretaste.models.spread import per_actor, spread
from foretaste.models.train import Trained

log = logging.getLogger(__name__)
_PLACEBO: Final = 0.02
_FIRST: Final = 0.02
_WORTH: Final = 0.4
"""How much of the gain per weight that was had before more actors must bring: most honest
rows of the class that an attack aims at help the probe a little by their absence."""
_NEEDED: Final = 2
"""Actors in a row that turn out to be needed before the others are believed to be."""
_ALIKE: Final = 0.5
"""Share of the group's median harm from which an actor is like it."""
_WHALE: Final = 0.25
"""An actor with more than this share of what is compared leaves no room for others."""
_LAST: Final = 3
"""Retrains kept for the comparison, and for what it takes from the group and adds."""


class Workshop(Protocol):
    """What trains a candidate without some rows, and judges it as the night did."""

    def refit(self, kept: np.ndarray, seed: int) -> Trained:
        """Train on the rows marked by ``kept``, (n,) bool."""

    def judge(self, model: Trained) -> Gate:
        """Ask the gate that failed."""


@dataclass(frozen=True, slots=True)
class Question:
    """A gate that failed, and what it failed on.

    Parameters
    ----------
    rows
        (n,) training rows: the model's inputs, ``label``, ``weight``.
    actors
        (n,) codes of the rows' actors.
    probe
        Trusted rows that the gate is about.
    workshop
        Trains and judges.
    """

    rows: pd.DataFrame
    actors: np.ndarray
    probe: Probe
    workshop: Workshop


@dataclass(frozen=True, slots=True)
class Finding:
    """What the search found.

    Parameters
    ----------
    actors
        Codes of the actors whose removal restores the metric, the most harmful first;
        none where no group of the allowed size does.
    before, after
        The gate as it failed, and as it was measured without them.
    gain
        Nats per probe row by which the loss falls without them.
    noise
        Nats per probe row by which it moves between two seeds, each without a random group.
    p_value
        One-sided paired t-test of the gain against the noise.
    apart
        p-value that the harm is theirs, not everybody's; see ``foretaste.models.spread``.
    retrains
        Candidates that were trained.
    """

    actors: tuple[int, ...]
    before: Gate
    after: Gate
    gain: float
    noise: float
    p_value: float
    apart: float
    retrains: int

    @property
    def restored(self) -> bool:
        """Whether the gate lets the candidate through without the actors."""
        return bool(self.actors)


def bisect(question: Question, limits: Bisect, *, seed: int) -> Finding:
    """Search for the smallest group of actors whose removal restores the gate.

    Parameters
    ----------
    limits
        The policy's: how many retrains, how large a group, at what level.
    seed
        Seed of the trainings and of the placebo groups.
    """
    search = _Search(question, limits, seed)
    whole = search.without(())
    if not holding((whole.gate,)):
        return search.finding(whole, whole)
    search.listen(whole)
    grown = search.grow(whole)
    if not grown.fine:
        return search.finding(whole, whole)
    short = search.prune(search.shorten(grown))
    suspects = search.suspects(short)
    found = search.complete(short, suspects)
    apart = search.apart(found, suspects)
    return search.finding(whole, found if apart <= limits.alpha else whole, apart)


@dataclass(frozen=True, slots=True)
class _Tried:
    """A candidate trained without some actors, and how it does."""

    removed: tuple[int, ...]
    model: Trained
    gate: Gate
    loss: np.ndarray

    @property
    def fine(self) -> bool:
        return not holding((self.gate,))


@dataclass(frozen=True, slots=True)
class _Suspects:
    """Actors whom a model has not seen, and what each row costs it, (n,) nats."""

    actors: tuple[int, ...]
    harm: np.ndarray


@dataclass(slots=True)
class _Search:
    question: Question
    limits: Bisect
    seed: int
    noise: float = 0.0
    spent: int = 0
    known: dict[frozenset[int], _Tried] = field(default_factory=dict)

    @property
    def weight(self) -> np.ndarray:
        return self.question.rows["weight"].to_numpy(np.float64)

    @property
    def left(self) -> int:
        """Retrains that finding a group may still take."""
        return self.limits.max_retrains - self.spent - _LAST

    def without(self, removed: tuple[int, ...], seed: int | None = None) -> _Tried:
        """Train without actors, once."""
        key = frozenset(removed)
        if seed is None and key in self.known:
            return self.known[key]
        self.spent += 1
        kept = ~np.isin(self.question.actors, removed)
        model = self.question.workshop.refit(kept, self.seed if seed is None else seed)
        loss = self.question.probe.loss(predict(model, self.question.probe.rows))
        tried = _Tried(removed, model, self.question.workshop.judge(model), loss)
        log.info("without %d actors: %s, loss %.4f", len(key), tried.gate.state, loss.mean())
        if seed is None:
            self.known[key] = tried
        return tried

    def listen(self, whole: _Tried) -> None:
        """Measure the noise: two other seeds, each without a random group of actors."""
        rng = np.random.default_rng([self.seed, 1])
        share = self.shares()
        for again in (1, 2):
            drawn = rng.permutation(share.size)
            group = drawn[: int(np.searchsorted(np.cumsum(share[drawn]), _PLACEBO)) + 1]
            tried = self.without(tuple(map(int, group)), self.seed + again)
            self.noise = max(self.noise, abs(float((tried.loss - whole.loss).mean())))

    def shares(self) -> np.ndarray:
        weight = self.weight
        return np.asarray(np.bincount(self.question.actors, weights=weight) / weight.sum())

    def harm(self, tried: _Tried) -> np.ndarray:
        """(n,) nats that each row costs, as the tried model sees it."""
        rows, probe = self.question.rows, self.question.probe
        used = np.where(np.isin(self.question.actors, tried.removed), 0.0, self.weight)
        return influence(tried.model, rows, used, probe, seed=self.seed)

    def score(self, harm: np.ndarray) -> np.ndarray:
        actors = self.question.actors
        return per_actor(harm, actors, int(actors.max()) + 1)

    def order(self, tried: _Tried) -> np.ndarray:
        """Actors that harm, the surest first, as the tried model sees them."""
        score = self.score(self.harm(tried))
        ranked = np.argsort(-score, kind="stable")
        return ranked[score[ranked] > 0]

    def prefix(self, order: np.ndarray, share: float) -> tuple[int, ...]:
        held = np.cumsum(self.shares()[order])
        return tuple(map(int, order[: int(np.searchsorted(held, share, side="right")) or 1]))

    def grow(self, whole: _Tried) -> _Tried:
        """Remove more and more until the gate lets go and more does no better."""
        best, share = whole, _FIRST
        while share <= self.limits.max_share and self.left > 0:
            removed = self.prefix(self.order(best), share)
            share *= 2
            if frozenset(removed) == frozenset(best.removed):
                continue  # the next actor alone is heavier than this step
            tried = self.without(removed)
            if best.fine and not (tried.fine and self.better(tried, best)):
                break
            best = tried if tried.fine or tried.loss.mean() < best.loss.mean() else best
        return best

    def better(self, first: _Tried, second: _Tried) -> bool:
        """Whether the first does surely better, and by enough for what it removes more."""
        least = max(self.noise, _WORTH * self.rate(second) * self.more(first, second))
        gain, p = self.gain(first, second, 0.0)
        return gain > least and p < self.limits.alpha

    def rate(self, tried: _Tried) -> float:
        """Nats per row that a removal gains, by the share of the weight that it takes."""
        share = float(self.shares()[list(tried.removed)].sum())
        gain = float((self.without(()).loss - tried.loss).mean())
        return max(gain, 0.0) / share if share else 0.0

    def more(self, first: _Tried, second: _Tried) -> float:
        """Share of the weight that the first removes more than the second."""
        share = self.shares()
        return max(float(share[list(first.removed)].sum() - share[list(second.removed)].sum()), 0.0)

    def gain(self, first: _Tried, second: _Tried, least: float) -> tuple[float, float]:
        """Nats per row by which the first does better; one-sided p that it is ``least``."""
        from scipy.stats import ttest_1samp

        gain = second.loss - first.loss
        if np.ptp(gain) == 0:
            return float(gain.mean()), 0.0 if gain[0] > least else 1.0
        p = float(ttest_1samp(gain, least, alternative="greater").pvalue)
        return float(gain.mean()), p

    def as_good(self, removed: tuple[int, ...], best: _Tried) -> bool:
        tried = self.without(removed)
        return tried.fine and not self.better(best, tried)

    def shorten(self, best: _Tried) -> _Tried:
        """Halve the prefix of a new order as long as it does as well."""
        order = tuple(map(int, self.order(best)))
        size = len(best.removed)
        lengths = sorted({min(n, len(order)) for n in (size, 2 * size)})
        high = next((n for n in lengths if n and self.left and self.as_good(order[:n], best)), 0)
        low = 0
        while high - low > 1 and self.left > 0:
            middle = (low + high) // 2
            if self.as_good(order[:middle], best):
                high = middle
            else:
                low = middle
        return self.without(order[:high]) if high else best

    def prune(self, best: _Tried) -> _Tried:
        """Put back whom the metric does not miss, the least harmful first."""
        group, needed = list(best.removed), 0
        # The last of a shortest prefix is needed; the doubtful ones stand before it.
        for actor in group[-2::-1]:
            if needed == _NEEDED or self.left <= 0:
                break
            rest = tuple(one for one in group if one != actor)
            if self.as_good(rest, best):
                group, needed = list(rest), 0
            else:
                needed += 1
        return self.without(tuple(group))

    def suspects(self, best: _Tried) -> _Suspects:
        """Ask a model that has seen neither the group nor those who come next."""
        room, share = self.limits.max_share / 2, self.shares()
        order = self.order(best)
        others = order[~np.isin(order, best.removed) & (share[order] <= _WHALE * room)]
        stranger = self.without((*best.removed, *self.prefix(others, room)))
        return _Suspects(stranger.removed, self.harm(stranger))

    def complete(self, best: _Tried, suspects: _Suspects) -> _Tried:
        """Let go who harms far less than the group; add who harms alike, missed or not."""
        alike = self.alike(best.removed, suspects)
        core = tuple(one for one in best.removed if one in alike)
        if core and len(core) < len(best.removed) and self.as_good(core, best):
            best = self.without(core)
        more = tuple(one for one in alike if one not in best.removed)
        tried = self.without((*best.removed, *more))
        return tried if tried.fine and tried.loss.mean() <= best.loss.mean() else best

    def alike(self, group: tuple[int, ...], suspects: _Suspects) -> tuple[int, ...]:
        """Suspects that harm as surely, and as much by the row, as the group; surest first."""
        sure = self.score(suspects.harm)
        # A heavy account is sure of a little; one of few rows may be unlucky in them.
        by_row = sure / np.sqrt(np.bincount(self.question.actors))
        enough = [_ALIKE * float(np.median(told[list(group)])) for told in (sure, by_row)]
        both = (sure >= enough[0]) & (by_row >= enough[1])
        return tuple(one for one in sorted(suspects.actors, key=lambda k: -sure[k]) if both[one])

    def apart(self, found: _Tried, suspects: _Suspects) -> float:
        """Test that the harm is the group's, among all suspects."""
        rows, actors = self.question.rows, self.question.actors
        among = np.flatnonzero(np.isin(actors, suspects.actors))
        among = among[np.argsort(rows["row_id"].to_numpy(str)[among], kind="stable")]
        names, own = np.unique(actors[among], return_inverse=True)
        _, labels = np.unique(
            rows["label"].to_numpy(object)[among].astype(str), return_inverse=True
        )
        group = np.searchsorted(names, found.removed)
        return spread(suspects.harm[among], own, labels, group, seed=self.seed)

    def finding(self, whole: _Tried, found: _Tried, apart: float = 1.0) -> Finding:
        gain, p = self.gain(found, whole, self.noise)
        return Finding(
            found.removed, whole.gate, found.gate, gain, self.noise, p, apart, self.spent
        )
