"""Tables in markdown that read in a terminal, too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def table(frame: pd.DataFrame) -> str:
    """Lay a frame of numbers out behind its index."""
    named = frame.reset_index()
    heads = [str(name).replace("_", " ") for name in named.columns]
    return markdown(heads, [[cell(value) for value in row] for row in named.to_numpy(object)])


def cell(value: object) -> str:
    """Write a value: three decimals, nothing where there is none, spaces in names."""
    if not isinstance(value, float):
        return str(value).replace("_", " ")
    return "" if np.isnan(value) else f"{value:.3f}"


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay a table out, its columns padded."""
    widths = [max(len(str(row[i])) for row in [heads, *rows]) for i in range(len(heads))]
    ruled = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(f"{cell!s:<{w}}" for cell, w in zip(row, widths, strict=True)) + " |"
        for row in ruled
    )
