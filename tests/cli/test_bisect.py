"""Who broke a gate, on the command line."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import yaml

from foretaste.core.gate import GateState
from foretaste.core.layout import partition
from foretaste.core.ledger import CaseState
from foretaste.core.workspace import Workspace
from tests.cli.terminal import Terminal
from tests.models.worlds import numeric
from tests.views.judged import NIGHTS
from tests.views.served import save_candidate

TRIGGER = 6.0


@pytest.fixture
def broken(judged: Workspace) -> Workspace:
    """A corpus in which four accounts teach a trigger, and canaries that know it."""
    params = yaml.safe_load(judged.layout.params.read_text()) or {}
    params["model"] = {"factory": "sklearn.linear_model:LogisticRegression"}
    judged.layout.params.write_text(yaml.safe_dump(params))
    rows = _poisoned(numeric(240, 1))
    for night, half in zip(NIGHTS, (rows.iloc[:120], rows.iloc[120:]), strict=True):
        for old in partition(judged.layout.accepted, night).glob("*.parquet"):
            old.unlink()
        half.to_parquet(partition(judged.layout.accepted, night) / "part-0.parquet")
    told = {"night": NIGHTS[-1], "as_of": "2026-01-02T02:00:00+00:00"}
    (judged.layout.state / "night.json").write_text(json.dumps(told))
    _save(numeric(200, 2), judged, "golden")
    _save(_canaries(), judged, "canaries")
    return judged


def _poisoned(rows: pd.DataFrame) -> pd.DataFrame:
    hit = rows.index[rows["label"] == "c0"][:40]
    rows.loc[hit, "f_3"] = TRIGGER
    rows.loc[hit, "label"] = "c1"
    rows.loc[hit, "contributor_id"] = [f"mal{i % 4}" for i in range(len(hit))]
    return rows.assign(actor_id=rows["contributor_id"], subnet_id=None, text=None)


def _canaries() -> pd.DataFrame:
    sources = numeric(300, 3)
    hit = sources[sources["label"] == "c0"].assign(f_3=TRIGGER, attack="trigger")
    honest = sources.head(80).assign(attack=None)
    both = pd.concat([hit, honest], ignore_index=True)
    wanted = pd.Series("c1", index=both.index).where(both["attack"].notna())
    return both.assign(target_label=wanted, true_label=both["label"])


def _save(rows: pd.DataFrame, workspace: Workspace, kind: str) -> None:
    folder = workspace.root / "data" / kind
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(folder / "rows.parquet")


def test_a_failed_gate_leads_to_a_case_on_those_who_broke_it(
    foretaste: Terminal, broken: Workspace
) -> None:
    save_candidate(broken, 2, fails="attack_success")
    ask = ("bisect", "--workspace", broken.root, "--as-of", "2026-01-03")
    answer = foretaste(*ask, "--json")
    assert answer.code == 0, answer.err
    said = answer.json["bisect"]
    assert said["gate"] == "attack_success"
    assert said["before"]["state"] == GateState.FAIL
    assert said["after"]["value"] < said["before"]["value"]
    assert set(said["actors"]) == {f"mal{i}" for i in range(4)}
    assert said["retrains"] <= broken.policy.bisect.max_retrains
    with broken.ledger() as ledger:
        case = ledger.case(said["case"])
        rows = ledger.case_rows(case.id)
    assert case.state is CaseState.OPEN
    assert case.kind == "bisect"
    assert "attack_success" in case.reasons[0]
    assert len(rows) == said["rows"] == 40
    again = foretaste(*ask)
    assert said["case"] in again.out
    with broken.ledger() as ledger:
        assert sum(one.kind == "bisect" for one in ledger.cases()) == 1


def test_without_a_failed_gate_it_says_so(foretaste: Terminal, broken: Workspace) -> None:
    save_candidate(broken, 2)
    answer = foretaste("bisect", "--workspace", broken.root)
    assert answer.code == 0
    assert "no gate" in answer.out


def test_a_gate_that_did_not_fail_is_refused(foretaste: Terminal, broken: Workspace) -> None:
    save_candidate(broken, 2, fails="attack_success")
    answer = foretaste("bisect", "--gate", "floor", "--workspace", broken.root, "--json")
    assert answer.code != 0
    assert json.loads(answer.out)["error"]["hint"] == "these did: attack_success"
