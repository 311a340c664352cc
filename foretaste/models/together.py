"""Several small losses that no test alone is sure of.

Poison seldom costs one measure alone: the metric falls a little, probabilities get worse,
attacks work a little better. The mean of the measures, each in its own standard errors,
hears that (the OLS statistic of O'Brien 1984 for several endpoints). How far training
alone moves that mean is seen on twins, so that measures which move together count as what
they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from foretaste.core.gate import Gate
from foretaste.core.policy import Gates
from foretaste.models.churn import not_measured
from foretaste.models.family import Test
from foretaste.models.measure import Drawn
from foretaste.models.noise import Moved

NAME: Final = "together"
_STILL: Final = 1e-12

Part = tuple[Moved, float]
"""A measure, and its least value that is tolerated, at most 0."""


def together(parts: Sequence[Part], limits: Gates) -> Iterator[Gate | Test]:
    """Ask whether measures fell on the whole; nothing where there are not two.

    What neither sample nor training moves has no standard error and is left out.
    """
    if len(parts) < 2:
        return
    known = {len(part.twins) for part, _ in parts}
    if 0 in known or len(known) > 1:
        yield not_measured(NAME, "how far training alone moves all measures was not measured")
        return
    found = _mean([_standardised(*part) for part in parts if part[0].spread > _STILL])
    yield Test(
        name=NAME,
        seen=found.drawn.interval(limits.alpha),
        p_value=found.below(),
        threshold=f">= 0, or not surely below; noise {found.noise:.2f}",
        meaning=(
            f"mean of {len(parts)} measures against the champion's, each in standard errors: "
            f"metric, Brier score, pull of attacks; retraining alone moves it by {found.noise:.2f}"
        ),
        action="keep the champion; `foretaste bisect` looks for who is behind it",
        whole=True,
    )


def _standardised(part: Moved, least: float) -> Moved:
    """Express a measure, above what is tolerated, in its own standard errors."""
    size = part.spread
    drawn = Drawn((part.drawn.value - least) / size, (part.drawn.resampled - least) / size)
    return Moved(drawn, tuple(twin / size for twin in part.twins))


def _mean(parts: Sequence[Moved]) -> Moved:
    """Average measures; 0 of none."""
    if not parts:
        return Moved(Drawn(0.0, np.zeros(1)), ())
    value = float(np.mean([part.drawn.value for part in parts]))
    drawn = np.asarray(np.mean([part.drawn.resampled for part in parts], axis=0))
    twins = np.mean([part.twins for part in parts], axis=0)
    return Moved(Drawn(value, drawn), tuple(map(float, twins)))
