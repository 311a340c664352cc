import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.core.errors import ContractError, IntegrityError
from foretaste.core.evidence import EVIDENCE_SCHEMA, MICRO
from foretaste.core.fusion import decide
from foretaste.core.policy import Decision
from foretaste.core.verdict import VERDICT_SCHEMA, Account, Outcome
from foretaste.core.waterfall import Waterfall

SEVERITY = {str(o): i for i, o in enumerate(Outcome)}
FAMILIES = {"excess": "contributor", "contributor_shift": "contributor", "votes": "micro_models"}
OPEN = {"max_held_share": 1.0, "max_held_class_share": 1.0, "heavy_contributor_share": 1.0}
"""A policy in which only the costs speak."""


def night(n, *, labels=("ham", "spam"), contributors=None, **columns):
    contributors = contributors or n
    frame = pd.DataFrame(
        {
            "row_id": [f"r{i:05d}" for i in range(n)],
            "contributor_id": [f"c{i % contributors}" for i in range(n)],
            "actor_id": [f"a{i % contributors}" for i in range(n)],
            "label": [labels[i % len(labels)] for i in range(n)],
            "held": pd.Series([None] * n, dtype="str"),
            "prior_llr": np.zeros(n, dtype=np.int64),
            "influence_weight": np.ones(n),
        }
    )
    return frame.assign(**columns)


def lines(*said, family=None):
    """Evidence from (row, detector, nats) triples."""
    return pa.table(
        {
            "row_id": [f"r{row:05d}" for row, _, _ in said],
            "detector": [name for _, name, _ in said],
            "family": [family or FAMILIES.get(name, name) for _, name, _ in said],
            "llr": [round(nats * MICRO) for _, _, nats in said],
            "score": [0.0] * len(said),
            "flagged": [nats > 0 for _, _, nats in said],
            "reason": [f"because {name}" for _, name, _ in said],
        },
        schema=EVIDENCE_SCHEMA,
    )


def judge(evidence, rows, reviewed=None, caps=None, **policy):
    return decide(evidence, rows, Decision(**policy), detector_caps=caps or {}, reviewed=reviewed)


def verdict_of(decided):
    return decided.verdicts.to_pandas().set_index("row_id")


def test_a_quiet_night_accepts_everything_at_full_weight():
    rows = night(40, influence_weight=np.linspace(0.1, 2.0, 40))
    decided = judge(lines(), rows)
    table = verdict_of(decided)
    assert decided.verdicts.schema == VERDICT_SCHEMA
    assert set(table["verdict"]) == {"accepted"}
    assert set(table["code"]) == {""}
    assert table["weight"].tolist() == rows["influence_weight"].tolist()
    assert table["posterior"].to_numpy() == pytest.approx(Decision().prior)
    assert decided.report.guards == ()


@pytest.mark.parametrize(
    ("nats", "outcome", "weight"),
    [
        (0.3, "accepted", 1.0),
        (1.6, "downweighted", 0.3),
        (3, "quarantined", 0),
        (20, "rejected", 0),
    ],
)
def test_the_action_is_the_one_of_least_expected_cost(nats, outcome, weight):
    decided = judge(
        lines((3, "excess", nats)),
        night(40),
        caps={"excess": 20},
        family_caps={"contributor": 20},
        honest_loss_budget=1,
        **OPEN,
    )
    row = verdict_of(decided).loc["r00003"]
    assert row["verdict"] == outcome
    assert row["weight"] == weight
    assert row["posterior"] == pytest.approx(1 / (1 + math.exp(-row["llr"] / MICRO)), abs=1e-6)


def test_caps_bound_a_detector_then_its_family():
    evidence = lines((0, "excess", 9), (0, "contributor_shift", 9), (1, "excess", 9), (2, "x", -50))
    caps = {"excess": 5.0, "contributor_shift": 4.0, "x": 7.0}
    fall = Waterfall.of(evidence, night(4)["row_id"], caps)
    assert fall.fused({"contributor": 6.5}).tolist() == [6_500_000, 5_000_000, -7_000_000, 0]
    assert fall.within("contributor", {"contributor": 6.5}).tolist() == [6_500_000, 5_000_000, 0, 0]


def test_the_three_strongest_reasons_are_shown_strongest_first():
    evidence = lines((0, "a", 1), (0, "b", -3.25), (0, "c", 2), (0, "d", 0.5), (1, "a", 1))
    table = verdict_of(judge(evidence, night(30)))
    assert table["reasons"].iloc[0] == "b -3.2: because b | c +2.0: because c | a +1.0: because a"
    assert table["reasons"].iloc[1] == "a +1.0: because a"
    assert table["reasons"].iloc[2] == ""


def test_rows_that_ingest_held_are_quarantined_under_their_code():
    rows = night(20)
    rows.loc[4, "held"] = "conflict"
    decided = judge(lines((4, "excess", -5)), rows)
    row = verdict_of(decided).loc["r00004"]
    assert (row["verdict"], row["code"], row["weight"]) == ("quarantined", "conflict", 0)
    assert decided.report.expected_honest_lost == 0


def test_a_persons_word_stands_above_evidence_and_budget():
    rows = night(20)
    rows.loc[2, "held"] = "future"
    said = {"r00000": "poison", "r00001": "release", "r00002": "release", "r00003": "downweight"}
    decided = judge(lines((1, "excess", 6)), rows, said, honest_loss_budget=0)
    table = verdict_of(decided)
    assert table["verdict"].iloc[:4].tolist() == [
        "rejected",
        "accepted",
        "accepted",
        "downweighted",
    ]
    assert table["code"].iloc[:4].tolist() == ["review"] * 4
    assert decided.report.expected_honest_lost == 0
    with pytest.raises(ContractError):
        judge(lines(), rows, {"r00000": "perhaps"})


def test_heavy_contributors_are_held_for_a_person_never_rejected():
    rows = night(100, contributor_id=["big"] * 10 + [f"c{i}" for i in range(90)])
    evidence = lines((0, "excess", 9), (50, "excess", 9))
    decided = judge(
        evidence,
        rows,
        caps={"excess": 9},
        family_caps={"contributor": 9},
        heavy_contributor_share=0.05,
    )
    table = verdict_of(decided)
    assert table.loc["r00000", "verdict"] == "quarantined"
    assert table.loc["r00050", "verdict"] == "rejected"
    assert "heavy" in decided.report.guards[0]


def test_no_more_of_a_night_or_of_a_class_is_held_than_the_shares_allow():
    rows = night(200)
    evidence = lines(*((i, "excess", 5 + i / 1000) for i in range(60)))
    shares = {"max_held_share": 0.2, "max_held_class_share": 0.1, "max_held_class_actors": 0.1}
    shares |= {"max_held_actors": 0.1, "honest_loss_budget": 1}
    decided = judge(evidence, rows, **shares)
    table = verdict_of(decided)
    held = table["verdict"].isin(["quarantined", "rejected"])
    assert held.groupby(rows["label"].to_numpy()).sum().tolist() == [10, 10]
    assert held.iloc[40:60].all()
    assert not (table["verdict"].iloc[:40] == "accepted").any()
    assert any("night" in said for said in decided.report.guards)
    assert any("'ham'" in said for said in decided.report.guards)


def test_the_rarest_class_does_not_pay_for_the_others():
    rows = night(1000, label=["rare"] * 100 + ["common"] * 900)
    evidence = lines(*((i, "excess", 2.6) for i in range(20)))
    policy = {"honest_loss_budget": 0.01, "max_prior": 0.0, **OPEN}
    loose = judge(evidence, rows, rare_class_factor=100, **policy)
    tight = judge(evidence, rows, rare_class_factor=2, **policy)
    assert loose.report.counts["quarantined"] > tight.report.counts["quarantined"]
    assert loose.report.expected_honest_lost > 1.0
    assert tight.report.expected_honest_lost <= 1.0
    assert any("rarest" in said for said in tight.report.guards)


def test_an_attack_on_the_rarest_class_alone_is_not_set_free_by_its_guard():
    rows = night(1000, label=["rare"] * 100 + ["common"] * 900)
    evidence = lines(*((i, "excess", 6) for i in range(15)), *((i, "votes", 6) for i in range(15)))
    counts = judge(evidence, rows, heavy_contributor_share=1).report.counts
    assert counts["rejected"] + counts["quarantined"] == 15


def test_a_shift_of_many_is_drift_and_says_so():
    rows = night(100, contributors=10)
    shifted = lines(*((i, "contributor_shift", 6) for i in range(100) if i % 10 < 4))
    decided = judge(shifted, rows, drift_share=0.3, **OPEN)
    assert decided.report.drift
    assert "drift" in decided.report.guards[0]
    assert decided.report.counts["accepted"] == 100
    few = lines(*((i, "contributor_shift", 6) for i in range(100) if i % 10 < 3))
    assert not judge(few, rows, drift_share=0.3, **OPEN).report.drift


def test_evidence_must_fit_the_night():
    with pytest.raises(IntegrityError, match="not there"):
        judge(lines((99, "excess", 1)), night(5))
    with pytest.raises(IntegrityError, match="twice"):
        judge(lines((1, "excess", 1), (1, "excess", 1)), night(5))
    with pytest.raises(IntegrityError, match="twice"):
        judge(lines(), pd.concat([night(5), night(1)], ignore_index=True))


def test_an_empty_night_has_an_empty_table():
    decided = judge(lines(), night(5).iloc[:0])
    assert decided.verdicts.num_rows == 0
    assert decided.verdicts.schema == VERDICT_SCHEMA


DETECTORS = ("excess", "contributor_shift", "votes", "near_duplicates")
said_lines = st.dictionaries(
    st.tuples(st.integers(0, 29), st.sampled_from(DETECTORS)),
    st.integers(-9_000_000, 9_000_000).map(lambda micro: micro / MICRO),
    max_size=60,
)


def as_lines(said):
    return lines(*((row, name, nats) for (row, name), nats in said.items()))


@settings(max_examples=60, deadline=None)
@given(said_lines, st.integers(0, 2**32 - 1), st.floats(0, 0.2), st.integers(0, 5))
def test_every_row_is_judged_once_within_budget_in_any_order(said, seed, budget, held):
    rows = night(30, contributors=7, labels=("a", "b", "b", "c", "c", "c"))
    rows.loc[: held - 1, "held"] = "conflict"
    policy = {"honest_loss_budget": budget, "heavy_contributor_share": 0.2, "max_prior": 0.0}
    decided = judge(as_lines(said), rows, **policy)
    report = decided.report
    assert decided.verdicts["row_id"].to_pylist() == rows["row_id"].tolist()
    Account.of(len(rows), report.counts).check()
    table = verdict_of(decided)
    by_evidence = table["verdict"].isin(["quarantined", "rejected"]) & (table["code"] == "evidence")
    lost = (1 - table["posterior"])[by_evidence].sum()
    assert report.expected_honest_lost == pytest.approx(lost, abs=1e-6)
    assert lost <= report.budget_rows + 1e-6
    assert by_evidence.sum() <= max(1, 0.1 * 30)
    full = table["evidence_weight"] == 1
    assert (table["verdict"] == "accepted").equals(full)
    generator = np.random.default_rng(seed)
    shuffled_lines = as_lines(said).take(generator.permutation(len(said)))
    shuffled = judge(shuffled_lines, rows.sample(frac=1, random_state=seed), **policy)
    assert shuffled.verdicts.equals(decided.verdicts)
    assert shuffled.report == report


@settings(max_examples=60, deadline=None)
@given(said_lines, st.integers(0, 29), st.floats(0, 9))
def test_more_evidence_never_makes_a_verdict_milder(said, row, more):
    policy = {"drift_share": 1.0}
    before = judge(as_lines(said), night(30, contributors=7), **policy)
    told = {**said, (row, "votes"): min(9.0, said.get((row, "votes"), 0.0) + more)}
    after = judge(as_lines(told), night(30, contributors=7), **policy)
    severity = [SEVERITY[d.verdicts["verdict"][row].as_py()] for d in (before, after)]
    assert severity[1] >= severity[0]
    assert after.verdicts["llr"][row].as_py() >= before.verdicts["llr"][row].as_py()


@settings(max_examples=40, deadline=None)
@given(said_lines)
def test_abstaining_adds_exactly_nothing(said):
    spoken = {key: nats for key, nats in said.items() if nats != 0}
    silent = {(row, "abstainer"): 0.0 for row in range(30)}
    with_silence = judge(as_lines({**spoken, **silent}), night(30))
    assert with_silence.verdicts.equals(judge(as_lines(spoken), night(30)).verdicts)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-3_000_000, 3_000_000), max_size=12))
def test_the_sum_is_exact_in_micro_nats(said):
    evidence = lines(*((0, f"d{i}", micro / MICRO) for i, micro in enumerate(said)), family="f")
    at_once = lines((0, "d", sum(said) / MICRO), family="f")
    caps = {"d": 100.0}
    whole, parts = (
        judge(e, night(30), caps=caps, prior=0.5, family_caps={"f": 100.0}).verdicts["llr"][0]
        for e in (at_once, evidence)
    )
    assert whole == parts


@pytest.mark.parametrize(("behaviour", "counts"), [(0.5, False), (-0.5, True), (None, True)])
def test_a_good_record_is_no_alibi_for_bad_behaviour(behaviour, counts):
    said = [(0, "votes", 1)] + ([] if behaviour is None else [(0, "excess", behaviour)])
    good = night(40, prior_llr=np.full(40, -MICRO))
    with_record = verdict_of(judge(lines(*said), good))["llr"].iloc[0]
    without = verdict_of(judge(lines(*said), night(40)))["llr"].iloc[0]
    assert with_record == without - (MICRO if counts else 0)


def campaign():
    """Four of eighty actors send most of a class, and everything speaks against them."""
    who = [f"bad{i % 4}" for i in range(120)] + [f"c{i % 76}" for i in range(1400)]
    label = ["spam"] * 120 + ["spam" if i < 180 else "ham" for i in range(1400)]
    rows = night(1520, contributor_id=who, actor_id=who, label=label)
    said = [(i, name, 6) for i in range(120) for name in ("excess", "votes")]
    return judge(lines(*said), rows, heavy_contributor_share=1)


def test_few_actors_who_flood_a_class_are_held_beyond_the_class_share():
    decided = campaign()
    held = verdict_of(decided)["verdict"].isin(["quarantined", "rejected"])
    assert held.iloc[:120].all()
    assert not held.iloc[120:].any()


def test_many_actors_are_held_no_further_than_the_class_share():
    rows = night(1520, label=["spam"] * 300 + ["ham"] * 1220)
    said = [(i, name, 6) for i in range(120) for name in ("excess", "votes")]
    decided = judge(lines(*said), rows, heavy_contributor_share=1)
    held = verdict_of(decided)["verdict"].isin(["quarantined", "rejected"])
    assert held.sum() == 60


def test_never_is_more_than_half_of_a_class_held_without_a_person():
    who = [f"bad{i % 2}" for i in range(120)] + [f"c{i % 76}" for i in range(1400)]
    label = ["spam"] * 180 + ["ham"] * 1340
    rows = night(1520, contributor_id=who, actor_id=who, label=label)
    said = [(i, name, 6) for i in range(120) for name in ("excess", "votes")]
    held = verdict_of(judge(lines(*said), rows, heavy_contributor_share=1))["verdict"].isin(
        ["quarantined", "rejected"]
    )
    assert held.sum() == 90


def test_silence_of_the_behaviour_detectors_is_made_up_for_by_the_other_rows():
    who = ["quiet"] * 12 + [f"c{i % 40}" for i in range(400)]
    rows = night(412, contributor_id=who, actor_id=who)
    alone = judge(lines((0, "micro_models", 2.5)), rows)
    among = judge(lines(*((i, "micro_models", 2.5) for i in range(12))), rows)
    assert alone.verdicts["llr"][0].as_py() < among.verdicts["llr"][0].as_py()
    assert alone.verdicts["verdict"][0].as_py() == "downweighted"
    assert among.verdicts["verdict"][0].as_py() in ("quarantined", "rejected")


def test_honest_looking_rows_of_somebody_caught_are_not_held():
    who = ["caught"] * 20 + [f"c{i % 40}" for i in range(400)]
    rows = night(420, labels=("ham",), contributor_id=who, actor_id=who)
    said = [(i, "excess", 3) for i in range(20)]
    said += [(i, "votes", 3 if i < 12 else -3) for i in range(20)]
    table = verdict_of(judge(lines(*said), rows, heavy_contributor_share=1))
    held = table["verdict"].isin(["quarantined", "rejected"])
    assert held.iloc[:12].all()
    assert not held.iloc[12:].any()


def test_a_bad_record_does_not_add_to_what_tonight_says_of_the_sender():
    said = lines((0, "excess", 5), (0, "votes", 1))
    bad = judge(said, night(40, prior_llr=np.full(40, 2 * MICRO))).verdicts["llr"]
    unknown = judge(said, night(40)).verdicts["llr"]
    assert bad[0] == unknown[0]
    assert bad[1].as_py() > unknown[1].as_py()


def test_a_night_full_of_sure_poison_is_not_released_by_its_own_budget():
    rows = night(1000, labels=("a", "b", "c"))
    said = lines(*((i, name, 4.5) for i in range(80) for name in ("votes", "near_duplicates")))
    known = judge(said, rows).report
    blind = judge(said, rows, max_prior=0.0).report
    assert known.released_by_budget < blind.released_by_budget
    assert known.counts["quarantined"] + known.counts["rejected"] == 80


def test_a_refuted_detector_accuses_more_quietly_and_speaks_for_rows_as_before():
    said = lines((0, "votes", 4.0), (1, "votes", -2.0))
    heard = Waterfall.of(said, night(2)["row_id"], {}, {"votes": 0.25})
    assert heard.fused({}).tolist() == [MICRO, -2 * MICRO]


def test_a_ring_of_one_actor_is_no_drift():
    rows = night(100, actor_id=["ring"] * 40 + [f"a{i}" for i in range(60)])
    said = lines(*((i, "contributor_shift", 5.0) for i in range(40)))
    assert not judge(said, rows).report.drift
    assert judge(said, night(100)).report.drift


def test_marks_of_detectors_that_only_accuse_do_not_add_up_over_a_senders_rows():
    said = [(row, "crowd", -0.5 if row % 20 else 0.3) for row in range(2000)]
    said += [(row, "outliers", 2.5) for row in range(1, 2000, 400)]
    evidence = pa.concat_tables(
        [lines(*said[:2000], family="contributor"), lines(*said[2000:], family="rows")]
    )
    table = verdict_of(judge(evidence, night(2000, contributors=20)))
    marked = table["reasons"].str.contains("outliers")
    blamed = table["reasons"].str.contains("crowd \\+")
    assert table.loc[~marked & ~blamed, "llr"].max() < table.loc[blamed, "llr"].min()


def test_company_adds_to_what_behaviour_says_for_a_sender():
    rows = night(400, contributors=20)
    mine = list(range(3, 400, 20))
    votes = [(row, "micro_models", 1.5 if row in mine else -1.0) for row in range(400)]
    unknown = verdict_of(judge(lines(*votes), rows))["llr"]
    cleared = verdict_of(judge(lines(*votes, *((row, "excess", -1.0) for row in mine)), rows))
    assert (cleared["llr"].iloc[mine] < unknown.iloc[mine]).all()
    assert cleared["llr"].drop(cleared.index[mine]).max() < cleared["llr"].iloc[mine].min()
