import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.core.evidence import MICRO
from foretaste.report import waterfall, waterfall_svg


def line(detector, nats, reason=""):
    return {"detector": detector, "llr": round(nats * MICRO), "reason": reason}


def test_the_strongest_evidence_comes_first_after_the_prior():
    steps = waterfall([line("a", 1.5), line("b", -4.0), line("c", 2.0)], prior=-4_595_120)
    assert [s.label for s in steps] == ["prior", "b", "c", "a"]
    assert [s.cumulative for s in steps] == pytest.approx([-4.59512, -8.59512, -6.59512, -5.09512])


def test_what_caps_took_is_a_step_of_its_own():
    steps = waterfall([line("a", 5), line("b", 5)], prior=-MICRO, total=7 * MICRO)
    assert steps[-1].label == "caps, company and calibration"
    assert steps[-1].nats == -2
    assert steps[-1].cumulative == 7
    assert len(waterfall([line("a", 5)], prior=-MICRO, total=4 * MICRO)) == 2


@given(
    st.lists(st.integers(-(10**7), 10**7), max_size=12),
    st.integers(-(10**7), 10**7),
    st.integers(-(10**8), 10**8),
)
def test_the_steps_lead_to_the_verdicts_sum(llrs, prior, total):
    lines = [{"detector": f"d{i}", "llr": llr, "reason": ""} for i, llr in enumerate(llrs)]
    steps = waterfall(lines, prior, total)
    assert steps[-1].cumulative == total / MICRO
    assert sum(s.nats for s in steps) == pytest.approx(total / MICRO)
    assert waterfall(reversed(lines), prior, total) == steps


def test_the_picture_holds_every_step_and_no_markup_of_theirs():
    steps = waterfall([line("</svg><script>", 3, "a\u202eb")], prior=-2 * MICRO)
    svg = waterfall_svg(steps)
    assert steps[1].reason == "a⟦U+202E⟧b"
    assert "&lt;/svg&gt;&lt;script&gt;" in svg
    assert "<script" not in svg
    assert "+3.00" in svg
    assert "-2.00" in svg
    assert svg == waterfall_svg(steps)
