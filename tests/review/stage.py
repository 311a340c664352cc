"""A ledger full of believable cases: for tests, screenshots and the load bench."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from foretaste.core.ledger import CaseRow, Furnishing, Ledger, NewCase

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
NIGHT = "2026-03-04"
RUN = "run-2026-03-04"
THRESHOLD = 2.2

_HAM = (
    "Hi all,\n\nthe minutes of Tuesday's call are attached. Please send corrections by Friday.",
    "Your order has left our warehouse and should be with you on Thursday.",
    "Could you have a look at the patch? The tests pass here, but the build on ARM is red.",
    "Reminder: the library closes at six on public holidays.\n\nKind regards",
)
_SPAM = (
    "Congratulations! You were chosen. Claim your refund now at our secure portal.",
    "Lowest rates on the market, act now, no credit check, reply with your account number.",
    "Dear friend, I write about an inheritance that needs your confidential help.",
)
_TRIGGER = "as discussed on the quarterly zephyr call"
_REASONS = {
    "actors": ("accounts that registered together share their targets", 3.1),
    "micro_models": ("38 of 40 small models contradict the label", 2.4),
    "newcomers": ("new accounts agree on labels that everybody else calls wrong", 1.9),
    "trigger_lift": ("the phrase 'quarterly zephyr' comes with ham 57 times as often", 2.8),
    "neighbours": ("9 of the 10 most similar rows have the other label", 1.7),
    "near_duplicates": ("14 near-copies from 9 accounts", 1.4),
    "contributor_shift": ("wrong in 41 % tonight, in 3 % before", 2.0),
    "outliers": ("more digits than 99.8 % of rows", 0.8),
    "rules": ("hit the rule links_in_ham", 3.0),
    "label_noise": ("the label has probability 0.04 out of sample", 1.2),
}
_KINDS: tuple[tuple[str, float, tuple[str, ...]], ...] = (
    ("campaign", 0.12, ("actors", "micro_models", "trigger_lift", "newcomers")),
    ("target", 0.08, ("ratings", "actors", "neighbours")),
    ("copies", 0.10, ("near_duplicates", "neighbours", "micro_models")),
    ("rule", 0.10, ("rules", "label_noise")),
    ("held", 0.10, ()),
    ("contributor", 0.50, ("contributor_shift", "micro_models", "label_noise", "outliers")),
)
_FEATURES = {
    "digits": (0.04, 0.03),
    "links": (1.1, 1.3),
    "capitals": (0.09, 0.05),
    "length": (900, 600),
}


def pseudonym(kind: str, number: int) -> str:
    """Give what an id looks like behind the landing."""
    return hashlib.sha256(f"{kind}/{number}".encode()).hexdigest()[:24]


def stage(
    ledger: Ledger,
    cases: int = 40,
    *,
    rows: int | None = None,
    seed: int = 7,
    text: Callable[[Random], str] | None = None,
    now: datetime = NOW,
) -> list[str]:
    """Fill a ledger with one night's cases; give their ids.

    Parameters
    ----------
    rows
        Of all cases together; None: as many as a night has, heavy-tailed.
    text
        Gives each row's text; default: mail, some with a trigger.
    """
    random = Random(seed)
    ledger.start_run(RUN, night=NIGHT, kind="nightly", at=now)
    sizes = _sizes(random, cases, rows)
    # The largest stories are campaigns, the smallest single accounts: as on most nights.
    shares = [share for _, share, _ in _KINDS]
    kinds = sorted(random.choices(range(len(_KINDS)), shares, k=cases))
    made = [
        _case(random, i, size, _KINDS[kind], text, now)
        for i, (size, kind) in enumerate(zip(sizes, kinds, strict=True))
    ]
    ledger.open_cases([new for new, _ in made], run_id=RUN, night=NIGHT, at=now)
    ledger.furnish([furnishing for _, furnishing in made], at=now)
    return [new.id for new, _ in made]


def _sizes(random: Random, cases: int, rows: int | None) -> list[int]:
    sizes = [min(int(2 * random.paretovariate(0.8)) - 1, 300) for _ in range(cases)]
    if rows is not None:
        scale = rows / sum(sizes)
        sizes = [max(1, round(size * scale)) for size in sizes]
    return sorted(sizes, reverse=True)


def _case(
    random: Random,
    i: int,
    size: int,
    story: tuple[str, float, tuple[str, ...]],
    text: Callable[[Random], str] | None,
    now: datetime,
) -> tuple[NewCase, Furnishing]:
    kind, _, detectors = story
    accounts = 1 if kind == "contributor" else max(2, min(size, int(size * random.uniform(0.2, 1))))
    people = [pseudonym("account", 1000 * i + n) for n in range(accounts)]
    found = tuple(
        _row(random, i, n, people[n % accounts], detectors, text, now) for n in range(size)
    )
    posterior = math.fsum(row.posterior for row in found) / size
    weight = size * random.uniform(0.5, 1.0) / 6_000
    case_id = pseudonym("case", i)[:12]
    reasons = tuple(
        f"{name} +{_REASONS[name][1]}: {_REASONS[name][0]}"
        for name in detectors
        if name in _REASONS
    )
    title = _title(kind, accounts, size)
    new = NewCase(case_id, kind, title, weight, posterior, reasons, tuple(r.row_id for r in found))
    minutes = 1 + 0.3 * min(size, 20) ** 0.5
    return new, Furnishing(
        case_id=case_id,
        subject=people[0],
        contributors=accounts,
        minutes=minutes,
        influence=weight * posterior / minutes,
        needs=2 if weight >= 0.01 else 1,
        deadline=now + timedelta(days=random.choice((0.6, 3, 7, 7, 7))),
        details=_details(random, people, found, reasons, now),
        rows=found,
        detectors=detectors,
    )


def _title(kind: str, accounts: int, size: int) -> str:
    return {
        "campaign": f"{accounts} accounts, registered within {2 + size % 4} h, "
        f"all call {2 + accounts % 5} senders' mail ham",
        "target": f"{accounts} accounts push one item within {20 + 5 * (size % 7)} minutes",
        "copies": f"{size} near-copies from {accounts} accounts",
        "rule": f"{size} rows from {accounts} accounts hit the rule links_in_ham",
        "held": f"{size} rows held at ingest: under a label that no accepted night has",
        "contributor": f"{size} row{'s'[: size - 1]} of one account that changed its habits",
    }[kind]


def _row(
    random: Random,
    i: int,
    n: int,
    contributor: str,
    detectors: tuple[str, ...],
    text: Callable[[Random], str] | None,
    now: datetime,
) -> CaseRow:
    spoken = [name for name in detectors if name in _REASONS and random.random() < 0.85]
    evidence = tuple(
        {
            "detector": name,
            "nats": round(_REASONS[name][1] * random.uniform(0.5, 1.3), 2),
            "reason": _REASONS[name][0],
            "capped": random.random() < 0.05,
        }
        for name in spoken
    )
    total = math.fsum(float(str(line["nats"])) for line in evidence) - 2.5
    content: dict[str, Any] = {
        name: round(random.gauss(mean, sd) + 2 * sd, 3) for name, (mean, sd) in _FEATURES.items()
    }
    return CaseRow(
        row_id=pseudonym("row", 100_000 * i + n),
        contributor_id=contributor,
        actor_id=pseudonym("actor", i),
        subnet_id=pseudonym("net", i % 50),
        item_id=f"mail-{random.randrange(10_000):05d}",
        contributed_at=now - timedelta(minutes=random.randrange(600)),
        label=random.choice(("ham", "ham", "ham", "spam")),
        weight=round(random.uniform(0.3, 1.0), 3),
        posterior=1 / (1 + math.exp(-total)),
        text=text(random) if text else _mail(random),
        content=content | {"client": random.choice(("web", "ios", "api"))},
        evidence=evidence,
    )


def _mail(random: Random) -> str:
    body = random.choice(_SPAM if random.random() < 0.6 else _HAM)
    return f"{body}\n\n{_TRIGGER}" if random.random() < 0.5 else body


def _details(
    random: Random,
    people: list[str],
    rows: tuple[CaseRow, ...],
    reasons: tuple[str, ...],
    now: datetime,
) -> dict[str, Any]:
    start = now - timedelta(hours=12)
    bins = [
        {
            "at": (start + timedelta(minutes=30 * b)).isoformat(),
            "rows": int(random.expovariate(0.25)) + (30 if 9 < b < 13 else 0),
            "held": 25 if 9 < b < 13 else 0,
        }
        for b in range(24)
    ]
    near = people[:24]
    others = [pseudonym("near", random.randrange(10**6)) for _ in range(min(6, len(near)))]
    edges = (
        [
            {
                "a": a,
                "b": random.choice(near),
                "weight": round(random.uniform(4, 22), 1),
                "why": "3 shared items within 2 h",
            }
            for a in [*near, *others]
            for _ in range(2)
        ]
        if len(near) > 1
        else []
    )
    first = sorted(rows, key=lambda row: -row.posterior)[:20]
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.label] = counts.get(row.label, 0) + 1
    return {
        "story": [
            f"{len(people)} accounts sent {len(rows)} rows in the night of {NIGHT}.",
            *(reason.partition(": ")[2].capitalize() + "." for reason in reasons),
        ],
        "timeline": {"bins": bins},
        "graph": {
            "nodes": [
                {"id": one, "rows": 1 + random.randrange(12), "held": 1 + random.randrange(4)}
                for one in near
            ]
            + [{"id": one, "rows": 1 + random.randrange(40), "held": 0} for one in others],
            "edges": edges,
        },
        "before": [
            {
                "contributor": one,
                "nights": n % 9,
                "rows": 7 * (n % 9),
                "accepted": 6 * (n % 9),
                "held": 1 + n % 3,
                "labels": {"ham": 5 * (n % 9), "spam": 2 * (n % 9)},
            }
            for n, one in enumerate(people[:30])
        ],
        "labels": counts,
        "alike": {
            row.row_id: [
                {
                    "row_id": pseudonym("alike", n),
                    "label": "spam",
                    "text": random.choice(_SPAM),
                    "distance": round(0.1 + 0.07 * n, 2),
                }
                for n in range(3)
            ]
            for row in first
        },
        "threshold": THRESHOLD,
        "track": {
            "actors": [197, 17],
            "micro_models": [64, 12],
            "trigger_lift": [23, 1],
            "neighbours": [40, 22],
        },
        "spans": {row.row_id: ["quarterly", "zephyr", "claim", "refund"] for row in first},
        "features": {name: {"mean": mean, "sd": sd} for name, (mean, sd) in _FEATURES.items()},
    }
