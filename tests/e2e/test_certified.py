"""Certified mode from the contributions files to the word on the card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretaste.core.contract import contribution_schema
from foretaste.core.gate import GateState
from foretaste.core.keys import WorkspaceKey
from foretaste.core.layout import Layout, partition
from foretaste.core.policy import Policy
from foretaste.models.card import ModelCard
from foretaste.models.evaluate import TrustedSets
from foretaste.models.partitioned.hashing import cells
from foretaste.models.partitioned.wrapping import certify, forget, voters
from foretaste.models.registry import load_model, save_model
from foretaste.steps.accept import accepted_schema
from foretaste.steps.certify import certificate_of
from foretaste.steps.night import write_json
from foretaste.steps.own_rows import read_own
from foretaste.steps.state import DECISION_SCHEMA
from foretaste.steps.train import Candidate, read_candidate, train, training_rows
from tests.models.worlds import numeric

KEY = WorkspaceKey(b"c" * 32)
NIGHTS = ("2026-11-17", "2026-11-18")
K = 21
FEATURES = tuple(str(i) for i in range(4))


def policy_of(**certified: Any) -> Policy:
    wanted = {"enabled": True, "partitions": K, "hostile": 2, "filters": "own", **certified}
    return Policy.model_validate(
        {
            "columns": {"text": None, "features": FEATURES},
            "label": {"values": ["c0", "c1", "c2"]},
            "model": {"factory": "sklearn.naive_bayes:GaussianNB", "certified": wanted},
        }
    )


OWN = policy_of()
STRANGERS = np.array([f"cfeed{i:012x}" for i in range(600)], dtype=object)


def sent(rows: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """Rows as ingest writes them."""
    told = {
        "item_id": None,
        "network_id": None,
        "subnet_id": None,
        "device_id": None,
        "kind": None,
        "registered_at": None,
        "name_shape": None,
        "name_sketch": None,
        "text": None,
        "held": None,
        "contributed_at": datetime(2026, 11, 17, tzinfo=UTC),
        "time_unknown": False,
        "tier": "registered",
        "row_digest": rows["row_id"],
        "source": "f" * 64,
        "source_row": range(len(rows)),
    }
    return rows.assign(**{**told, **columns})


def write(layout: Layout, night: str, rows: pd.DataFrame) -> None:
    folder = partition(layout.contributions, night)
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(rows, contribution_schema(FEATURES, ()), preserve_index=False)
    pq.write_table(table, folder / "contributions.parquet")


@pytest.fixture(scope="module")
def honest() -> pd.DataFrame:
    """Rows of 200 accounts, one of which sent a twentieth of them."""
    rows = numeric(1400, 1, classes=3)
    who = np.where(np.arange(1400) < 70, 0, np.random.default_rng(1).integers(0, 200, 1400))
    return sent(rows.assign(contributor_id=[f"c{i:016x}" for i in who]))


@pytest.fixture(scope="module")
def golden() -> pd.DataFrame:
    return numeric(150, 2, classes=3)[["row_id", "label", *(f"f_{f}" for f in FEATURES)]]


@pytest.fixture
def layout(tmp_path: Path, honest: pd.DataFrame, golden: pd.DataFrame) -> Layout:
    """A workspace's data after two nights."""
    layout = Layout(tmp_path / "ws")
    layout.golden.mkdir(parents=True)
    golden.to_parquet(layout.golden / "golden.parquet")
    layout.state.mkdir(parents=True)
    night = {"night": NIGHTS[-1], "as_of": f"{NIGHTS[-1]}T02:00:00+00:00", "seed": 7}
    write_json(layout.state / "night.json", night)
    for number, night in enumerate(NIGHTS):
        write(layout, night, honest[number::2])
    return layout


def trained(layout: Layout, policy: Policy = OWN) -> Candidate:
    return trained_anew(layout, policy)[0]


def trained_anew(layout: Layout, policy: Policy = OWN) -> tuple[Candidate, int]:
    """Train, and count the base models that were fitted for it."""
    out = layout.root / f"train-{len(list(layout.root.iterdir()))}"
    out.mkdir()
    counts = train(layout, policy, KEY, out)
    return read_candidate(out), counts["partitions_fitted"]


def keep(layout: Layout, candidate: Candidate) -> Path:
    """Keep a candidate as a night does: signed, and as the stage's outs."""
    digest = save_model(layout.models, candidate.packed, card_of(candidate, {}, ()), KEY)
    (layout.night / "train").mkdir(parents=True, exist_ok=True)
    write_json(layout.night / "train" / "train.json", {"digest": digest})
    return layout.models / digest


def same_models(one: Candidate, other: Candidate, rows: pd.DataFrame) -> bool:
    """Say whether every base model of two ensembles answers the same, to the last bit."""
    view = one.inputs.frame(rows)
    pairs = zip(voters(one.model).members_, voters(other.model).members_, strict=True)
    return all(np.array_equal(a.predict_proba(view), b.predict_proba(view)) for a, b in pairs)


def answers(candidate: Candidate, rows: pd.DataFrame) -> Any:
    return certify(candidate.model, candidate.inputs.frame(rows))


def one_of_each(people: np.ndarray, wanted: np.ndarray) -> list[str]:
    """One of the accounts for each wanted cell: the attacker knows the salt."""
    home = cells(people, K, KEY.derive("salt/certified"))
    return [str(people[home == cell][0]) for cell in wanted]


def crew(golden: pd.DataFrame, accounts: list[str], *, odd: bool = False) -> pd.DataFrame:
    """Rows of accounts that say of golden look-alikes, in bulk, what is wrong."""
    others = {"c0": "c1", "c1": "c2", "c2": "c0"}
    copies = golden.assign(label=golden["label"].map(others))
    copies = copies.assign(**{f"f_{f}": golden[f"f_{f}"] * 1.01 for f in FEATURES})
    if odd:
        copies.loc[:2, "f_0"] = [np.nan, 1e12, -1e12]
    parts = [pd.concat([copies] * 3, ignore_index=True).assign(contributor_id=a) for a in accounts]
    rows = pd.concat(parts, ignore_index=True)
    # Ids on both sides of everybody else's: order must not matter either.
    names = [f"{'az'[i % 2]}{who}-{i}" for i, who in enumerate(rows["contributor_id"])]
    rows = rows.assign(row_id=names, contribution_id=names)
    return sent(rows, tier="trusted", subnet_id="s1", kind="false_positive")


@pytest.mark.parametrize("way", ["insert", "change", "break", "remove"])
def test_no_prediction_certified_for_m_flips_under_m_accounts_in_the_files(
    layout: Layout, honest: pd.DataFrame, golden: pd.DataFrame, way: str
) -> None:
    before = answers(trained(layout), golden)
    assert (before.radius >= 4).mean() > 0.5
    people = STRANGERS if way == "insert" else honest["contributor_id"].unique()
    for m in (1, 2, 5, 8):
        mine = one_of_each(people, np.random.default_rng(m).choice(K, m, replace=False))
        rows = honest[~honest["contributor_id"].isin(mine)]
        if way != "remove":
            rows = pd.concat([rows, crew(golden, mine, odd=way == "break")])
        for number, night in enumerate(NIGHTS):
            write(layout, night, rows[number::2])
        after = answers(trained(layout), golden)
        flipped = after.labels != before.labels
        assert not flipped[before.radius >= m].any()
    assert flipped.any()


def test_an_account_changes_the_models_of_its_cell_and_no_bit_of_another(
    layout: Layout, honest: pd.DataFrame, golden: pd.DataFrame
) -> None:
    before = trained(layout)
    hostile = crew(golden, list(STRANGERS[:1]))
    write(layout, NIGHTS[-1], pd.concat([hostile, honest[1::2]]))
    after = trained(layout)
    view = before.inputs.frame(golden)
    (cell,) = cells(STRANGERS[:1], K, KEY.derive("salt/certified"))
    same = [
        np.array_equal(one.predict_proba(view), other.predict_proba(view))
        for one, other in zip(
            voters(before.model).members_, voters(after.model).members_, strict=True
        )
    ]
    assert [i for i, equal in enumerate(same) if not equal] == [cell]


def test_a_fit_without_a_purged_account_equals_forgetting_it(
    layout: Layout, honest: pd.DataFrame, golden: pd.DataFrame
) -> None:
    model = trained(layout)
    rows, left_out = training_rows(layout, OWN, TrustedSets(golden, None, None), NIGHTS[-1])
    gone = honest["contributor_id"].unique()[:2]
    given = [rows[c].to_numpy() for c in ("label", "contributor_id", "weight")]
    salt = KEY.derive("salt/certified")
    again = forget(model.model, gone, model.inputs.frame(rows), *given, salt=salt)
    for number, night in enumerate(NIGHTS):
        part = honest[number::2]
        write(layout, night, part[~part["contributor_id"].isin(gone)])
    scratch = trained(layout)
    view = scratch.inputs.frame(golden)
    assert (again, left_out) == (2, 0)
    assert np.array_equal(scratch.model.predict_proba(view), model.model.predict_proba(view))


def test_a_night_of_one_account_pushes_nobodys_rows_out_of_the_window(
    layout: Layout, honest: pd.DataFrame
) -> None:
    policy = OWN.model_copy(update={"release": OWN.release.model_copy(update={"train_nights": 3})})
    write(layout, "2026-11-19", honest[:3].assign(row_id=["x0", "x1", "x2"]))
    learnt = read_own(layout, policy, "2026-11-19")["row_id"]
    assert set(learnt) == {*honest["row_id"], "x0", "x1", "x2"}
    learnt = read_own(layout, policy, "2026-11-20")["row_id"]
    assert set(learnt) == {*honest[1::2]["row_id"], "x0", "x1", "x2"}


def test_the_card_says_certified_and_the_signed_model_withstands_the_same(
    layout: Layout, golden: pd.DataFrame, tmp_path: Path
) -> None:
    candidate = trained(layout)
    unlabelled = golden.head(3).assign(label=None)
    told, gates = certificate_of(candidate, pd.concat([golden, unlabelled]), OWN)
    assert told is not None
    assert (told["word"], told["reasons"], told["golden_rows"]) == ("certified", [], 150)
    assert (told["partitions"], told["spread"], told["vote"]) == (K, 1, "plurality")
    assert told["accuracy"][0] > 0.8
    assert told["accuracy"] == sorted(told["accuracy"], reverse=True)
    assert [gate.name for gate in gates] == ["certified_accuracy", "certified_recall"]
    assert gates[0].value == told["accuracy"][2]
    digest = save_model(tmp_path, candidate.packed, card_of(candidate, told, gates), KEY)
    loaded = load_model(tmp_path, digest, KEY)
    assert loaded.card.certificate == told
    assert np.array_equal(answers(loaded, golden).radius, answers(candidate, golden).radius)
    assert KEY.derive("salt/certified").hex() not in candidate.packed.data.hex()


def card_of(candidate: Candidate, told: Mapping[str, Any], gates: Any) -> ModelCard:
    return ModelCard(
        release="1",
        night=NIGHTS[-1],
        policy_digest=OWN.digest(),
        metrics={},
        gates=gates,
        n_rows=candidate.n_rows,
        classes=candidate.classes,
        inputs=candidate.inputs,
        seed=7,
        bootstrap=True,
        certificate=told,
    )


def test_what_is_learnt_from_accepted_rows_is_heuristic_and_told_why(
    layout: Layout, honest: pd.DataFrame, golden: pd.DataFrame
) -> None:
    judged = {"verdict": "accepted", "influence_weight": 1.0, "evidence_weight": 1.0}
    rows = honest.assign(**judged, actor_id=honest["contributor_id"])
    folder = partition(layout.accepted, NIGHTS[-1])
    folder.mkdir(parents=True)
    policy = policy_of(filters="all")
    schema = accepted_schema(policy)
    pq.write_table(
        pa.Table.from_pandas(rows, schema, preserve_index=False), folder / "part-0.parquet"
    )
    told, gates = certificate_of(trained(layout, policy), golden, policy)
    assert told is not None
    assert told["word"] == "heuristic"
    assert any("compares accounts" in reason for reason in told["reasons"])
    assert told["accuracy"][0] > 0.8
    assert {gate.state for gate in gates} == {GateState.UNDECIDED}


def test_labels_that_rows_may_bring_leave_a_number_without_a_proof(
    layout: Layout, golden: pd.DataFrame
) -> None:
    free = OWN.model_copy(update={"label": OWN.label.model_copy(update={"values": None})})
    told, _ = certificate_of(trained(layout, free), golden, free)
    assert told is not None
    assert told["word"] == "heuristic"
    assert len(told["reasons"]) == 1


def test_without_golden_rows_nothing_passes_and_without_an_ensemble_nothing_is_asked(
    layout: Layout,
) -> None:
    candidate = trained(layout)
    told, gates = certificate_of(candidate, None, OWN)
    assert told is not None
    assert told["golden_rows"] == 0
    assert {gate.state for gate in gates} == {GateState.UNDECIDED}
    assert certificate_of(replace(candidate, circumstances=None), None, OWN) == (None, ())


def test_people_decide_what_is_learnt_and_held_rows_are_not(
    layout: Layout, honest: pd.DataFrame
) -> None:
    held = ["conflict", "future_time", "blocked", "conflict"]
    rows = honest.iloc[:10].assign(held=[*held, *[None] * 6])
    write(layout, NIGHTS[0], rows)
    write(layout, NIGHTS[1], honest.iloc[10:12])
    ids = rows["row_id"].tolist()
    said = {ids[3]: "release", ids[4]: "poison", ids[5]: "downweight", ids[6]: "apart"}
    frame = pd.DataFrame({"row_id": said.keys(), "decision": said.values()})
    frame = frame.assign(decision_id=range(4), contributor_id="c", night=NIGHTS[1], label=None)
    pq.write_table(
        pa.Table.from_pandas(frame, DECISION_SCHEMA, preserve_index=False),
        layout.state / "decisions.parquet",
    )
    learnt = read_own(layout, OWN, NIGHTS[1]).set_index("row_id")["weight"]
    assert set(learnt.index) == {*ids[3:4], *ids[5:], *honest["row_id"].iloc[10:12]}
    assert learnt[ids[5]] < 0.5 * learnt[ids[6]]


def test_after_a_purge_only_touched_partitions_are_fitted_and_the_model_is_the_same(
    layout: Layout, honest: pd.DataFrame, golden: pd.DataFrame
) -> None:
    whole, fitted = trained_anew(layout)
    assert fitted == K
    keep(layout, whole)
    assert trained_anew(layout)[1] == 0
    gone = one_of_each(honest["contributor_id"].unique(), np.array([3, 17]))
    for number, night in enumerate(NIGHTS):
        part = honest[number::2]
        write(layout, night, part[~part["contributor_id"].isin(gone)])
    purged, fitted = trained_anew(layout)
    assert fitted == 2
    (layout.night / "train" / "train.json").unlink()
    scratch, fitted = trained_anew(layout)
    assert fitted == K
    assert same_models(purged, scratch, golden)
    assert not same_models(purged, whole, golden)
    keep(layout, purged)
    assert trained_anew(layout)[1] == 0


def test_no_base_model_is_taken_over_from_another_policy_or_an_unverified_model(
    layout: Layout, golden: pd.DataFrame
) -> None:
    place = keep(layout, trained(layout))
    other = OWN.model_copy(
        update={"model": OWN.model.model_copy(update={"parameters": {"var_smoothing": 0.1}})}
    )
    assert trained_anew(layout, other)[1] == K
    with (place / "model.skops").open("r+b") as file:
        file.seek(40)
        file.write(b"x")
    assert trained_anew(layout)[1] == K
