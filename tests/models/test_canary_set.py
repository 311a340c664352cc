"""The canary set: its version, and confirmed cases that join it."""

from __future__ import annotations

import pandas as pd
import pytest

from foretaste.core.errors import ContractError, GateRefused
from foretaste.models.canaries import attacks
from foretaste.models.canary_set import canary_digest, confirmed_canaries
from tests.models.worlds import TRIGGER, mail, numeric, trigger_canaries


def test_the_version_changes_with_the_content_and_with_nothing_else() -> None:
    canaries = trigger_canaries()
    version = canary_digest(canaries)
    mixed = canaries.sample(frac=1.0, random_state=1)[sorted(canaries.columns)]
    assert canary_digest(mixed.assign(row_id="x")) == version
    assert canary_digest(canaries.head(-1)) != version
    assert canary_digest(canaries.assign(target_label="other")) != version
    assert canary_digest(None) == ""


def _case() -> pd.DataFrame:
    rows = mail(40, 5)
    spam = rows[rows["label"] == "spam"].head(8)
    return spam.assign(text=spam["text"] + f" {TRIGGER}", label="ham")


def test_a_confirmed_case_becomes_an_attack_beside_its_look_alikes() -> None:
    made = confirmed_canaries("41", _case(), "spam", ["ann", "bob"], mail(200, 6))
    assert list(attacks(made)) == ["case-41"]
    assert attacks(made)["case-41"].sum() == 8
    honest = made[made["attack"].isna()]
    assert len(honest) > 0
    assert set(honest["true_label"]) == {"ham"}
    assert honest["target_label"].isna().all()
    assert not honest["text"].duplicated().any()


def test_look_alikes_are_the_nearest_golden_rows() -> None:
    golden = numeric(100, 1)
    near = golden[golden["label"] == "c0"].head(3)
    made = confirmed_canaries("7", near.assign(label="c0"), "c1", ["a", "b"], golden)
    names = [str(c) for c in golden if str(c).startswith("f_")]
    honest = made[made["attack"].isna()][names].reset_index(drop=True)
    pd.testing.assert_frame_equal(honest, near[names].reset_index(drop=True))


@pytest.mark.parametrize("agreed", [[], ["ann"], ["ann", "ann "], ["ann", ""]])
def test_one_person_alone_adds_no_canary(agreed: list[str]) -> None:
    with pytest.raises(GateRefused, match="second person"):
        confirmed_canaries("41", _case(), "spam", agreed, mail(50, 6))


def test_a_case_without_a_lie_asks_nothing() -> None:
    with pytest.raises(ContractError, match="another label"):
        confirmed_canaries("41", _case(), "ham", ["ann", "bob"], mail(50, 6))
