"""What the desk draws of a case: its story, its times, its ties, its past.

Everything is bounded: a case of a hundred thousand rows is told in as much as one of ten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from foretaste.core.contract import FEATURE_PREFIX
from foretaste.core.ledger import Case
from foretaste.core.policy import Decision
from foretaste.core.verdict import Outcome
from foretaste.report.neighbourhood import neighbourhood
from foretaste.report.safe import visible
from foretaste.steps.dossier import Dossier
from foretaste.steps.stories import commonest, count, within

Record = Mapping[str, Any]
"""A row, or something counted, by name of column; what is missing is None."""

_BINS: Final = 48
_LEAST_BIN: Final = timedelta(minutes=5)
_PEOPLE: Final = 12
_LABELS: Final = 8
_WORDS: Final = 8
_WORD_CHARS: Final = 80
_FEATURES: Final = 64


@dataclass(frozen=True, slots=True)
class Sources:
    """What all cases of a night are drawn from.

    Parameters
    ----------
    volume
        Rows that came in per night.
    ties
        ``EDGE_SCHEMA`` as a frame.
    by_end
        Positions in ``ties`` by contributor.
    beside, earlier
        Records of the dossier's frames of those names, by contributor.
    track
        Confirmed and refuted decisions per detector.
    features
        Mean and standard deviation per feature over accepted rows.
    salt
        Under which detectors name runs of words.
    threshold
        Log-odds of poison from which a row is held.
    """

    volume: Mapping[str, int]
    ties: pd.DataFrame
    by_end: Mapping[str, np.ndarray]
    beside: Mapping[str, list[Record]]
    earlier: Mapping[str, list[Record]]
    track: Mapping[str, tuple[float, float]]
    features: Mapping[str, Mapping[str, float]]
    salt: bytes
    threshold: float

    @classmethod
    def of(
        cls,
        dossier: Dossier,
        records: pd.DataFrame,
        accepted: pd.DataFrame,
        salt: bytes,
        policy: Decision,
    ) -> Sources:
        """Index what was gathered."""
        ties = _ties(dossier.edges)
        ends = np.concatenate([ties["left"].to_numpy(object), ties["right"].to_numpy(object)])
        by_end = pd.Series(np.tile(np.arange(len(ties)), 2)).groupby(ends).indices
        names, right, wrong = (records[c].tolist() for c in records.columns)
        return cls(
            dossier.volume,
            ties,
            {str(who): np.unique(np.asarray(at) % len(ties)) for who, at in by_end.items()},
            _by_contributor(dossier.beside),
            _by_contributor(dossier.earlier),
            {name: (r, w) for name, r, w in zip(names, right, wrong, strict=True)},
            _moments(accepted),
            salt,
            threshold(policy),
        )


def details(
    case: Case, rows: Sequence[Record], detectors: Iterable[str], sources: Sources, *, graph: bool
) -> dict[str, Any]:
    """Tell a case; every key may be missing where nothing is known.

    Parameters
    ----------
    rows
        The case's rows.
    detectors
        Who spoke of them.
    graph
        Whether to draw who is tied to whom.

    Returns
    -------
    dict
        ``story`` (sentences), ``timeline``, ``graph``, ``before``, ``labels``,
        ``threshold`` (log-odds), ``track`` (confirmed and refuted decisions) and
        ``features``.
    """
    if not rows:
        return {"story": ["Its rows are not kept any more."]}
    sent = Counter(str(row["contributor_id"]) for row in rows)
    people = sorted(sent, key=lambda who: (-sent[who], who))
    nights = {row["night"] for row in rows}
    beside = [one for who in people for one in sources.beside.get(who, ())]
    beside = [one for one in beside if one["night"] in nights]
    told: dict[str, Any] = {
        "story": _story(case, rows, len(beside), sources.volume),
        "timeline": {"bins": _bins(beside)},
        "graph": _graph(people, sent, beside, sources) if graph else {},
        "before": [_before(who, min(nights), sources) for who in people[:_PEOPLE]],
        "labels": _top(Counter(str(row["label"]) for row in rows)),
        "threshold": sources.threshold,
        "track": {d: list(sources.track[d]) for d in sorted(detectors) if d in sources.track},
        "features": dict(sources.features),
    }
    return {name: value for name, value in told.items() if value or value == 0}


def spans(row: Record, reasons: Iterable[str], salt: bytes) -> list[str]:
    """Spell the runs of words that detectors named by id, as a row's text has them."""
    from detectors.content.telling import spelled

    named = " ".join(reason for reason in reasons if "#" in reason)
    text = row.get("text")
    if not named or not text:
        return []
    runs = spelled(named, str(text), salt).values()
    # A run that was cut would be found nowhere in the text.
    return sorted({run for run in runs if len(run) <= _WORD_CHARS})[:_WORDS]


def threshold(policy: Decision) -> float:
    """Log-odds of poison from which it costs least to hold a row."""
    c = policy.costs
    p = np.linspace(0.0, 1.0, 10_001)[1:-1]
    let_in = np.minimum(
        p * c.poison_accepted, (1 - p) * c.honest_downweighted + p * c.poison_downweighted
    )
    kept_out = np.minimum(
        (1 - p) * c.honest_quarantined + p * c.poison_quarantined, (1 - p) * c.honest_rejected
    )
    least = float(p[np.argmax(kept_out < let_in)])
    return round(float(np.log(least / (1 - least))), 3)


def _story(case: Case, rows: Sequence[Record], beside: int, volume: Mapping[str, int]) -> list[str]:
    accounts = len({row["contributor_id"] for row in rows})
    total = sum(volume.get(night, 0) for night in {row["night"] for row in rows})
    share = f" ({len(rows) / total:.1%} of what came in)" if total else ""
    who = f"{accounts:,} accounts" if accounts > 1 else "One account"
    lines = [f"{who} sent the {count(len(rows), 'row')} of this case{share}."]
    if beside > len(rows):
        they = "they" if accounts > 1 else "it"
        lines.append(f"Besides, {they} sent {count(beside - len(rows), 'row')} not in question.")
    rejected = sum(row.get("verdict") == Outcome.REJECTED for row in rows)
    if rejected:
        part = "All of them were" if rejected == len(rows) else f"{rejected:,} of them were"
        lines.append(f"{part} rejected; a person may undo that.")
    if accounts > 1:
        lines += _common(rows)
    if len(rows) > 1:
        lines.append(_said(rows))
    return [*lines, *(f"Why: {visible(reason)}" for reason in case.reasons[:1])]


def _common(rows: Sequence[Record]) -> list[str]:
    """What the accounts of a case have in common."""
    registered = {row["contributor_id"]: row.get("registered_at") for row in rows}
    lines = [f"All of them {told}." for told in within(registered.values(), "registered")]
    subnets = {row.get("subnet_id") for row in rows} - {None}
    lines += [f"They come from {count(len(subnets), 'subnet')}."] * bool(subnets)
    items = {row.get("item_id") for row in rows} - {None}
    return [*lines, *([f"They are about {count(len(items), 'item')}."] * bool(items))]


def _said(rows: Sequence[Record]) -> str:
    top, share = commonest(str(row["label"]) for row in rows)
    much = "All rows" if share == 1 else f"{share:.0%} of the rows"
    return f"{much} say “{visible(top, limit=40)}”."


def _bins(beside: Sequence[Record]) -> list[dict[str, Any]]:
    """Count what the contributors sent in equal spans of time."""
    times = [(one["contributed_at"], bool(one["held"])) for one in beside]
    times = [(at, held) for at, held in times if at is not None]
    if not times:
        return []
    start, end = min(at for at, _ in times), max(at for at, _ in times)
    width = max((end - start) / _BINS, _LEAST_BIN)
    places = [(min(int((at - start) / width), _BINS - 1), held) for at, held in times]
    rows = Counter(place for place, _ in places)
    out = Counter(place for place, held in places if held)
    return [
        {"at": (start + place * width).isoformat(), "rows": rows[place], "held": out[place]}
        for place in sorted(rows)
    ]


def _graph(
    people: Sequence[str], held: Mapping[str, int], beside: Sequence[Record], sources: Sources
) -> dict[str, Any]:
    """Choose the strongest ties among the case's contributors, and to others."""
    places = [sources.by_end[who] for who in people if who in sources.by_end]
    if not places:
        return {}
    mine = sources.ties.iloc[np.unique(np.concatenate(places))]
    drawn = neighbourhood(people, pa.Table.from_pandas(mine, preserve_index=False))
    names = (*drawn.members, *drawn.others)
    sent = Counter(str(one["contributor_id"]) for one in beside)
    return {
        "nodes": [{"id": who, "rows": sent[who], "held": held.get(who, 0)} for who in names],
        "edges": [
            {
                "a": names[tie.left],
                "b": names[tie.right],
                "weight": round(tie.surprise, 2),
                "why": f"{tie.kind.replace('_', ' ')}, {tie.shared} shared",
            }
            for tie in drawn.ties
        ],
    }


def _before(who: str, night: str, sources: Sources) -> dict[str, Any]:
    """What a contributor did on earlier nights; who did nothing says so by zeros."""
    past = [one for one in sources.earlier.get(who, ()) if one["night"] < night]
    labels: Counter[str] = Counter()
    for one in past:
        labels[str(one["label"])] += int(one["rows"])
    rows, accepted = labels.total(), sum(int(one["accepted"]) for one in past)
    return {
        "contributor": who,
        "nights": len({one["night"] for one in past}),
        "rows": rows,
        "accepted": accepted,
        "held": max(rows - accepted, 0),
        "labels": _top(labels),
    }


def _top(counts: Counter[str]) -> dict[str, int]:
    names = sorted(counts, key=lambda name: (-counts[name], name))[:_LABELS]
    return {visible(name, limit=60): counts[name] for name in names if counts[name]}


def _by_contributor(frame: pd.DataFrame) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records_of(frame):
        found.setdefault(str(record["contributor_id"]), []).append(record)
    return found


def records_of(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """Turn a frame into records; missing values of every kind are None."""
    plain = frame.astype(object)
    found: list[dict[Any, Any]] = plain.where(plain.notna(), None).to_dict("records")
    return found


def _ties(edges: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = edges.to_pandas()
    return frame.drop_duplicates(["left", "right", "kind"], ignore_index=True)


def _moments(accepted: pd.DataFrame) -> dict[str, dict[str, float]]:
    names = [c for c in accepted.columns if c.startswith(FEATURE_PREFIX)][:_FEATURES]
    found = {}
    for name in names:
        values = accepted[name].to_numpy(float)
        values = values[np.isfinite(values)]
        if values.size:
            mean, sd = float(values.mean()), float(values.std())
            found[name] = {"mean": mean, "sd": sd}
    return found
