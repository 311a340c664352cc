"""The card: what it says of the comparison comes back from its bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.core.errors import Tampered
from foretaste.core.keys import WorkspaceKey
from foretaste.models.card import ModelCard, sign_card, verify_card
from foretaste.models.inputs import Inputs

KEY = WorkspaceKey(b"k" * 32)
CARD = ModelCard(
    release="3",
    night="2026-01-02",
    policy_digest="p" * 64,
    metrics={"accuracy": 0.9},
    gates=(),
    n_rows=10,
    classes=("ham", "spam"),
    inputs=Inputs(True, ()),
    seed=7,
    bootstrap=False,
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON), st.dictionaries(st.text(), st.floats(0, 1) | st.none()))
def test_champion_and_certificate_come_back(
    certificate: dict[str, Any], metrics: dict[str, float | None]
) -> None:
    card = replace(CARD, champion="c" * 64, champion_metrics=metrics, certificate=certificate)
    assert ModelCard.from_bytes(card.to_bytes()) == card


def test_a_card_of_before_has_neither() -> None:
    raw = CARD.to_bytes()
    for name in (b"champion", b"champion_metrics", b"certificate"):
        raw = raw.replace(b' "%s": null,\n' % name, b"")
    assert b"champion" not in raw
    assert ModelCard.from_bytes(raw) == CARD


def test_the_champion_that_was_compared_with_is_signed() -> None:
    raw = replace(CARD, champion="c" * 64).to_bytes()
    signature = sign_card(raw, KEY)
    verify_card(raw, signature, KEY)
    with pytest.raises(Tampered):
        verify_card(raw.replace(b"c" * 64, b"d" * 64), signature, KEY)
