import pandas as pd
import pyarrow as pa
import pytest

from foretaste.core.actor import ACTOR_SCHEMA
from foretaste.core.evidence import EVIDENCE_SCHEMA, MICRO
from foretaste.core.verdict import VERDICT_SCHEMA
from foretaste.report import campaign_lines, detector_lines, posterior_bins, share_lines


def verdicts(*rows):
    """Verdicts from (outcome, posterior, actor, code) tuples."""
    outcome, posterior, actor, code = zip(*rows, strict=True) if rows else [()] * 4
    n = len(rows)
    return pa.table(
        {
            "row_id": [f"r{i}" for i in range(n)],
            "verdict": list(outcome),
            "weight": [1.0] * n,
            "influence_weight": [1.0] * n,
            "evidence_weight": [1.0] * n,
            "posterior": list(posterior),
            "llr": [0] * n,
            "actor_id": list(actor),
            "code": list(code),
            "reasons": [""] * n,
        },
        schema=VERDICT_SCHEMA,
    )


def actors(*rows):
    """Actors from (contributor, actor, kind, size) tuples."""
    return pa.Table.from_pylist(
        [
            {
                "contributor_id": contributor,
                "actor_id": actor,
                "kind": kind,
                "size": size,
                "posterior": 0.9,
                "reason": "shared relay",
            }
            for contributor, actor, kind, size in rows
        ],
        schema=ACTOR_SCHEMA,
    )


def test_evidence_is_summed_by_detector_and_direction():
    said = [("a", 2.0), ("a", -0.5), ("a", 1.0), ("b", -3.0)]
    evidence = pa.Table.from_pylist(
        [
            {
                "row_id": f"r{i}",
                "detector": name,
                "family": "f",
                "llr": round(nats * MICRO),
                "score": 0.0,
                "flagged": False,
                "reason": "",
            }
            for i, (name, nats) in enumerate(said)
        ],
        schema=EVIDENCE_SCHEMA,
    )
    spoke = {"family": "f", "state": "spoke", "why": "", "flagged": 1, "rows": 2}
    reported = {name: {"name": name, **spoke} for name in ("c", "b", "a")}
    lines = detector_lines(reported, evidence, {"a": 1.25})
    assert [(d.name, d.against, d.in_favour, d.seconds) for d in lines] == [
        ("a", 3.0, 0.5, 1.25),
        ("b", 0.0, 3.0, None),
        ("c", 0.0, 0.0, None),
    ]


def test_campaigns_are_counted_by_outcome_and_others_left_out():
    found = actors(
        ("c1", "ring", "campaign", 2),
        ("c2", "ring", "campaign", 2),
        ("c3", "asleep", "campaign", 1),
        ("c4", "c4", "singleton", 1),
    )
    judged = verdicts(
        ("quarantined", 0.9, "ring", "evidence"),
        ("quarantined", 0.9, "ring", "evidence"),
        ("accepted", 0.2, "ring", ""),
        ("accepted", 0.0, "c4", ""),
        ("rejected", 0.0, None, "bad_label"),
    )
    (line,) = campaign_lines(found, judged)
    assert (line.actor_id, line.size, line.rows) == ("ring", 2, 3)
    assert line.verdicts == {"quarantined": 2, "accepted": 1}


def test_only_rows_that_evidence_judged_are_binned():
    bins = posterior_bins(
        verdicts(
            ("accepted", 0.0, "a", ""),
            ("accepted", 0.099, "a", ""),
            ("quarantined", 1.0, "a", "evidence"),
            ("rejected", 0.0, "a", "duplicate"),
            ("quarantined", 0.5, "a", "conflict"),
        )
    )
    assert len(bins) == 10
    assert bins[0].rows == {"accepted": 2}
    assert bins[9].rows == {"quarantined": 1}
    assert sum(sum(b.rows.values()) for b in bins) == 3


def test_an_empty_night_has_empty_lines():
    assert campaign_lines(actors(), verdicts()) == ()
    assert all(b.rows == {} for b in posterior_bins(verdicts()))
    assert detector_lines({}, EVIDENCE_SCHEMA.empty_table()) == ()


def test_the_largest_shares_are_shown_with_their_caps():
    frame = pd.DataFrame({"id": ["b", "a", "c"], "share": [0.25, 0.25, 0.5]})
    lines = share_lines({"actor": frame}, {"actor": 0.4}, top=2)
    assert [(s.kind, s.id, s.share, s.cap) for s in lines] == [
        ("actor", "c", 0.5, 0.4),
        ("actor", "a", 0.25, 0.4),
    ]
    with pytest.raises(KeyError):
        share_lines({"subnet": frame}, {"actor": 0.4})
