from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretaste.core.ledger import Ledger
from tests.core.ledger.conftest import Fresh
from tests.core.ledger.stage import NOW, promote

Raw = Callable[[str], None]
ENTRIES = 6
HARMS = {
    "payload": "UPDATE audit SET payload = '{}' WHERE seq = NUMBER",
    "actor": "UPDATE audit SET actor = 'nobody' WHERE seq = NUMBER",
    "moment": "UPDATE audit SET at = '2020-01-01T00:00:00.000000+00:00' WHERE seq = NUMBER",
    "delete": "DELETE FROM audit WHERE seq = NUMBER",
    "rehash": "UPDATE audit SET hash = replace(hash, substr(hash, 1, 4), '0') WHERE seq = NUMBER",
    "swap": "UPDATE audit SET seq = CASE seq WHEN NUMBER THEN 1000 ELSE NUMBER END "
    "WHERE seq IN (NUMBER, 1000)",
}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(harm=st.sampled_from(sorted(HARMS)), number=st.integers(1, ENTRIES - 1))
def test_the_audit_chain_shows_the_first_harm(fresh: Fresh, harm: str, number: int) -> None:
    address = fresh()
    with Ledger.open(address) as ledger:
        for n in range(ENTRIES):
            promote(ledger, f"m{n}", f"run-{n}")
        anchor = ledger.audit_head()
        assert ledger.audit_verify([anchor]) is None
        engine = sa.create_engine(address)
        with engine.begin() as raw:
            raw.exec_driver_sql(HARMS[harm].replace("NUMBER", str(number)))
        engine.dispose()
        assert ledger.audit_verify() == number


def test_two_entries_that_changed_places_show(ledger: Ledger, raw: Raw) -> None:
    for n in range(4):
        promote(ledger, f"m{n}", f"run-{n}")
    for old, new in ((2, 99), (3, 2), (99, 3)):
        raw(f"UPDATE audit SET seq = {new} WHERE seq = {old}")
    assert ledger.audit_verify() == 2


def test_a_cut_tail_shows_against_an_anchor_only(ledger: Ledger, raw: Raw) -> None:
    promote(ledger, "m1", "run-a")
    anchor = ledger.audit_head()
    raw(f"DELETE FROM audit WHERE seq = {anchor[0]}")
    assert ledger.audit_verify() is None
    assert ledger.audit_verify([anchor]) == anchor[0]


def test_a_rewritten_chain_shows_against_an_anchor(ledger: Ledger) -> None:
    promote(ledger, "m1", "run-a")
    number, digest = ledger.audit_head()
    assert ledger.audit_verify([(number, digest[::-1])]) == number


def test_entries_are_listed_newest_first_by_page_and_by_who_and_what(ledger: Ledger) -> None:
    for n in range(4):
        ledger.log(
            "revealed", by="ann" if n % 2 else "bob", at=NOW + timedelta(n), payload={"n": n}
        )
    assert [e.payload["n"] for e in ledger.audit_entries(limit=2)] == [3, 2]
    second = ledger.audit_entries(before=ledger.audit_entries(limit=2)[-1].seq, limit=2)
    assert [e.payload["n"] for e in second] == [1, 0]
    assert [e.payload["n"] for e in ledger.audit_entries(actor="ann")] == [3, 1]
    assert len(ledger.audit_entries(action="revealed")) == 4
    assert ledger.audit_entries(action="revealed", actor="cid") == []
    first = ledger.audit_entries(action="revealed")[-1]
    assert (first.at, first.actor, first.action) == (NOW, "bob", "revealed")


@pytest.mark.parametrize("payload", ["no json", "[1]"])
def test_a_payload_that_somebody_overwrote_is_shown_as_it_is(
    ledger: Ledger, raw: Raw, payload: str
) -> None:
    raw(f"UPDATE audit SET payload = '{payload}' WHERE seq = 1")
    assert ledger.audit_entries()[-1].payload == {"unreadable": payload}
    assert ledger.audit_verify() == 1
