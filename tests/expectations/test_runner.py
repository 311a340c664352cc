import json
import math
import subprocess
import sys

import pandas as pd
import pytest

from expectations.runner import run_suite
from expectations.suite import SAMPLE, Check, Measure, Severity, SuiteReport, none_of
from tests.expectations.nights import failed


def check(kind, name="it", column="x", severity=Severity.CRITICAL, **arguments):
    return Check(name, kind, {"column": column, **arguments}, "", "", severity)


def judge(*checks, frame=None):
    frame = pd.DataFrame({"x": ["a", "b"]}) if frame is None else frame
    return run_suite("test", [Measure("one", 1, "")], checks, {SAMPLE: frame})


@pytest.mark.parametrize(
    ("value", "low", "high", "passes"),
    [
        (1, None, None, True),
        (1, 1, 1, True),
        (0.999, 1, None, False),
        (1.001, None, 1, False),
        (math.nan, None, None, False),
        (math.inf, 0, None, False),
        (-math.inf, None, 0, False),
    ],
)
def test_a_measure_passes_when_finite_and_within_its_bounds(value, low, high, passes):
    report = run_suite("test", [Measure("it", value, "", low, high)])
    assert report.ok is passes
    assert report.evaluated == report.expected == 1


def test_a_failed_warning_leaves_the_suite_ok():
    report = run_suite("test", [none_of("it", 1, "", Severity.WARNING), none_of("other", 0, "")])
    assert failed(report) == {"it"}
    assert report.ok
    assert [r.name for r in report.failed(Severity.WARNING)] == ["it"]


def test_a_check_that_cannot_be_evaluated_fails_the_suite_even_as_a_warning():
    report = judge(check("ExpectColumnValuesToNotBeNull", column="nope", severity=Severity.WARNING))
    assert report.evaluated == report.expected - 1
    assert not report.ok
    assert report.results[-1].observed == "could not be evaluated"


def test_a_suite_that_evaluated_less_than_it_holds_is_a_failure():
    assert not SuiteReport("test", (), evaluated=2, expected=3).ok
    assert not SuiteReport("test", (), evaluated=0, expected=0).ok


def test_a_misspelt_expectation_or_argument_is_not_dropped():
    with pytest.raises(AttributeError):
        judge(check("ExpectColumnValuesToBeNotNull"))
    with pytest.raises(ValueError, match="value_sett"):
        judge(check("ExpectColumnValuesToBeInSet", value_set=["a"], value_sett=["b"]))


def test_checks_that_would_shadow_each_other_are_refused():
    with pytest.raises(ValueError, match="two checks"):
        run_suite("test", [Measure("one", 1, ""), Measure("one", 1, "")])
    with pytest.raises(ValueError, match="not there"):
        run_suite("test", [], [check("ExpectColumnValuesToNotBeNull")])


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert('canary')</script>",
        "canary\u202egnp.exe",
        "{{ canary }}",
        "$canary",
        "canary" * 100_000,
        "=cmd|'canary'!A1",
        "canary\x00\x1b[31m",
    ],
)
def test_hostile_values_are_counted_and_never_repeated(hostile):
    frame = pd.DataFrame({"x": [hostile] * 30})
    report = judge(
        check("ExpectColumnValuesToBeInSet", value_set=["a"]),
        check("ExpectColumnDistinctValuesToBeInSet", name="distinct", value_set=["a"]),
        frame=frame,
    )
    assert failed(report) == {"it", "distinct"}
    said = json.dumps(report.to_json(), allow_nan=False)
    assert "canary" not in said
    assert "30 of 30 unexpected" in said
    assert len(said) < 2_000


def test_a_long_note_is_cut():
    report = run_suite("test", [Measure("it", 1, "", note="column " * 1_000)])
    assert len(report.results[0].observed) == 120


_CHILD = """
import sys
import os
os.environ["GX_ANALYTICS_ENABLED"] = "true"
spoke = []
watched = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo")
sys.addaudithook(lambda event, _: spoke.append(event) if event in watched else None)
from expectations.metrics import check_metrics
print(check_metrics({"rows": 5.0}).expected)
import great_expectations as gx
context = gx.get_context(mode="ephemeral")
assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
assert not spoke, spoke
"""


def test_nothing_is_sent_and_nothing_is_drawn(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", _CHILD], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "6\n"
    assert ended.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_importing_the_room_costs_no_great_expectations():
    child = "import sys, expectations.raw, expectations.accepted, expectations.metrics;"
    child += "sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", child], check=False).returncode == 0
