"""Bars of a waterfall in text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from foretaste.report.waterfall import waterfall
from foretaste.views.bars import bars

LINES = st.lists(
    st.builds(
        lambda name, llr: {"detector": name, "llr": llr, "reason": "r"},
        st.sampled_from(["outliers", "rules", "micro_models"]),
        st.integers(-9_000_000, 9_000_000),
    )
)


@given(LINES, st.integers(-9_000_000, 9_000_000))
def test_bars_are_aligned_and_each_starts_where_the_last_ended(
    evidence: list[dict[str, object]], prior: int
) -> None:
    steps = waterfall(evidence, prior)
    drawn = bars(steps, width=20)
    label = max(len(step.label) for step in steps)
    start = 2 + label + 1 + 7 + 2
    canvases = [line[start : start + 20] for line in drawn]
    ends = None
    for step, canvas in zip(steps, canvases, strict=True):
        mark = "+" if step.nats > 0 else "-"
        filled = [i for i, sign in enumerate(canvas) if sign == mark]
        assert filled == list(range(filled[0], filled[-1] + 1))
        begin, end = (filled[0], filled[-1]) if step.nats > 0 else (filled[-1], filled[0])
        assert ends is None or begin == ends
        ends = end


def test_no_steps_are_no_lines() -> None:
    assert bars(()) == []
