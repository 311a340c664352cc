"""An attacker who knows the rules of the decision cannot turn them against honest rows."""

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.core.evidence import EVIDENCE_SCHEMA, MICRO
from foretaste.core.fusion import decide
from foretaste.core.policy import Decision
from foretaste.core.recalibration import LARGEST_SHIFT, night_shift

HELD = ("quarantined", "rejected")
PEOPLE, EACH = 100, 20


def night(owners, labels):
    """Rows in order of their number; owners are accounts and actors at once."""
    n = len(owners)
    return pd.DataFrame(
        {
            "row_id": pd.Series([f"r{i:05d}" for i in range(n)], dtype="str"),
            "contributor_id": pd.Series([f"c{who}" for who in owners], dtype="str"),
            "actor_id": pd.Series([f"a{who}" for who in owners], dtype="str"),
            "label": pd.Series(labels, dtype="str"),
            "held": pd.Series([None] * n, dtype="str"),
            "prior_llr": np.zeros(n, dtype=np.int64),
            "influence_weight": np.ones(n),
        }
    )


def honest_night():
    owners = np.repeat(np.arange(PEOPLE), EACH)
    return owners, np.array(["ham", "spam"])[np.arange(owners.size) % 2]


def joined_by(owners, labels, more, label):
    """The night with more accounts, one entry each, of one label; all their rows are theirs."""
    who = np.repeat(np.arange(1000, 1000 + len(more)), more)
    return np.append(owners, who), np.append(labels, [label] * who.size)


def evidence(nats, detector="contributor_excess", family="contributor"):
    """One detector's evidence from row number to nats."""
    rows = sorted(nats)
    return pa.table(
        {
            "row_id": [f"r{row:05d}" for row in rows],
            "detector": [detector] * len(rows),
            "family": [family] * len(rows),
            "llr": [round(nats[row] * MICRO) for row in rows],
            "score": [0.0] * len(rows),
            "flagged": [nats[row] > 0 for row in rows],
            "reason": [""] * len(rows),
        },
        schema=EVIDENCE_SCHEMA,
    )


def judged(said, rows, **policy):
    return decide(said, rows, Decision(**policy), detector_caps={})


def held(decided):
    return decided.verdicts.to_pandas()["verdict"].isin(HELD).to_numpy()


def test_a_night_without_rows_is_decided():
    report = judged(evidence({}), night([], [])).report
    assert sum(report.counts.values()) == 0
    assert report.guards == ()
    assert not report.drift


def test_an_account_that_stands_beside_its_victim_does_not_harm_him():
    owners, labels = honest_night()
    victim = owners == 0
    owners, labels = joined_by(owners, labels, [30] * 3, "spam")
    guilty = dict.fromkeys(range(PEOPLE * EACH, owners.size), 6.0)
    decided = judged(evidence(guilty), night(owners, labels))
    verdicts = decided.verdicts.to_pandas()["verdict"].to_numpy()
    assert (verdicts[: victim.size] == "accepted").all()
    assert held(decided)[PEOPLE * EACH :].all()


def test_the_good_rows_of_a_merged_victim_outweigh_his_company():
    owners, labels = honest_night()
    rows = night(*joined_by(owners, labels, [10], "spam"))
    rows["actor_id"] = rows["actor_id"].where(rows["contributor_id"] != "c1000", "a0")
    said = dict.fromkeys(range(EACH), -2.0)
    said |= dict.fromkeys(range(PEOPLE * EACH, len(rows)), 4.0)
    decided = judged(evidence(said, "micro_models", "micro_models"), rows)
    assert not held(decided)[:EACH].any()


@pytest.mark.parametrize("labels", [1, 2, 200])
@pytest.mark.parametrize("owners", [1, 600])
def test_degenerate_nights_account_for_every_row(labels, owners):
    rows = night(np.arange(600) % owners, [f"l{i % labels}" for i in range(600)])
    decided = judged(evidence(dict.fromkeys(range(600), 7.0)), rows)
    assert sum(decided.report.counts.values()) == 600
    assert held(decided).sum() <= 600 * Decision().max_held_class_share


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 60), st.floats(0, 1))
def test_nobody_shifts_a_night_beyond_its_bound(accounts, each, disputed):
    rng = np.random.default_rng([accounts, each])
    owners, _ = honest_night()
    more = np.repeat(PEOPLE + np.arange(accounts), each)
    llr = np.where(rng.random(owners.size) < 0.06, MICRO, -MICRO)
    theirs = np.where(rng.random(more.size) < disputed, MICRO, -MICRO)
    shift = night_shift(np.append(llr, theirs), np.append(owners, more))
    assert abs(shift) <= LARGEST_SHIFT


def test_a_few_wholly_disputed_accounts_do_not_lower_a_night():
    rng = np.random.default_rng(0)
    owners, _ = honest_night()
    llr = np.where(rng.random(owners.size) < 0.06, MICRO, -MICRO)
    before = night_shift(llr, owners)
    more = np.repeat(PEOPLE + np.arange(10), EACH)
    after = night_shift(np.append(llr, np.full(more.size, MICRO)), np.append(owners, more))
    assert after > before - 0.3


def test_bait_that_convicts_itself_does_not_buy_honest_rows():
    owners, labels = honest_night()
    doubtful = dict.fromkeys(range(0, PEOPLE * EACH, 16), 2.0)
    alone = held(judged(evidence(doubtful), night(owners, labels))).sum()
    more = joined_by(owners, labels, [10] * 8, "spam")
    bait = dict.fromkeys(range(PEOPLE * EACH, more[0].size), 8.0)
    baited = held(judged(evidence(doubtful | bait), night(*more)))[: PEOPLE * EACH].sum()
    assert baited <= alone


def test_verdicts_depend_on_no_order_and_on_no_names():
    rng = np.random.default_rng(7)
    owners, labels = honest_night()
    rows = night(owners, labels)
    nats = {row: float(v) for row, v in enumerate(rng.normal(-1, 2, len(rows)))}
    said = evidence(nats)
    first = judged(said, rows).verdicts
    order = rng.permutation(len(rows))
    assert judged(said.take(pa.array(order[::-1])), rows.iloc[order]).verdicts.equals(first)
    names = {old: hashlib.sha256(old.encode()).hexdigest() for old in rows["row_id"]}
    renamed = said.set_column(
        0, "row_id", pa.array([names[row] for row in said["row_id"].to_pylist()], pa.string())
    )
    other = judged(renamed, rows.assign(row_id=rows["row_id"].map(names))).verdicts.to_pandas()
    other = other.set_index("row_id").loc[list(names.values())]
    assert other["verdict"].tolist() == first["verdict"].to_pylist()
    assert np.abs(other["llr"].to_numpy() - first["llr"].to_numpy()).max() <= 2


def test_flagrant_junk_of_few_accounts_does_not_shield_quiet_poison():
    owners, labels = honest_night()
    junk, quiet = [90] * 4, [10] * 4
    more = joined_by(owners, labels, junk + quiet, "spam")
    first, split = PEOPLE * EACH, PEOPLE * EACH + sum(junk)
    said = dict.fromkeys(range(first, split), 8.0)
    said |= dict.fromkeys(range(split, more[0].size), 5.0)
    assert held(judged(evidence(said), night(*more)))[split:].all()


def test_a_wrong_detector_holds_no_more_of_a_night_than_before():
    owners, labels = honest_night()
    wrong = dict.fromkeys(range(owners.size), 8.0)
    decided = judged(evidence(wrong), night(owners, labels), honest_loss_budget=1)
    assert held(decided).sum() <= owners.size * Decision().max_held_share


def test_few_heavy_actors_lose_at_most_a_quarter_of_a_night():
    owners = np.repeat(np.arange(40), [100] * 4 + [10] * 36)
    labels = np.array(["ham", "spam"])[np.arange(owners.size) % 2]
    heavy = dict.fromkeys(range(400), 8.0)
    assert held(judged(evidence(heavy), night(owners, labels))).sum() <= owners.size // 4


@pytest.mark.parametrize("size", [3, 6])
def test_a_class_that_one_actor_made_up_is_held_whole(size):
    owners, labels = joined_by(*honest_night(), [size], "made up")
    guilty = dict.fromkeys(range(PEOPLE * EACH, owners.size), 7.0)
    assert held(judged(evidence(guilty), night(owners, labels)))[PEOPLE * EACH :].all()


def test_a_few_accounts_with_many_quiet_rows_do_not_make_disputes_rare():
    rng = np.random.default_rng(0)
    owners, _ = honest_night()
    llr = np.where(rng.random(owners.size) < 0.12, MICRO, -MICRO)
    before = night_shift(llr, owners)
    more = np.repeat(PEOPLE + np.arange(2), 3000)
    after = night_shift(np.append(llr, np.full(more.size, -MICRO)), np.append(owners, more))
    assert after < before + 0.2
