"""Golden rows never reach training, under any name."""

from __future__ import annotations

import numpy as np
import pandas as pd

from foretaste.models.leak import golden_leaks
from tests.models.worlds import mail, numeric


def test_disjoint_sets_leak_nothing() -> None:
    assert golden_leaks(mail(200, 1), mail(200, 2)).row_ids == ()
    assert golden_leaks(numeric(200, 1), numeric(200, 2)).row_ids == ()


def test_the_same_row_is_found_by_its_id() -> None:
    accepted = mail(100, 3)
    golden = accepted.iloc[[5, 7]].assign(text=["all of this was", "written anew today"])
    found = golden_leaks(golden, accepted)
    assert found.row_ids == tuple(accepted["row_id"].iloc[[5, 7]])
    assert (found.by_id, found.by_content) == (2, 0)


def test_the_same_number_under_another_contributor_is_another_row() -> None:
    golden = mail(50, 4).drop(columns="row_id")
    assert golden_leaks(golden, mail(50, 5)).row_ids == ()


def test_without_contributors_the_contribution_id_decides() -> None:
    golden = mail(3, 4)[["contribution_id", "text", "label"]]
    assert golden_leaks(golden, mail(50, 5)).by_id == 3


def test_a_copied_text_is_found_in_other_clothes() -> None:
    accepted, golden = mail(100, 6), mail(50, 7)
    # Full-width letters, capitals, digits and punctuation of its own.
    copy = "".join(chr(ord(c) + 0xFEE0) if c in "aeiou" else c for c in golden["text"].iloc[9])
    accepted.loc[42, "text"] = f"  >> {copy.upper().replace(' ', ' 17 -- ')} !!!"
    found = golden_leaks(golden, accepted)
    assert found.row_ids == (accepted.loc[42, "row_id"],)
    assert (found.by_id, found.by_content) == (0, 1)


def test_copied_features_are_found_through_rounding_noise() -> None:
    accepted, golden = numeric(100, 8), numeric(50, 9)
    features = [f"f_{i}" for i in range(4)]
    rounded = np.round(golden.loc[3, features].to_numpy(float), 12)
    accepted.loc[10, features] = rounded
    assert golden_leaks(golden, accepted).row_ids == (accepted.loc[10, "row_id"],)


def test_coarse_features_name_no_row() -> None:
    """Two yes/no columns match half of everything: that is no leak."""
    rng = np.random.default_rng(0)
    golden, accepted = (
        numeric(n, s).drop(columns=["f_2", "f_3"]).assign(f_0=rng.integers(0, 2, n), f_1=1.0)
        for n, s in ((200, 10), (500, 11))
    )
    assert golden_leaks(golden, accepted).row_ids == ()


def test_short_texts_name_no_row() -> None:
    golden = mail(40, 12).assign(text="ok!")
    assert golden_leaks(golden, mail(40, 13).assign(text="OK")).row_ids == ()


def test_golden_rows_with_text_are_not_matched_by_features_alone() -> None:
    golden, accepted = mail(30, 14), mail(30, 15)
    rng = np.random.default_rng(1)
    shared = pd.DataFrame({"f_n": rng.normal(size=30)})
    found = golden_leaks(golden.assign(f_n=shared["f_n"]), accepted.assign(f_n=shared["f_n"]))
    assert found.row_ids == ()


def test_golden_rows_without_text_are_matched_by_features() -> None:
    golden, accepted = numeric(30, 18), numeric(30, 19).assign(text="a text of the copier's own")
    features = [f"f_{i}" for i in range(4)]
    accepted.loc[4, features] = golden.loc[8, features]
    assert golden_leaks(golden, accepted).row_ids == (accepted.loc[4, "row_id"],)


def test_an_empty_golden_set_leaks_nothing() -> None:
    assert golden_leaks(mail(10, 16).head(0), mail(10, 17)).row_ids == ()
