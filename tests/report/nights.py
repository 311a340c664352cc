"""Reports to render."""

from __future__ import annotations

from foretaste.core.fusion import DecisionReport
from foretaste.core.gate import Gate, GateState
from foretaste.core.verdict import Account
from foretaste.report import (
    CampaignLine,
    ChampionLine,
    ComparisonLine,
    DetectorLine,
    FileLine,
    PosteriorBin,
    RunReport,
    ShareLine,
    StepLine,
)
from tests.report.groups import a_group


def suite(ok=True):
    line = {"severity": "critical", "threshold": "none", "meaning": "No row is there twice."}
    return {
        "suite": "raw",
        "ok": ok,
        "evaluated": 2,
        "expected": 2,
        "results": [
            {"name": "rows", "success": True, "observed": "4812", **line},
            {"name": "repeated_row_ids", "success": ok, "observed": "0", **line},
        ],
    }


def posterior():
    counts = [(4100, 0, 0, 0), (310, 20, 0, 0), (40, 60, 0, 0), (0, 34, 2, 0), (0, 12, 9, 0)]
    counts += [(0, 0, 14, 0), (0, 0, 22, 0), (0, 0, 41, 0), (0, 0, 60, 4), (0, 0, 20, 64)]
    names = ("accepted", "downweighted", "quarantined", "rejected")
    return tuple(
        PosteriorBin(i / 10, (i + 1) / 10, dict(zip(names, row, strict=True)))
        for i, row in enumerate(counts)
    )


def full(text="a sleeper who began to flip", **changes):
    """A night on which everything happened; ``text`` is wherever a stranger's may be."""
    values = {
        "run_id": "20260301-0200-4f2a",
        "night": "2026-03-01",
        "as_of": "2026-03-01T02:00:00+00:00",
        "state": "held",
        "headline": "Held: the candidate flips 4.1 % of golden rows towards one class.",
        "account": Account(4812, 4450, 126, 168, 68),
        "rejected": {"duplicate": 31, "bad_label": 22, text: 15},
        "files": (
            FileLine("reports-0.parquet", "ingested", 3000, 2950, 50),
            FileLine(text, "set_aside", 0, 0, 0, text),
        ),
        "detectors": (
            DetectorLine("actors", "actors", "spoke", "", 61, 70, 402.5, 0, 2.4),
            DetectorLine("excess", "contributor", "spoke", "", 88, 130, 310.2, 96.0, 0.4),
            DetectorLine("contributor_shift", "contributor", "spoke", "", 40, 41, 188.0, 0, 0.6),
            DetectorLine("validity", "contributor", "spoke", "", 12, 900, 20.0, 210.4, 0.1),
            DetectorLine("micro_models", "micro_models", "spoke", "", 102, 2400, 260, 480, 21.7),
            DetectorLine("outliers", "rows", "spoke", "", 31, 55, 44.0, 0, 6.0),
            DetectorLine("confident_learning", "rows", "spoke", "", 44, 60, 61.2, 0, 9.8),
            DetectorLine("backdoor", "backdoor", "abstained", text),
            DetectorLine("duplicates", "duplicates", "failed", "killed at its deadline, 900 s"),
        ),
        "campaigns": (
            CampaignLine(
                "a3f9c2e1d0b4", 60, 60, 0.998, "shared relay, registered within 40 min", {
                    "quarantined": 56, "accepted": 4,
                },
            ),
            CampaignLine("a91be0c7742a", 1, 48, 0.94, text, {"rejected": 40, "downweighted": 8}),
        ),
        "decision": DecisionReport(
            12.4, 48.1, 3, ("at most 20% of class 'spam' held: 3 rows released", text), True, {}
        ),
        "posterior": posterior(),
        "shares": (
            ShareLine("contributor", "c5d1e03ba7718f02", 0.0193, 0.02),
            ShareLine("contributor", "c0a92be3c1d4f577", 0.0181, 0.02),
            ShareLine("actor", "a3f9c2e1d0b4", 0.0195, 0.02),
            ShareLine("actor", "c5d1e03ba7718f02", 0.0193, 0.02),
            ShareLine("subnet", "s71c2ab90ffe31d0", 0.104, 0.1),
            ShareLine("subnet", text, 0.061, 0.1),
        ),
        "suites": (suite(), {**suite(ok=False), "suite": "accepted"}),
        "gates": (
            Gate("golden_set", GateState.PASS, 380, 380, 380, ">= 30 labelled rows of two classes",
                 "labelled golden rows that the candidate was judged on", ""),
            Gate("floor", GateState.PASS, 0.962, 0.941, 0.978, ">= 0.60",
                 "balanced_accuracy on the golden set", ""),
            Gate("no_regression", GateState.WARN, -0.011, -0.024, 0.004, ">= -0.02",
                 "balanced_accuracy minus the champion's, paired bootstrap", "look at the night"),
            Gate("churn", GateState.PASS, 0.041, 0.026, 0.065, "<= 0.15",
                 "share of golden rows on which the two disagree", ""),
            Gate("canary_backdoor", GateState.FAIL, 0.42, 0.31, 0.54, "<= 0.20",
                 "share of canaries that hit the attacker's target", "keep the champion"),
            Gate("ab_replay", GateState.UNDECIDED, None, None, None, "<= 0.02", text,
                 "log traffic"),
        ),
        "metrics": {"accuracy": 0.968, "balanced_accuracy": 0.962, "log_loss": 0.1042, "ece": None},
        "champion_metrics": {"accuracy": 0.974, "balanced_accuracy": 0.973, "log_loss": 0.097},
        "groups": (a_group(4, others=(text,), items=(text, "i1"), name="a3f9c2e1d0b4").picture(),),
        "champions": (
            ChampionLine(3, "ab" * 32, 2, "promote", text, "2026-02-28T09:10:11+00:00", text, text),
            ChampionLine(2, "cd" * 32, 1, "promote", "ada", "2026-02-27T02:00:00+00:00", "", ""),
        ),
        "release": "release/2026-03-01",
        "steps": (
            StepLine("ingest", 1.9, 310, {"contributions": 4744, "rejects": 68}),
            StepLine("detect", 41.3, 1210, {"evidence": 3711}),
        ),
        "warnings": ("detector duplicates did not report: killed at its deadline, 900 s", text),
        "comparison": (
            ComparisonLine("clean accuracy", 0.941, 0.968, "higher"),
            ComparisonLine("attack success: backdoor", 0.93, 0.02, "lower"),
            ComparisonLine("attack success: flip", 0.31, 0.04, "lower"),
        ),
    }  # fmt: skip
    return RunReport(**{**values, **changes})


def empty():
    """A night on which nothing happened."""
    return RunReport(
        run_id="20260302-0200-0001",
        night="2026-03-02",
        as_of="2026-03-02T02:00:00+00:00",
        state="empty",
        headline="Nothing new in landing.",
        account=Account(0),
        rejected={},
    )
