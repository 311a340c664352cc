from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import Ledger, Role
from tests.core.ledger.stage import NOW

HOUR = timedelta(hours=1)


@pytest.fixture
def staffed(ledger: Ledger) -> Ledger:
    """A ledger with an admin and a reviewer, who is logged in."""
    ledger.add_user("root", Role.ADMIN, at=NOW, by="x", password_hash="h")
    ledger.add_user("ann", Role.REVIEWER, at=NOW, by="root", subject="sub-1", accounts=["b", "a"])
    ledger.open_session("ann", token_digest="d" * 64, csrf="c", at=NOW, expires=NOW + 12 * HOUR)
    return ledger


def test_roles_are_ordered() -> None:
    order = [Role.VIEWER, Role.REVIEWER, Role.LEAD, Role.ADMIN]
    assert [[a.allows(b) for b in order] for a in order] == [
        [i >= j for j in range(4)] for i in range(4)
    ]


def test_people_are_known_by_name_and_by_subject(staffed: Ledger) -> None:
    ann = staffed.user("ann")
    assert ann is not None
    assert (ann.role, ann.accounts, ann.created, ann.password) == (
        Role.REVIEWER, ("a", "b"), NOW, None,
    )  # fmt: skip
    assert staffed.user_of("sub-1") == ann
    assert staffed.user("nobody") is staffed.user_of("nobody") is None
    assert [one.name for one in staffed.users()] == ["ann", "root"]
    root = staffed.user("root")
    assert root is not None
    assert root.password == "h"
    assert "'h'" not in repr(root)


@pytest.mark.parametrize("name", ["", "a b", "ann+bob", "-x", "x" * 65, "ann\n", "аnn"])  # noqa: RUF001
def test_a_name_is_plain(ledger: Ledger, name: str) -> None:
    with pytest.raises(WorkspaceError, match="a name is"):
        ledger.add_user(name, Role.VIEWER, at=NOW, by="x")


def test_names_and_subjects_are_taken_once(staffed: Ledger) -> None:
    for name, subject in (("ann", None), ("bob", "sub-1")):
        with pytest.raises(WorkspaceError, match="already"):
            staffed.add_user(name, Role.VIEWER, at=NOW, by="x", subject=subject)
    staffed.add_user("bob", Role.VIEWER, at=NOW, by="x")


def test_people_change(staffed: Ledger) -> None:
    staffed.set_role("ann", Role.LEAD, at=NOW, by="root")
    staffed.set_keys("ann", {"poison": "k"}, at=NOW, by="ann")
    staffed.set_accounts("ann", ["z"], at=NOW, by="root")
    ann = staffed.user("ann")
    assert ann is not None
    assert (ann.role, ann.keys, ann.accounts) == (Role.LEAD, {"poison": "k"}, ("z",))
    with pytest.raises(WorkspaceError, match="no user nobody"):
        staffed.set_role("nobody", Role.LEAD, at=NOW, by="root")
    told = " ".join(str(entry.payload) for entry in staffed.audit_entries())
    assert "'z'" not in told, "whose accounts are whose is nobody's business"


def test_an_admin_always_stays(staffed: Ledger) -> None:
    with pytest.raises(WorkspaceError, match="nobody would be left"):
        staffed.set_role("root", Role.LEAD, at=NOW, by="root")
    with pytest.raises(WorkspaceError, match="nobody would be left"):
        staffed.disable_user("root", at=NOW, by="root")
    staffed.add_user("root2", Role.ADMIN, at=NOW, by="root")
    staffed.disable_user("root", at=NOW, by="root2")
    staffed.enable_user("root", at=NOW, by="root2")


def test_a_login_lasts_until_it_expires_or_is_idle(staffed: Ledger) -> None:
    digest = "d" * 64

    def alive(minutes: float) -> bool:
        return staffed.session(digest, NOW + timedelta(minutes=minutes)) is not None

    found = staffed.session(digest, NOW)
    assert found is not None
    assert (found.user.name, found.csrf) == ("ann", "c")
    assert alive(59)
    assert alive(59 + 59)
    assert not alive(59 + 59 + 60)
    assert staffed.session(digest, NOW + 12 * HOUR, idle_minutes=9_999) is None
    assert staffed.session("e" * 64, NOW) is None


ENDS: dict[str, Callable[[Ledger], None]] = {
    "logged out": lambda ledger: ledger.end_session("d" * 64),
    "all ended": lambda ledger: ledger.end_sessions("ann"),
    "disabled": lambda ledger: ledger.disable_user("ann", at=NOW, by="root"),
    "new password": lambda ledger: ledger.set_password("ann", "h2", at=NOW, by="ann"),
}


@pytest.mark.parametrize("end", sorted(ENDS))
def test_a_login_ends(staffed: Ledger, end: str) -> None:
    ENDS[end](staffed)
    assert staffed.session("d" * 64, NOW) is None
    assert staffed.audit_verify() is None


def test_tries_are_counted_within_a_window_and_by_whom(ledger: Ledger) -> None:
    def tries(minutes: float, key: str = "ann") -> int:
        at = NOW + timedelta(minutes=minutes)
        return ledger.throttle(key, at=at, window=timedelta(minutes=15))

    assert [tries(0), tries(1), tries(14)] == [1, 2, 3]
    assert tries(14, "x" * 10_000) == 1
    assert tries(15) == 1
    ledger.clear_throttle("ann")
    assert tries(16) == 1


def test_views_are_kept_by_name(staffed: Ledger) -> None:
    staffed.save_view("ann", "big", "order=size")
    staffed.save_view("ann", "big", "order=newest")
    staffed.save_view("root", "own", "")
    assert staffed.saved_views("ann") == {"big": "order=newest"}
    staffed.drop_view("ann", "big")
    assert staffed.saved_views("ann") == {}


def test_opened_texts_are_counted_by_day(ledger: Ledger) -> None:
    assert [ledger.expose("ann", "2026-01-01", n) for n in (1, 4)] == [1, 5]
    assert ledger.expose("ann", "2026-01-02", 2) == 2
    assert ledger.exposure("ann", "2026-01-01") == 5
    assert ledger.exposure("bob", "2026-01-01") == 0
