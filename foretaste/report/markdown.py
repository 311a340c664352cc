"""Render a run report as a short summary for a Prefect artifact.

Prefect stores markdown as it is: no picture, no link, and every text that a stranger
may have had a hand in stands in a code span, its special characters written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from foretaste.core.verdict import Outcome
from foretaste.report.html import compared
from foretaste.report.run import RunReport
from foretaste.report.safe import visible

MAX_LINES: Final = 20
_SPECIAL = "`|<&\\"


def render_markdown(report: RunReport) -> str:
    """Render the summary: what happened, the gates, failed expectations, campaigns."""
    parts = [
        f"# Night {code(report.night)}: {code(report.state)}",
        code(report.headline),
        f"Run {code(report.run_id)}" + (f", release {code(report.release)}" * bool(report.release)),
        *_overruled(report),
        _account(report),
        *_section("Gates", ("gate", "state", "value", "threshold"), _gates(report)),
        *_section("Failed expectations", ("suite", "expectation", "observed"), _failed(report)),
        *_section("Campaigns", ("actor", "accounts", "rows"), _campaigns(report)),
        *_section("Detectors that did not speak", ("detector", "state", "why"), _silent(report)),
        *_section("Warnings", ("warning",), [(warning,) for warning in report.warnings]),
    ]
    return "\n\n".join(parts) + "\n"


def code(text: str, limit: int = 120) -> str:
    """Put a text into a code span that it cannot leave."""
    return f"`{visible(text, limit=limit, also=_SPECIAL) or ' '}`"


def _overruled(report: RunReport) -> list[str]:
    """Say it where the model that serves was promoted against its gates."""
    return [
        f"**Against its gates:** champion {one.seq} serves because a person overruled them. "
        f"{code(one.overruled)}"
        for one in report.champions[:1]
        if one.overruled
    ]


def _account(report: RunReport) -> str:
    account = report.account
    rows = [("rows in", account.rows_in), *((str(o), getattr(account, o)) for o in Outcome)]
    return _table(("", "rows"), [(name, f"{count:,}") for name, count in rows])


def _gates(report: RunReport) -> list[tuple[str, ...]]:
    return [
        (
            gate.name,
            str(gate.state),
            "not measured" if gate.value is None else f"{gate.value:.4g}",
            compared(gate.threshold),
        )
        for gate in report.gates
    ]


def _failed(report: RunReport) -> list[tuple[str, ...]]:
    return [
        (str(suite["suite"]), str(result["name"]), str(result["observed"]))
        for suite in report.suites
        for result in suite["results"]
        if not result["success"]
    ]


def _campaigns(report: RunReport) -> list[tuple[str, ...]]:
    return [(c.actor_id, f"{c.size:,}", f"{c.rows:,}") for c in report.campaigns]


def _silent(report: RunReport) -> list[tuple[str, ...]]:
    return [(d.name, d.state, d.why) for d in report.detectors if d.state != "spoke"]


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Give a titled table of the first lines, or nothing where there are none."""
    if not rows:
        return []
    rest = len(rows) - MAX_LINES
    more = [f"… and {rest:,} more."] if rest > 0 else []
    return [f"## {title}", _table(head, rows[:MAX_LINES]), *more]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([code(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
