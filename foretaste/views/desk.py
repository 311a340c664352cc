"""What the desk's pages show of a case: its evidence laid out, its accounts, its rows.

Everything comes from the ledger and from what the night wrote into ``cases.details``;
every part of that is optional, so each answer here stands without it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from foretaste.core.ledger import Case, CaseRow
from foretaste.views.loose import count, mapping, mappings, number, text

LOOKS_FOR: Final[Mapping[str, str]] = {
    "actors": "accounts that act as one",
    "micro_models": "rows that most small models contradict",
    "time_slices": "rows that models of other times contradict",
    "contributor_excess": "accounts that are wrong more often than their rows explain",
    "newcomers": "new accounts that are wrong together",
    "crowd": "accounts that disagree with everybody else on the same items",
    "label_noise": "labels that do not fit their content",
    "neighbours": "labels that the most similar rows contradict",
    "contributor_shift": "accounts that changed what they do",
    "ratings": "ratings that push items up or down",
    "outliers": "content unlike anything seen",
    "slice_outliers": "content unlike the rest of its label",
    "spectral": "rows that share one hidden direction",
    "near_duplicates": "copies and near-copies",
    "trigger_lift": "words that give a label away",
    "rules": "rows that hit a hand-written rule",
    "harm": "accounts whose rows make the model worse",
}
"""What each detector looks for, in the words of a reviewer."""

KINDS: Final[Mapping[str, str]] = {
    "campaign": "Campaign",
    "contributor": "One account",
    "target": "Pushed item",
    "copies": "Near-copies",
    "rule": "Rule",
    "held": "Held at ingest",
}
"""Kinds of cases, in the words of a reviewer."""

REST: Final = "prior, caps, company and calibration"
_MOST: Final = 40
_ALIKE: Final = 5
_CERTAIN: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Signal:
    """What one detector says of some rows.

    Parameters
    ----------
    nats
        Mean over the rows; positive speaks for poison.
    before, after
        The sum so far, without and with it, nats.
    rows
        How many of the rows it spoke about.
    reasons
        What it said, the most frequent first, at most three.
    confirmed, refuted
        How often people proved it right, and wrong.
    """

    detector: str
    looks_for: str
    nats: float
    before: float
    after: float
    rows: int
    reasons: tuple[str, ...]
    capped: bool = False
    confirmed: float = 0.0
    refuted: float = 0.0

    @property
    def judged(self) -> float:
        """How many decisions its record rests on."""
        return self.confirmed + self.refuted

    @property
    def confirmed_share(self) -> float | None:
        """The share that confirmed it; None without a record."""
        return self.confirmed / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class Argument:
    """A waterfall: from the signals to the posterior.

    Parameters
    ----------
    signals
        The strongest first.
    rest
        Nats that come from elsewhere: prior, caps of families, company, calibration.
    total
        Log-odds of the posterior, nats.
    threshold
        Nats from which a row is held; None when unknown.
    low, high
        The scale that all of them fit on.
    rows
        How many rows it is the mean of.
    """

    signals: tuple[Signal, ...]
    rest: float
    total: float
    posterior: float
    threshold: float | None
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class Feature:
    """A number of a row beside what is usual; ``away`` in standard deviations."""

    name: str
    value: float
    mean: float | None = None
    sd: float | None = None

    @property
    def away(self) -> float | None:
        """How many standard deviations from the mean; None when that is not known."""
        return None if self.mean is None or not self.sd else (self.value - self.mean) / self.sd


@dataclass(frozen=True, slots=True)
class Account:
    """A contributor of a case, and what it did on earlier nights.

    Parameters
    ----------
    here, posterior
        Its rows in the case, and their mean probability of being poison.
    nights, rows, accepted, held
        Before.
    labels
        How often it gave each, before.
    """

    contributor: str
    here: int
    posterior: float
    nights: int = 0
    rows: int = 0
    accepted: int = 0
    held: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An accepted row that is like a held one; 0 is the same."""

    label: str
    text: str
    distance: float


def argue(rows: Sequence[CaseRow], details: Mapping[str, Any]) -> Argument:
    """Lay out the evidence on some rows of a case, the strongest signal first."""
    size = max(len(rows), 1)
    posterior = math.fsum(row.posterior for row in rows) / size
    total = _log_odds(posterior)
    signals, reached = [], 0.0
    for detector, lines in _strongest(rows):
        nats = math.fsum(number(line.get("nats")) for line in lines) / size
        signals.append(_signal(detector, lines, nats, reached, details))
        reached += nats
    threshold = details.get("threshold")
    marks = [0.0, total, *(one.after for one in signals)]
    if threshold is not None:
        marks.append(threshold := number(threshold))
    room = (max(marks) - min(marks)) * 0.03 or 1.0
    ends = (min(marks) - room, max(marks) + room)
    return Argument(
        tuple(signals), total - reached, total, posterior, threshold, *ends, rows=len(rows)
    )


def features(rows: Sequence[CaseRow], details: Mapping[str, Any]) -> tuple[Feature, ...]:
    """Average the numbers of some rows, the most unusual first."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name, value in row.content.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                values[str(name)].append(number(value))
    usual = mapping(details.get("features"))
    found = [_feature(name, seen, usual.get(name)) for name, seen in values.items()]
    return tuple(sorted(found, key=lambda one: (-abs(one.away or 0.0), one.name)))


def attributes(row: CaseRow) -> dict[str, str]:
    """Give what else came with a row: everything that is no number."""
    return {
        str(name): str(value)
        for name, value in sorted(row.content.items(), key=lambda pair: str(pair[0]))
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float))
    }


def accounts(
    senders: Iterable[tuple[str, int, float]], details: Mapping[str, Any]
) -> tuple[Account, ...]:
    """List the accounts of a case with what they did before, the most rows in it first.

    Parameters
    ----------
    senders
        Pseudonym, rows in the case, mean posterior: ``Ledger.contributors_of``.
    """
    told = {str(one.get("contributor")): one for one in mappings(details.get("before"))}
    order = list(labels((), details))
    return tuple(
        _account(name, rows, posterior, told.get(name, {}), order)
        for name, rows, posterior in senders
    )


def labels(rows: Iterable[CaseRow], details: Mapping[str, Any]) -> dict[str, int]:
    """Count the labels of a case, the most frequent first."""
    told = mapping(details.get("labels")) or Counter(row.label for row in rows)
    counted = {str(name): int(number(count)) for name, count in told.items()}
    return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST])


def alike(row: CaseRow, details: Mapping[str, Any]) -> tuple[Neighbour, ...]:
    """List the accepted rows most similar to one, the nearest first."""
    told = mappings(mapping(details.get("alike")).get(row.row_id))
    found = (
        Neighbour(text(one, "label"), text(one, "text"), number(one.get("distance")))
        for one in told
    )
    return tuple(sorted(found, key=lambda one: one.distance)[:_ALIKE])


def suspects(row: CaseRow, details: Mapping[str, Any]) -> list[str]:
    """List the words of a row that speak against it."""
    words = mapping(details.get("spans")).get(row.row_id)
    return [str(word) for word in words] if isinstance(words, list | tuple) else []


def story(case: Case) -> tuple[str, ...]:
    """Tell why a case was held: the night's sentences, else its reasons."""
    told = case.details.get("story")
    return tuple(str(line) for line in told) if isinstance(told, list | tuple) else case.reasons


def _strongest(rows: Sequence[CaseRow]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Group lines of evidence by detector: accusers first, then what speaks in favour."""
    lines: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        for line in row.evidence:
            lines[str(line.get("detector", ""))].append(line)
    return sorted(
        lines.items(),
        key=lambda pair: (-math.fsum(number(one.get("nats")) for one in pair[1]), pair[0]),
    )


def _signal(
    detector: str,
    lines: Sequence[Mapping[str, Any]],
    nats: float,
    before: float,
    details: Mapping[str, Any],
) -> Signal:
    said = Counter(str(line["reason"]) for line in lines if line.get("reason"))
    record = mapping(details.get("track")).get(detector)
    confirmed, refuted = record if isinstance(record, list | tuple) and len(record) == 2 else (0, 0)
    return Signal(
        detector=detector,
        looks_for=LOOKS_FOR.get(detector, detector),
        nats=nats,
        before=before,
        after=before + nats,
        rows=len(lines),
        reasons=tuple(reason for reason, _ in said.most_common(3)),
        capped=any(line.get("capped") for line in lines),
        confirmed=number(confirmed),
        refuted=number(refuted),
    )


def _feature(name: str, seen: Sequence[float], usual: Any) -> Feature:
    told = mapping(usual)
    value = math.fsum(seen) / len(seen)
    if not {"mean", "sd"} <= told.keys():
        return Feature(name, value)
    return Feature(name, value, number(told["mean"]), number(told["sd"]))


def _account(
    name: str, here: int, posterior: float, told: Mapping[str, Any], order: Sequence[str]
) -> Account:
    counts = {key: count(told, key) for key in ("nights", "rows", "accepted", "held")}
    given = {str(k): int(number(v)) for k, v in mapping(told.get("labels")).items()}
    # In the case's order, and with its gaps: one colour means one label all over the page.
    ordered = {label: given.get(label, 0) for label in (*order, *given)}
    return Account(name, here, posterior, **counts, labels=ordered)


def _log_odds(posterior: float) -> float:
    inside = min(max(posterior, _CERTAIN), 1 - _CERTAIN)
    return math.log(inside / (1 - inside))
