import math

import pytest

from expectations.metrics import check_metrics
from tests.expectations.nights import failed

GOOD = {
    "accuracy": 0.9,
    "balanced_accuracy": 0.88,
    "f1_macro": 0.87,
    "log_loss": 0.3,
    "ece": 0.04,
    "rows": 200.0,
    "auc": 0.95,
}


def test_good_metrics_pass():
    report = check_metrics(GOOD)
    assert report.ok
    assert report.evaluated == report.expected == 7


@pytest.mark.parametrize(
    ("name", "value", "fails"),
    [
        ("accuracy", 1.01, "accuracy"),
        ("balanced_accuracy", -0.1, "balanced_accuracy"),
        ("f1_macro", math.nan, "f1_macro"),
        ("ece", None, "ece"),
        ("log_loss", math.inf, "log_loss"),
        ("log_loss", 35.0, "log_loss"),
        ("rows", 29.0, "golden_rows"),
        ("auc", math.inf, "other_0"),
    ],
)
def test_each_impossible_metric_fails(name, value, fails):
    report = check_metrics({**GOOD, name: value})
    assert failed(report) == {fails}
    assert not report.ok


def test_nothing_measured_is_a_failure():
    assert not check_metrics({}).ok
