from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from foretaste.report import RunReport, reliability_lines, render_html
from foretaste.report.reliability import binned
from tests.report.nights import full


def verdicts(*rows):
    names = ("code", "verdict", "posterior")
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    types = (pa.string(), pa.string(), pa.float64())
    return pa.table({n: pa.array(c, t) for n, c, t in zip(names, columns, types, strict=True)})


def of(source, lines):
    return [line for line in lines if line.source == source]


def test_on_drills_of_other_attacks_a_posterior_is_what_it_says():
    drills = of("drills", reliability_lines(verdicts()))
    assert sum(line.share for line in drills) == pytest.approx(1, abs=1e-4)
    assert all(a.observed < b.observed for a, b in pairwise(drills))
    for line in drills:
        assert line.observed == pytest.approx(line.expected, abs=0.04)


def test_only_rows_that_a_person_found_good_or_poisoned_are_observed():
    lines = reliability_lines(
        verdicts(
            ("review", "rejected", 0.6),
            ("review", "accepted", 0.7),
            ("review", "downweighted", 0.6),
            ("evidence", "rejected", 0.99),
        )
    )
    (seen,) = of("reviews", lines)
    assert (seen.expected, seen.observed, seen.share) == pytest.approx((0.65, 0.5, 1.0))


def test_bins_keep_every_row():
    posterior = np.array([0.0, 0.01, 0.5, 1.0])
    lines = binned("reviews", posterior, np.array([0.0, 1, 1, 1]), np.ones(4))
    assert [line.share for line in lines] == [0.5, 0.25, 0.25]
    assert [line.observed for line in lines] == [0.5, 1.0, 1.0]


def test_the_page_shows_what_posteriors_were_worth_and_the_json_keeps_it():
    report = full(reliability=reliability_lines(verdicts(("review", "rejected", 0.6))))
    assert RunReport.from_json(report.to_json()).reliability == report.reliability
    page = render_html(report)
    assert "Expected and observed share of poison" in page
    assert "Expected and observed share of poison" not in render_html(full())
