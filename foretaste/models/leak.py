"""Keep golden rows out of training: by id, and by content that is nearly the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.contract import FEATURE_PREFIX

_TELLS_APART: Final = 0.5
"""Share of golden rows whose content must be their own: coarser content (two yes/no
columns) names no row, and would drop half of an honest corpus."""
_LEAST_LETTERS: Final = 12


@dataclass(frozen=True, slots=True)
class Leaks:
    """Accepted rows that must not be trained on.

    Parameters
    ----------
    row_ids
        Sorted.
    by_id, by_content
        How many share an id with a golden row, and how many only its content.
    """

    row_ids: tuple[str, ...]
    by_id: int
    by_content: int


def golden_leaks(golden: pd.DataFrame, accepted: pd.DataFrame) -> Leaks:
    """Find accepted rows that are also in the golden set.

    Ids are compared by the strongest identity that the golden set carries: ``row_id``,
    else contributor with contribution id, else contribution id alone. Contents are equal
    when texts are, letters only and without case, accents' encoding, digits or
    punctuation; where a golden row has no such text, when all its features agree to about a
    thousandth of the golden set's spread.
    """
    same = _ids(accepted, golden).isin(_ids(golden, golden)).to_numpy()
    texts = _text_keys(golden)
    features = _feature_keys(golden, golden).where(texts.isna())
    alike = _shared(_text_keys(accepted), texts)
    alike |= _shared(_feature_keys(accepted, golden), features)
    found = accepted["row_id"].to_numpy(object)[same | alike]
    return Leaks(tuple(sorted(map(str, found))), int(same.sum()), int((alike & ~same).sum()))


def _shared(keys: pd.Series, trusted: pd.Series) -> np.ndarray:
    named = trusted.dropna()
    if named.nunique() < _TELLS_APART * len(named):
        return np.zeros(len(keys), dtype=bool)
    found: np.ndarray = (keys.isin(named) & keys.notna()).to_numpy(bool)
    return found


def _ids(rows: pd.DataFrame, golden: pd.DataFrame) -> pd.Series:
    for names in (["row_id"], ["contributor_id", "contribution_id"], ["contribution_id"]):
        if set(names) <= set(golden.columns):
            return pd.Series(list(rows[names].astype(str).itertuples(index=False, name=None)))
    return pd.Series([None] * len(rows), dtype=object)


def _text_keys(rows: pd.DataFrame) -> pd.Series:
    """Hash of the letters of a text; missing where there are too few to name a row."""
    if "text" not in rows.columns:
        return pd.Series([pd.NA] * len(rows), dtype="UInt64")
    texts = pa.array(rows["text"].fillna("").astype(str), pa.large_string())
    plain = pc.utf8_lower(pc.utf8_normalize(texts, "NFKC"))
    letters = pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, r"[^\pL]+", " "))
    enough = pc.utf8_length(letters).to_numpy(zero_copy_only=False) >= _LEAST_LETTERS
    hashes = pd.util.hash_array(letters.to_numpy(zero_copy_only=False))
    return pd.Series(hashes, dtype="UInt64").where(enough)


def _feature_keys(rows: pd.DataFrame, golden: pd.DataFrame) -> pd.Series:
    """Hash of the features on the golden set's own scale."""
    names = [c for c in golden.columns if str(c).startswith(FEATURE_PREFIX)]
    if not names or not set(names) <= set(rows.columns):
        return pd.Series([pd.NA] * len(rows), dtype="UInt64")
    spread = np.nan_to_num(golden[names].std().to_numpy(np.float64))
    scaled = rows[names].to_numpy(np.float64) / np.where(spread > 0, spread, 1.0)
    rounded = np.nan_to_num(np.round(scaled, 3), nan=np.inf) + 0.0
    hashes = pd.util.hash_pandas_object(pd.DataFrame(rounded), index=False)
    return pd.Series(hashes.to_numpy(), dtype="UInt64")
