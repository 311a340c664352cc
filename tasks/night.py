"""From landing to verdicts: each task runs one step of the night."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from prefect import task

from foretaste.intake import OriginalStore, SourceFile
from foretaste.steps import accept as accepting
from foretaste.steps import check, sanitize, state
from foretaste.steps import decide as deciding
from foretaste.steps import ingest as ingesting
from foretaste.steps.night import Night, run_step
from foretaste.steps.trusted import judges_of_harm
from tasks.options import COMPUTE, OUTSIDE


@task(name="list-landed", timeout_seconds=600, **OUTSIDE)
def list_landed(night: Night) -> tuple[SourceFile, ...]:
    """List what landed since the last night."""
    return ingesting.landed(night)


@task(name="ingest", timeout_seconds=7200, **OUTSIDE)
def ingest(night: Night, files: Sequence[SourceFile], originals: OriginalStore) -> Path:
    """Take in what landed, losing nothing."""
    return ingesting.ingest(night, files, originals)


@task(name="expect-raw", timeout_seconds=1800, **COMPUTE)
def expect_raw(night: Night, ingested: Path) -> Path:
    """Judge what came in."""
    return run_step(night, "expect_raw", {"ingest": ingested}, partial(check.raw, night, ingested))


@task(name="begin", timeout_seconds=1800, **COMPUTE)
def begin(
    night: Night,
    decided: pd.DataFrame,
    listed: pd.DataFrame | None,
    rules: pd.DataFrame | None,
) -> Path:
    """Move track records, people's decisions, their lists and rules on to tonight."""
    return state.begin(night, decided, listed, rules)


@task(name="resolve", timeout_seconds=7200, **COMPUTE)
def resolve(night: Night, inputs: sanitize.Inputs) -> Path:
    """Find out who is really one actor."""
    compute = partial(sanitize.resolve, inputs, night.policy, night.key)
    return run_step(night, "resolve", inputs.files(), compute)


@task(name="detect", timeout_seconds=14400, **COMPUTE)
def detect(night: Night, resolved: Path) -> Path:
    """Ask every detector for evidence."""
    golden = judges_of_harm(night.layout, night.key, night.policy)
    compute = partial(sanitize.detect, resolved, night.policy, golden=golden)
    sources = {"resolve": resolved, "golden": night.layout.golden}
    return run_step(night, "detect", sources, compute)


@task(name="decide", timeout_seconds=3600, **COMPUTE)
def decide(night: Night, inputs: sanitize.Inputs, resolved: Path, detected: Path) -> Path:
    """Turn evidence into one verdict per row."""
    compute = partial(deciding.decide, inputs, resolved, detected, night.policy)
    sources = {**inputs.files(), "resolve": resolved, "detect": detected}
    return run_step(night, "decide", sources, compute)


@task(name="accept", timeout_seconds=3600, **COMPUTE)
def accept(night: Night, inputs: sanitize.Inputs, decided: Path) -> Path:
    """Cap everyone's share of what is accepted."""
    corpus = night.layout.contributions
    compute = partial(accepting.accept, inputs, decided, corpus, night.policy)
    sources = {"state": inputs.state, "decide": decided, "contributions": inputs.contributions}
    return run_step(night, "accept", sources, compute)


@task(name="expect-accepted", timeout_seconds=1800, **COMPUTE)
def expect_accepted(night: Night, inputs: sanitize.Inputs, kept: Path) -> Path:
    """Judge what would be released against the last release."""
    compute = partial(check.accepted, night.policy, inputs.state, inputs.accepted, kept)
    return run_step(night, "expect_accepted", {"accept": kept, "state": inputs.state}, compute)
