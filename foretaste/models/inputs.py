"""Which columns a model reads, and what it may assume about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from foretaste.core.contract import FEATURE_PREFIX
from foretaste.core.errors import ContractError

TEXT_SHARE: Final = 0.05
"""Share of rows that must carry text before a model reads it: a single row with text
must not let its sender choose the kind of model."""

_FAR: Final = 1e150
"""Values beyond are brought to it: sums of two would overflow."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The columns a model was trained on; it is never shown any other.

    Parameters
    ----------
    text
        Whether it reads ``text``.
    features
        Names of the numeric columns, ``f_`` included, in the order of training.
    """

    text: bool
    features: tuple[str, ...]

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Inputs:
        """Choose the inputs from the columns: text where rows carry it, and every ``f_*``."""
        texts = rows["text"].notna().mean() if "text" in rows.columns and len(rows) else 0.0
        return cls(
            text=bool(texts >= TEXT_SHARE),
            features=tuple(c for c in rows.columns if str(c).startswith(FEATURE_PREFIX)),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns, in the order of ``frame``."""
        return (*(("text",) if self.text else ()), *self.features)

    def frame(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Give the model's view of ``rows``: text never missing, features finite or NaN.

        Raises
        ------
        ContractError
            If a column that the model was trained on is not there.
        """
        missing = [c for c in self.columns if c not in rows.columns]
        if missing:
            raise ContractError(
                f"the model reads columns that are not there: {', '.join(missing[:5])}",
                hint="give the set the columns that the policy maps, or train a new model",
            )
        values = rows.loc[:, list(self.features)].to_numpy(np.float64, na_value=np.nan, copy=True)
        values[~np.isfinite(values)] = np.nan
        np.clip(values, -_FAR, _FAR, out=values)
        view = pd.DataFrame(values, columns=list(self.features), index=rows.index)
        if self.text:
            view.insert(0, "text", rows["text"].fillna("").astype(object))
        return view
