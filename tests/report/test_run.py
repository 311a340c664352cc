import json
import math
from dataclasses import replace

import numpy as np
import pytest

from foretaste.report import DetectorLine, RunReport
from tests.report.nights import empty, full
from tests.report.payloads import PAYLOADS


def through_json(report):
    return RunReport.from_json(json.loads(json.dumps(report.to_json(), allow_nan=False)))


@pytest.mark.parametrize("report", [full(), empty()], ids=["full", "empty"])
def test_a_report_survives_json(report):
    assert through_json(report) == report


@pytest.mark.parametrize("payload", PAYLOADS)
def test_json_keeps_hostile_texts_as_they_are(payload):
    assert through_json(full(payload)) == full(payload)


def test_what_is_not_finite_becomes_null_and_numpy_becomes_plain():
    report = replace(
        full(),
        metrics={"accuracy": np.float64(0.5), "log_loss": math.inf, "ece": np.float32("nan")},
        detectors=(DetectorLine("d", "f", "spoke", flagged=np.int64(3), against=np.nan),),
    )
    said = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert said["metrics"] == {"accuracy": 0.5, "log_loss": None, "ece": None}
    assert said["detectors"][0]["flagged"] == 3
    assert said["detectors"][0]["against"] is None


def test_a_report_of_another_schema_is_refused():
    with pytest.raises(ValueError, match="schema 2"):
        RunReport.from_json({**full().to_json(), "schema_version": 2})
