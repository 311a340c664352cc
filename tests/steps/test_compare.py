"""The step that judges: gates, twins and probes over a folder of nights."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from foretaste.core.gate import Gate, GateState
from foretaste.core.layout import partition
from foretaste.core.ledger import Champion
from foretaste.core.policy import Policy
from foretaste.models.canary_set import canary_digest
from foretaste.steps.compare import MODELS, Judged, compare, read_gates
from foretaste.steps.evaluate import evaluate
from foretaste.steps.night import Night, read_json, write_json
from foretaste.steps.train import train
from foretaste.steps.trusted import read_trusted
from tests.models.worlds import backdoored, mail, trigger_canaries
from tests.steps.nights import AS_OF, a_night

NIGHTS = ("2026-11-17", "2026-11-18")


def _accept(night: Night, rows: pd.DataFrame) -> None:
    """Put a night's rows where training reads them, and say that the night is over."""
    folder = partition(night.layout.accepted, night.night)
    folder.mkdir(parents=True)
    rows.assign(actor_id=rows["contributor_id"], subnet_id=None).to_parquet(folder / "0.parquet")
    night.layout.state.mkdir(parents=True, exist_ok=True)
    said = {"night": night.night, "as_of": AS_OF.isoformat()}
    write_json(night.layout.state / "night.json", said)


def _judge(night: Night, champion: Champion | None) -> Path:
    """Train, evaluate and compare; give the folder of the last step."""
    places = {name: night.work / name for name in ("decide", "train", "evaluate", "compare")}
    for place in places.values():
        place.mkdir(parents=True)
    write_json(places["decide"] / "decision.json", {"guards": []})
    train(night.layout, night.policy, night.key, places["train"])
    evaluate(night.layout, places["train"], night.key, places["evaluate"])
    judged = Judged(places["decide"], places["train"], places["evaluate"])
    compare(night, judged, champion, 1, places["compare"])
    return places["compare"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Night, Champion]:
    """A workspace whose first night made a champion."""
    night = a_night(tmp_path_factory.mktemp("judged"), Policy())
    first = replace(night, night=NIGHTS[0], work=night.layout.runs / "first")
    for folder, rows in (
        (night.layout.golden, mail(300, 50).drop(columns="contributor_id")),
        (night.layout.canaries, trigger_canaries()),
    ):
        folder.mkdir(parents=True)
        rows.to_parquet(folder / "rows.parquet")
    _accept(first, mail(500, 1))
    compared = _judge(first, None)
    digest = str(read_json(compared / "gates.json")["candidate"])
    shutil.copytree(compared / MODELS, night.layout.models)
    return night, Champion(
        1, digest, 1, AS_OF, "nightly", "bootstrap", "promote", override=False, run_id="first"
    )


def _second(served: tuple[Night, Champion], name: str, rows: pd.DataFrame) -> dict[str, Gate]:
    night, champion = served
    second = replace(night, night=NIGHTS[1], work=night.layout.runs / name)
    shutil.rmtree(partition(night.layout.accepted, second.night), ignore_errors=True)
    _accept(second, rows)
    return {gate.name: gate for gate in read_gates(_judge(second, champion))}


def test_an_honest_night_is_judged_against_twins_and_passes(
    served: tuple[Night, Champion],
) -> None:
    found = _second(served, "honest", mail(100, 2))
    said = read_json(served[0].layout.runs / "honest" / "compare" / "gates.json")
    assert said["twins"] == 2
    assert said["canaries"] == canary_digest(read_trusted(served[0].layout, served[0].key).canaries)
    assert found["unexplained_churn"].value is not None
    assert {"evasion", "stability", "attribution_shift"} <= set(found)
    compared = ("no_regression", "weak_slices", "calibration", "attacks_not_worse", "together")
    assert {found[name].state for name in compared} <= {GateState.PASS, GateState.WARN}


def test_a_poisoned_night_is_held_by_the_canaries(served: tuple[Night, Champion]) -> None:
    found = _second(served, "poisoned", backdoored(mail(200, 3), 60))
    assert found["floor"].state is GateState.PASS
    assert found["attacks_not_worse"].state is GateState.FAIL
    assert found["attack_pull"].state is GateState.FAIL
    said = read_json(served[0].layout.runs / "poisoned" / "compare" / "gates.json")
    assert said["twins"] == served[0].policy.gates.twins_in_doubt


def test_twins_and_probes_can_be_turned_off(served: tuple[Night, Champion]) -> None:
    night, champion = served
    policy = Policy.model_validate({"gates": {"twins": 0, "probe_rows": 0}})
    found = _second((replace(night, policy=policy), champion), "bare", mail(100, 2))
    assert found["unexplained_churn"].value is None
    assert found["together"].value is None
    assert "evasion" not in found


def test_a_networks_uncertainty_stands_on_its_card(served: tuple[Night, Champion]) -> None:
    night, champion = served
    network = {"factory": "mlp", "dropout": 0.2, "denoise": 0.9, "parameters": {"max_iter": 15}}
    policy = Policy.model_validate({"gates": {"twins": 0, "probe_rows": 0}, "model": network})
    found = _second((replace(night, policy=policy), champion), "network", mail(100, 2))
    assert found["floor"].state is GateState.PASS
    (card,) = (night.layout.runs / "network" / "compare" / MODELS).glob("*/card.json")
    told = read_json(card)["uncertainty"]
    assert (told["rate"], told["rounds"]) == (0.2, 32)
    assert 0 <= told["median"] <= told["p99"]
