"""Groups of accounts, listed, shown and pictured."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretaste.core.actor import ACTOR_SCHEMA
from foretaste.core.errors import WorkspaceError
from foretaste.core.workspace import Workspace
from foretaste.views.actors import list_groups, picture, show_group
from tests.views.judged import NIGHTS, RING, hold_night


@pytest.mark.parametrize("night", [None, *NIGHTS])
def test_groups_are_listed_with_their_rows(judged: Workspace, night: str | None) -> None:
    (found,) = list_groups(judged, night)
    assert found["kind"] == "campaign"
    assert (found["id"], found["size"], found["rows"]) == (RING, 9, 2)
    assert found["reason"] == "network: shared 3"


def test_campaigns_come_before_harmless_groups_of_more_accounts(judged: Workspace) -> None:
    told = [("p", "g2", 3), ("q", "g1", 8), ("r", "g3", 50)]
    kinds = {"g2": "campaign", "g1": "campaign", "g3": "honest_group"}
    lines = [
        dict(zip(ACTOR_SCHEMA.names, (who, actor, kinds[actor], size, 0.5, ""), strict=True))
        for who, actor, size in told
    ]
    path = judged.root / "data" / "night" / "sanitize" / "actors.parquet"
    path.unlink()
    pq.write_table(pa.Table.from_pylist(lines, ACTOR_SCHEMA), path)
    assert [group["id"] for group in list_groups(judged, None)] == ["g1", "g2", "g3"]


def test_a_group_is_shown_with_members_and_evidence(judged: Workspace) -> None:
    content, lines = show_group(judged, None, RING)
    mallory = judged.key.pseudonym("contributor", "mallory")
    assert content["members"] == [mallory]
    (edge,) = content["edges"]
    assert mallory in (edge["left"], edge["right"])
    assert edge["kind"] == "network"
    assert any("same network: 3 shared, surprise 7.5, to somebody outside" in x for x in lines)


def test_a_picture_reaches_back_to_earlier_nights(judged: Workspace) -> None:
    first = picture(judged, NIGHTS[0], RING).timeline.lanes[0]
    second = picture(judged, None, RING)
    assert (first.visits, second.timeline.lanes[0].visits) == (2, 4)
    assert first.registered is not None
    assert second.neighbourhood.others == (judged.key.pseudonym("contributor", "alice"),)


def test_a_held_night_can_be_looked_at(judged: Workspace) -> None:
    hold_night(judged)
    content, lines = show_group(judged, "2026-01-03", RING)
    assert content["night"] == "2026-01-03"
    assert "not published" in lines[0]
    assert picture(judged, "2026-01-03", RING).timeline.lanes[0].visits == 6


@pytest.mark.parametrize(("night", "actor"), [("2001-01-01", None), (None, "nobody")])
def test_what_is_not_there_is_said(judged: Workspace, night: str | None, actor: str | None) -> None:
    with pytest.raises(WorkspaceError) as caught:
        show_group(judged, night, actor or RING)
    assert "foretaste" in caught.value.hint


def test_a_workspace_without_nights_says_so(workspace: Workspace) -> None:
    with pytest.raises(WorkspaceError, match="no night was judged yet"):
        list_groups(workspace, None)
