"""Put the night's numbers together and write the report that people open."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretaste.core.files import atomic_write, canonical_json
from foretaste.core.fusion import DecisionReport
from foretaste.core.ledger import Ledger
from foretaste.core.verdict import Account
from foretaste.core.workspace import LEDGER
from foretaste.models.promotion import against_gates
from foretaste.report import (
    CampaignLine,
    ChampionLine,
    FileLine,
    GroupPicture,
    RunReport,
    StepLine,
    campaign_lines,
    detector_lines,
    picture_group,
    posterior_bins,
    reliability_lines,
    render_html,
    render_markdown,
    share_lines,
)
from foretaste.steps.check import SUITE
from foretaste.steps.compare import read_gates
from foretaste.steps.night import Night, read_json
from foretaste.steps.state import read_actors

_SUITES = ("expect_raw", "expect_accepted", "evaluate")
_PICTURED = 12
"""Campaigns that get a picture; the command line draws any other."""
_KINDS = ("contributor", "actor", "subnet")
_CHAMPIONS = 10


def build(night: Night, outcome: Mapping[str, Any]) -> RunReport:
    """Build the report of a night, as far as it came.

    Parameters
    ----------
    outcome
        ``state``, ``reasons`` and ``release`` of the night.
    """
    files = read_json(night.folder("ingest") / "files.json")
    said = read_json(night.folder("decide") / "decision.json")
    compared = read_json(night.folder("compare") / "gates.json")
    stopped = Account(files.get("rows_in", 0), quarantined=files.get("rows_in", 0))
    account = Account(**said.pop("account")) if said else stopped
    return RunReport(
        run_id=night.run_id,
        night=night.night,
        as_of=night.as_of.isoformat(),
        state=str(outcome["state"]),
        headline=_headline(outcome),
        account=account,
        rejected=files.get("codes", {}),
        files=tuple(_file_line(f) for f in files.get("files", [])),
        decision=_decision(said),
        suites=tuple(_suites(night)),
        gates=read_gates(night.folder("compare")),
        metrics=read_json(night.folder("evaluate") / "metrics.json") or None,
        champion_metrics=compared.get("champion_metrics"),
        release=str(outcome.get("release") or ""),
        steps=_steps(night),
        champions=_champions(night),
        warnings=(*outcome.get("reasons", ()), *outcome.get("warnings", ()), *_undecided(night)),
        **_tables(night),
    )


def write(night: Night, report: RunReport) -> Path:
    """Write the page and its JSON; give the page."""
    folder = night.layout.reports
    folder.mkdir(exist_ok=True)
    page = folder / f"{night.run_id}.html"
    atomic_write(page, render_html(report).encode())
    atomic_write(page.with_suffix(".json"), canonical_json(report.to_json()))
    return page


def summary(report: RunReport) -> str:
    """Short markdown for the run's artifact."""
    return render_markdown(report)


def _headline(outcome: Mapping[str, Any]) -> str:
    reasons = outcome.get("reasons", ())
    words = {
        "promoted": "The night's release is out and its model is champion.",
        "released": "The night's release is out; its model waits behind a gate.",
        "held": "The night is held: nothing was published.",
        "empty": "Nothing new had landed.",
    }[str(outcome["state"])]
    return f"{words} {reasons[0]}" if reasons else words


def _undecided(night: Night) -> tuple[str, ...]:
    """Alarm where votes stand against each other: attackers may hold half of a region."""
    reported = read_json(night.folder("detect") / "detectors.json")
    rows = max((said.get("undecided", 0) for said in reported.values()), default=0)
    if not rows:
        return ()
    return (f"votes are undecided on {rows} rows: nobody was judged by them there",)


def _champions(night: Night) -> tuple[ChampionLine, ...]:
    where = os.environ.get(LEDGER) or night.layout.ledger
    if isinstance(where, Path) and not where.exists():
        return ()
    with Ledger.open(where) as ledger:
        history = ledger.champion_history(10 * _CHAMPIONS)
    against = against_gates(history)
    return tuple(
        ChampionLine(
            one.seq,
            one.model,
            one.release,
            one.kind,
            one.by,
            one.at.isoformat(),
            one.reason,
            f"{against[one.seq].by}: {against[one.seq].reason}" if one.seq in against else "",
        )
        for one in history[:_CHAMPIONS]
    )


def _tables(night: Night) -> dict[str, Any]:
    """Lines that come from tables; none for steps that did not run."""
    found: dict[str, Any] = {}
    detected, decided, kept = (night.folder(s) for s in ("detect", "decide", "accept"))
    if (detected / "evidence.parquet").exists():
        found["detectors"] = detector_lines(
            read_json(detected / "detectors.json"),
            pq.read_table(detected / "evidence.parquet"),
            read_json(night.work / "seconds.json"),
        )
    if (decided / "verdicts.parquet").exists():
        verdicts = pq.read_table(decided / "verdicts.parquet")
        found["campaigns"] = campaign_lines(read_actors(night.folder("resolve")), verdicts)
        found["groups"] = _pictures(night.folder("resolve"), found["campaigns"])
        found["posterior"] = posterior_bins(verdicts)
        found["reliability"] = reliability_lines(verdicts)
    if (kept / "caps.json").exists():
        shares = {kind: pd.read_parquet(kept / f"shares_{kind}.parquet") for kind in _KINDS}
        found["shares"] = share_lines(shares, read_json(kept / "caps.json"))
    return found


def _pictures(resolved: Path, campaigns: Sequence[CampaignLine]) -> tuple[GroupPicture, ...]:
    """Picture the campaigns with the most rows."""
    wanted = [line.actor_id for line in campaigns[:_PICTURED]]
    actors = read_actors(resolved)
    actors = actors.filter(pc.is_in(actors["actor_id"], pa.array(wanted, pa.string())))
    people = actors["contributor_id"].combine_chunks()
    who = pc.field("contributor_id").isin(people)
    touching = pc.field("left").isin(people) | pc.field("right").isin(people)
    batch = resolved / "batch"
    visits = pq.read_table(batch / "visits.parquet", filters=who).to_pandas()
    columns = ["contributor_id", "registered_at"]
    accounts = pq.read_table(batch / "rows.parquet", columns=columns, filters=who).to_pandas()
    edges = pq.read_table(resolved / "edges.parquet", filters=touching)
    return tuple(picture_group(one, actors, edges, visits, accounts) for one in wanted)


def _suites(night: Night) -> list[dict[str, Any]]:
    return [s for step in _SUITES if (s := read_json(night.folder(step) / SUITE))]


def _decision(said: Mapping[str, Any]) -> DecisionReport | None:
    if not said:
        return None
    own = {name: said[name] for name in DecisionReport.__slots__}
    return DecisionReport(**{**own, "guards": tuple(own["guards"])})


def _file_line(file: Mapping[str, Any]) -> FileLine:
    names = ("name", "state", "rows_in", "kept", "rejected", "message")
    return FileLine(**{name: file[name] for name in names})


def _steps(night: Night) -> tuple[StepLine, ...]:
    timings = read_json(night.work / "timings.json")
    return tuple(
        StepLine(step, entry["seconds"], entry["peak_mb"], entry["rows"])
        for step, entry in timings.items()
    )
