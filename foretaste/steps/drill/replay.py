"""Play nights again with an attack in them, and count what got through."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from foretaste.attacks.base import Attack
from foretaste.core.contract import REJECT_SCHEMA, VISIT_SCHEMA, contribution_schema
from foretaste.core.errors import GateRefused
from foretaste.core.layout import Layout, partition, partition_nights
from foretaste.core.verdict import Outcome
from foretaste.steps import accept, check, sanitize, state
from foretaste.steps.decide import decide
from foretaste.steps.drill.raw import Attacked, attacked
from foretaste.steps.drill.sizes import Size
from foretaste.steps.drill.world import World
from foretaste.steps.evaluate import evaluate
from foretaste.steps.night import Night, read_json, run_step, write_json
from foretaste.steps.train import train
from foretaste.steps.trusted import judges_of_harm

_KEPT = [str(Outcome.ACCEPTED), str(Outcome.DOWNWEIGHTED)]
_NOTHING = pd.DataFrame({"decision_id": [], "row_id": [], "decision": []}).astype(
    {"decision_id": "int64", "row_id": "str", "decision": "str"}
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One attack of one size, played.

    Parameters
    ----------
    size
        What was asked for; zeros without an attack.
    accounts, rows
        Accounts that sent poison, and their poisoned rows.
    learnt
        Share of the poison that a release would hold, in [0, 1]; a down-weighted row
        counts as much as it weighs. 0 where a suite holds the night.
    honest_lost
        Share of everybody else's rows that would be held or rejected, in [0, 1].
    metric, reference
        The gates' metric of the model trained on the result, and of one trained on the
        same rows without the poison; None without a golden set.
    moved
        Share of golden rows that the two answer differently; None without a golden set.
    held
        Why a suite would hold the night; empty when it would not.
    """

    size: Size
    accounts: int
    rows: int
    learnt: float
    honest_lost: float
    metric: float | None = None
    reference: float | None = None
    moved: float | None = None
    held: tuple[str, ...] = ()

    @property
    def loss(self) -> float | None:
        """Fall of the metric by the poison; less is better, None where not measured."""
        if self.metric is None or self.reference is None:
            return None
        return self.reference - self.metric

    def to_json(self) -> dict[str, Any]:
        """Give a mapping of plain JSON values."""
        return {**asdict(self), "loss": self.loss}


def replay(
    world: World, attack: Attack | None, size: Size, seed: int, folder: Path, base: Path | None
) -> Trial:
    """Play the world's nights with an attack in them, through the steps of the night.

    Parameters
    ----------
    attack
        None plays them as they were.
    folder
        Receives the copy and every step's files.
    base
        Folder of the replay without an attack, to compare the models' answers with.

    Raises
    ------
    ContractError
        If the world cannot carry the attack.
    GateRefused
        If a detector did not report.
    """
    came = attacked(world, attack, seed)
    layout = _prepare(world, folder)
    verdicts, held = [], tuple[str, ...]()
    for place, night in enumerate(world.nights):
        run = _night(world, layout, came, night)
        decided, held = _sanitize(run, first=place == 0)
        verdicts.append(pd.read_parquet(decided / "verdicts.parquet"))
        if held:
            break
    metric, reference, moved = (None,) * 3 if held else _model(world, layout, came, base)
    counted = _count(pd.concat(verdicts), came.truth, size)
    return replace(
        counted,
        learnt=0.0 if held else counted.learnt,
        metric=metric,
        reference=reference,
        moved=moved,
        held=held,
    )


def _prepare(world: World, folder: Path) -> Layout:
    """Lay out a copy: what is only read is linked, what nights write is the copy's own."""
    layout, source = Layout(folder), Layout(world.folder)
    for night in partition_nights(source.accepted):
        link = partition(layout.accepted, night)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(partition(source.accepted, night).resolve())
    for mine, theirs in ((layout.golden, source.golden), (layout.canaries, source.canaries)):
        mine.parent.mkdir(parents=True, exist_ok=True)
        mine.symlink_to(theirs.resolve())
    shutil.copytree(source.state, layout.state)
    return layout


def _night(world: World, layout: Layout, came: Attacked, night: str) -> Night:
    """Put a night's rows where ingest puts them."""
    rows = came.rows[came.rows["night"] == night].drop(columns="night")
    visits = came.visits[came.visits["night"] == night]
    folder = partition(layout.contributions, night)
    folder.mkdir(parents=True)
    columns = world.policy.columns
    schema = contribution_schema(columns.features, columns.attributes)
    for name, frame, fields in (
        ("contributions", rows, schema),
        ("visits", visits[VISIT_SCHEMA.names], VISIT_SCHEMA),
        ("rejects", REJECT_SCHEMA.empty_table().to_pandas(), REJECT_SCHEMA),
    ):
        table = pa.Table.from_pandas(frame, schema=fields, preserve_index=False)
        pq.write_table(table, folder / f"{name}.parquet")
    as_of = rows["contributed_at"].max().to_pydatetime()
    return Night(layout, world.policy, world.key, night, as_of, layout.runs / night)


def _sanitize(night: Night, *, first: bool) -> tuple[Path, tuple[str, ...]]:
    """Take a night to its accepted rows; give the verdicts, and why a suite holds it."""
    layout, policy, key = night.layout, night.policy, night.key
    arrived = partition(layout.contributions, night.night)
    if first:
        said = {"night": night.night, "as_of": night.as_of.isoformat(), "seed": policy.seed}
        write_json(layout.state / "night.json", said)
        begun = layout.state
    else:
        begun = state.begin(night, _NOTHING)
    inputs = sanitize.Inputs(arrived, begun, layout.accepted)
    given = inputs.files()
    resolved = run_step(night, "resolve", given, partial(sanitize.resolve, inputs, policy, key))
    golden = judges_of_harm(layout, key, policy)
    asked = partial(sanitize.detect, resolved, policy, golden=golden)
    detected = run_step(night, "detect", {"resolve": resolved}, asked)
    if faults := sanitize.did_not_report(detected):
        raise GateRefused("detectors did not report", reasons=faults, hint=faults[0])
    fused = partial(decide, inputs, resolved, detected, policy)
    decided = run_step(night, "decide", {"detect": detected}, fused)
    capped = partial(accept.accept, inputs, decided, layout.contributions, policy)
    kept = run_step(night, "accept", {"decide": decided}, capped)
    judged = partial(check.accepted, policy, begun, layout.accepted, kept)
    held = check.failures(run_step(night, "expect_accepted", {"accept": kept}, judged))
    _publish(night, begun, resolved, decided, kept)
    return decided, held


def _publish(night: Night, begun: Path, resolved: Path, decided: Path, kept: Path) -> None:
    """Put a night's results where the next night, and training, look for them."""
    layout = night.layout
    if begun != layout.state:
        shutil.rmtree(layout.state)
        shutil.copytree(begun, layout.state)
    shutil.rmtree(layout.night, ignore_errors=True)
    target = layout.night / "sanitize"
    target.mkdir(parents=True)
    for file in (*resolved.glob("*.parquet"), *decided.glob("*.parquet")):
        shutil.copyfile(file, target / file.name)
    part = partition(layout.accepted, night.night)
    part.mkdir(parents=True)
    shutil.copyfile(kept / "part-0.parquet", part / "part-0.parquet")


def _model(
    world: World, layout: Layout, came: Attacked, base: Path | None
) -> tuple[float | None, float | None, float | None]:
    """Train on the result and on what it would be without the poison.

    Returns
    -------
    metric, reference
        Of the two models. The attacker's material is nobody else's: both lack it.
    moved
        Share of golden rows that the two answer differently.
    """
    metric, said = _answers(world, layout, "attacked")
    if base is None:
        return metric, metric, None if said is None else 0.0
    gone = came.truth.loc[came.truth["poison"], "row_id"]
    honest = came.rows.loc[~came.rows["row_id"].isin(gone), "row_id"]
    for night in world.nights:
        name = "part-0.parquet"
        part = pd.read_parquet(partition(Layout(base).accepted, night) / name, partitioning=None)
        part[part["row_id"].isin(honest)].to_parquet(partition(layout.accepted, night) / name)
    reference, expected = _answers(world, layout, "reference")
    moved = None if said is None or expected is None else float((said != expected).mean())
    return metric, reference, moved


def _answers(world: World, layout: Layout, name: str) -> tuple[float | None, pd.Series | None]:
    """Train, and ask the model about the golden set; None where there is none."""
    trained, asked = (layout.runs / f"{step}-{name}" for step in ("train", "evaluate"))
    trained.mkdir(parents=True)
    asked.mkdir()
    train(layout, world.policy, world.key, trained)
    evaluate(layout, trained, world.key, asked)
    metric = read_json(asked / "metrics.json").get(world.policy.gates.metric)
    answers = asked / "golden.parquet"
    return metric, pd.read_parquet(answers)["predicted"] if answers.exists() else None


def _count(verdicts: pd.DataFrame, truth: pd.DataFrame, size: Size) -> Trial:
    bad = truth[truth["poison"]]
    poison = verdicts[verdicts["row_id"].isin(bad["row_id"])]
    honest = verdicts[~verdicts["row_id"].isin(truth["row_id"])]
    weight = poison["evidence_weight"].where(poison["verdict"].isin(_KEPT), 0.0)
    lost = ~honest["verdict"].isin(_KEPT)
    return Trial(
        size=size,
        accounts=int(bad["contributor_id"].nunique()),
        rows=len(bad),
        learnt=float(weight.mean()) if len(poison) else 0.0,
        honest_lost=float(lost.mean()) if len(honest) else 0.0,
    )
