from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from expectations.raw import check_raw
from tests.expectations.nights import AS_OF, POLICY, SCHEMA, File, contributions, failed, rejects


def judge(rows=None, bad=None, files=(), policy=POLICY):
    rows = contributions() if rows is None else rows
    return check_raw(rows, rejects() if bad is None else bad, files, policy, as_of=AS_OF)


def swapped(name, position, value):
    """A good night with one value replaced."""
    column = contributions()[name].to_pylist()
    column[position] = value
    return contributions(**{name: column})


def test_a_good_night_passes_with_everything_evaluated():
    report = judge(files=[File("ingested")])
    assert report.ok
    assert failed(report) == set()
    assert report.evaluated == report.expected == len(report.results)


CASES = {
    "rows": {"rows": contributions(19)},
    "reject_share": {"bad": rejects(11)},
    "bad_file_share": {"files": [File("set_aside"), File("set_aside"), File("ingested")]},
    "missing_columns": {"rows": contributions().drop_columns(["item_id"])},
    "mistyped_columns": {
        "rows": contributions().set_column(
            SCHEMA.get_field_index("source_row"),
            pa.field("source_row", pa.string()),
            pa.array(["1"] * 40),
        )
    },
    "repeated_row_ids": {"rows": swapped("row_id", 1, f"r{0:032x}")},
    "empty_row_id": {"rows": swapped("row_id", 1, "")},
    "empty_contribution_id": {"rows": swapped("contribution_id", 1, None)},
    "empty_contributor_id": {"rows": swapped("contributor_id", 1, None)},
    "empty_label": {"rows": swapped("label", 1, None)},
    "unknown_tiers": {"rows": swapped("tier", 1, "root")},
    "unknown_labels": {"rows": swapped("label", 1, "<script>alert(1)</script>")},
    "empty_contributed_at": {"rows": swapped("contributed_at", 1, None)},
    "times_before_1971": {"rows": swapped("contributed_at", 1, AS_OF.replace(year=1970))},
    "times_in_the_future": {
        "rows": swapped("contributed_at", 1, AS_OF + timedelta(hours=1, seconds=1))
    },
    "values_not_finite": {"rows": swapped("f_size", 1, np.inf)},
    "sample_row_ids": {"rows": swapped("row_id", 1, f"r{0:032x}")},
    "sample_columns": {"rows": contributions().drop_columns(["source"])},
    "sample_pseudonyms": {"rows": swapped("contributor_id", 1, "alice@example.org")},
    "sample_tiers": {"rows": swapped("tier", 1, "root")},
    "sample_row_id_present": {"rows": swapped("row_id", 1, None)},
    "sample_contribution_id_present": {"rows": swapped("contribution_id", 1, None)},
    "sample_contributor_id_present": {"rows": swapped("contributor_id", 1, None)},
    "sample_label_present": {"rows": swapped("label", 1, None)},
    "sample_tier_present": {"rows": swapped("tier", 1, None)},
    "sample_contributed_at_present": {"rows": swapped("contributed_at", 1, None)},
}


@pytest.mark.parametrize("name", CASES)
def test_each_fault_fails_its_expectation(name):
    report = judge(**CASES[name])
    assert name in failed(report)
    assert not report.ok


def test_every_critical_expectation_has_a_fault_made_for_it():
    names = {r.name for r in judge().results if r.severity == "critical"}
    classes = {"classes"}  # test_an_attacker_may_not_grow_the_model
    stated = {"sample_rows"}  # holds by construction, it guards the sampling itself
    assert names - classes - stated == set(CASES)


def test_an_attacker_may_not_grow_the_model():
    policy = POLICY.model_copy(
        update={"label": POLICY.label.model_copy(update={"values": None, "max_classes": 5})}
    )
    report = judge(contributions(label=[f"class {i}" for i in range(40)]), policy=policy)
    assert failed(report) == {"classes"}


def test_a_silent_feature_is_only_a_warning():
    report = judge(contributions(f_size=[None] * 40))
    assert failed(report) == {"silent_features"}
    assert report.ok


def test_repeated_rows_are_not_malformed():
    assert judge(bad=rejects(100, code="duplicate")).ok


def test_held_rows_may_come_from_the_future():
    held = [None] * 39 + ["future"]
    late = [*[AS_OF] * 39, AS_OF + timedelta(days=9)]
    assert judge(contributions(contributed_at=late, held=held)).ok


def test_an_empty_night_is_held_for_its_volume_alone():
    report = judge(contributions(0))
    assert failed(report) == {"rows"}
    assert report.evaluated == report.expected


def test_a_column_of_another_type_is_reported_not_raised():
    rows = contributions()
    texts = pa.array(["x"] * rows.num_rows)
    position = rows.column_names.index
    for name in ("f_size", "contributed_at"):
        rows = rows.set_column(position(name), name, texts)
    assert {"mistyped_columns", "values_not_finite", "times_in_the_future"} <= failed(judge(rows))


def test_contributed_values_never_appear_in_the_report():
    canary = "<img src=x onerror=alert('canary')>"
    rows = contributions(
        label=[canary] * 40,
        tier=[canary] * 40,
        contributor_id=[canary] * 40,
        contribution_id=[canary] * 40,
        row_id=[canary] * 40,
    )
    report = judge(rows)
    assert not report.ok
    assert "canary" not in str(report.to_json())


def test_the_sample_is_the_same_whenever_it_is_drawn():
    rows = contributions(12_000, contributor_id=["alice"] * 12 + [f"c{0:016x}"] * 11_988)
    first, second = judge(rows), judge(rows)
    assert first == second
    sampled = next(r for r in first.results if r.name == "sample_rows")
    assert sampled.observed == "10000"
