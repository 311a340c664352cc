"""The front door is told one thing about a contributor: the most severe that is known."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detectors.influence import VALIDITY_SCHEMA
from foretaste.core.ledger import Judgement, NewCase, Role
from foretaste.core.workspace import Workspace
from foretaste.steps.feed import FEED_SCHEMA, NAME, feed_folder, read_feed, write_feed
from foretaste.steps.furnish import furnish
from foretaste.steps.state import DECISION_SCHEMA
from tests.views.judged import AT, NIGHTS, rows_of

NOW = datetime(2026, 1, 3, 3, tzinfo=UTC)


@pytest.fixture
def people(judged: Workspace) -> dict[str, str]:
    """Pseudonyms by name."""
    names = ("alice", "bob", "mallory", "veteran")
    return {name: judged.key.pseudonym("contributor", name) for name in names}


def told(workspace: Workspace, now: datetime = NOW) -> dict[str, tuple[str, str]]:
    """Write the feed; give action and reason by contributor."""
    return {one.contributor_id: (one.action, one.reason) for one in write_feed(workspace, now)}


def campaign(workspace: Workspace) -> NewCase:
    case = NewCase("c0ffee00000c", "campaign", "ring", 0.01, 0.9, (), tuple(rows_of(NIGHTS[1])[2:]))
    with workspace.ledger() as ledger:
        ledger.open_cases([case], run_id=f"run-{NIGHTS[1]}", night=NIGHTS[1], at=AT)
    furnish(workspace, NOW)
    return case


def called_poison(workspace: Workspace, who: str, *numbers: int) -> None:
    lines = [
        {
            "decision_id": n,
            "row_id": f"r{n}",
            "contributor_id": who,
            "decision": "poison",
            "night": NIGHTS[1],
            "label": None,
        }
        for n in numbers
    ]
    table = pa.Table.from_pylist(lines, DECISION_SCHEMA)
    pq.write_table(table, workspace.layout.state / "decisions.parquet")


def test_a_campaign_is_challenged_until_it_is_decided(
    judged: Workspace, people: dict[str, str]
) -> None:
    case = campaign(judged)
    assert told(judged)[people["mallory"]] == ("challenge", "campaign")
    with judged.ledger() as ledger:
        ledger.vote(
            case.id,
            Judgement.RELEASE,
            by="ann",
            role=Role.REVIEWER,
            at=NOW,
            reason_code="ordinary",
        )
    assert people["mallory"] not in told(judged)


def test_who_is_called_a_poisoner_is_challenged_then_blocked(
    judged: Workspace, people: dict[str, str]
) -> None:
    called_poison(judged, people["mallory"], 1)
    assert told(judged)[people["mallory"]] == ("challenge", "confirmed_poison")
    called_poison(judged, people["mallory"], 1, 2)
    assert told(judged)[people["mallory"]] == ("block", "confirmed_poison")


def test_lists_stand_above_records_and_end_when_they_end(
    judged: Workspace, people: dict[str, str]
) -> None:
    until = NOW + timedelta(days=2)
    with judged.ledger() as ledger:
        ledger.list_contributor(
            people["bob"], "block", by="lead", at=NOW, reason="spam", expires=until
        )
        ledger.list_contributor(
            people["alice"], "allow", by="lead", at=NOW, reason="staff", expires=until
        )
    found = {one.contributor_id: one for one in write_feed(judged, NOW)}
    assert (found[people["bob"]].action, found[people["bob"]].expires) == ("block", until)
    assert found[people["alice"]].action == "trust"
    assert people["bob"] not in told(judged, until)


def test_a_long_good_record_is_trusted_and_a_flood_is_slowed_down(
    judged: Workspace, people: dict[str, str]
) -> None:
    common = {"accepted_rows": 500, "nights": 9, "first_night": "a", "last_night": "b"}
    lines = [
        {"contributor_id": people["veteran"], "good": 400.0, "bad": 0.5, **common},
        {"contributor_id": people["bob"], "good": 40.0, "bad": 0.0, **common},
    ]
    table = pa.Table.from_pylist(lines, VALIDITY_SCHEMA)
    pq.write_table(table, judged.layout.state / "validity.parquet")
    found = told(judged)
    assert found[people["veteran"]] == ("trust", "good_record")
    assert people["bob"] not in found
    judged.layout.params.write_text("influence: {half_count: 2}\n")
    eager = Workspace.open(judged.root)
    assert told(eager)[people["mallory"]] == ("throttle", "rate")
    assert people["mallory"] not in told(eager, NOW + timedelta(days=30)), "the window is over"


def test_both_files_say_the_same_and_again_the_same(judged: Workspace) -> None:
    campaign(judged)
    write_feed(judged, NOW)
    path = feed_folder(judged.layout) / f"{NAME}.parquet"
    first, table = path.read_bytes(), pq.read_table(path)
    assert table.schema.names == FEED_SCHEMA.names
    in_json = pd.DataFrame(read_feed(judged.layout)["actions"])
    assert in_json["contributor_id"].tolist() == table["contributor_id"].to_pylist()
    assert in_json["action"].tolist() == table["action"].to_pylist()
    write_feed(judged, NOW)
    assert path.read_bytes() == first


def test_a_front_door_can_hash_raw_ids_by_itself(judged: Workspace) -> None:
    key = judged.key.derive("pseudonym/contributor")
    digest = hashlib.blake2b(b"mallory", digest_size=8, key=key).hexdigest()
    assert judged.key.pseudonym("contributor", "mallory") == f"c{digest}"
