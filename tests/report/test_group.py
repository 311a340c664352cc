"""Pictures of groups: who is drawn, what is told, and that nothing of theirs is obeyed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.report import GroupPicture, RunReport
from foretaste.report.neighbourhood import MEMBERS, OTHERS, neighbourhood
from foretaste.report.svg import stand_alone
from foretaste.report.timeline import BINS, LANES, timeline
from tests.report.groups import (
    DAY,
    START,
    Tables,
    a_group,
    account_frame,
    actor_table,
    edge_table,
    visit_frame,
)
from tests.report.nights import empty
from tests.report.payloads import PAYLOADS

ZERO = int(START.timestamp())
NOBODY = account_frame()


def test_members_are_told_from_their_neighbours() -> None:
    found = neighbourhood(
        ["a", "b", "c"],
        edge_table(
            ("a", "b", "co_visit", 30.0, 9),
            ("b", "c", "network", 8.0, 3),
            ("c", "x", "co_visit", 7.0, 3),
            ("x", "y", "co_visit", 60.0, 40),
        ),
    )
    assert set(found.members) == {"a", "b", "c"}
    assert found.others == ("x",)
    assert (found.members_left_out, found.others_left_out, found.ties_left_out) == (0, 0, 0)
    told = {one.kind: (one.inside, one.outside, one.strongest, one.most) for one in found.evidence}
    assert told == {"co_visit": (1, 1, 30.0, 9), "network": (1, 0, 8.0, 3)}


def test_the_strongest_neighbours_are_drawn_and_the_others_counted() -> None:
    ties = [("a", f"n{i:02d}", "co_visit", 6.0 + i, 3) for i in range(OTHERS + 10)]
    found = neighbourhood(["a", "b"], edge_table(*ties))
    assert sorted(found.others) == [f"n{i:02d}" for i in range(10, OTHERS + 10)]
    assert found.others_left_out == 10


def test_a_giant_ring_is_drawn_by_its_strongest_members() -> None:
    members = [f"m{i:04d}" for i in range(1000)]
    chain = [(a, b, "network", 9.0, 2) for a, b in pairwise(members)]
    core = [("m0000", f"m{i:04d}", "co_visit", 40.0, 9) for i in range(2, 20)]
    found = neighbourhood(members, edge_table(*chain, *core))
    assert len(found.members) == MEMBERS
    assert {f"m{i:04d}" for i in range(2, 20)} <= set(found.members)
    assert found.members_left_out == 1000 - MEMBERS
    assert found.ties_left_out + len(found.ties) == len(chain) + len(core)


def test_a_chain_of_accounts_is_drawn_as_a_chain() -> None:
    chain = [f"m{i * 7 % 20:02d}" for i in range(20)]
    ties = [(*sorted(pair), "registration", 9.0, 20) for pair in pairwise(chain)]
    found = neighbourhood(sorted(chain), edge_table(*ties)).members  # type: ignore[arg-type]
    assert found in (tuple(chain), tuple(reversed(chain)))


ENDS = st.sampled_from([f"m{i}" for i in range(9)] + [f"x{i}" for i in range(5)])
KINDS = st.sampled_from(["co_visit", "network", "registration", "device", "name", "new kind"])
EDGES = st.lists(
    st.tuples(ENDS, ENDS, KINDS, st.floats(6, 60), st.integers(1, 50)).filter(
        lambda edge: edge[0] < edge[1]
    ),
    max_size=60,
    unique_by=lambda edge: edge[:3],
)
TIMES = st.one_of(st.none(), st.floats(-400 * DAY, 0))
VISITS = st.lists(
    st.tuples(ENDS, st.sampled_from(["i1", "i2", "i3"]), st.floats(0, 30 * DAY)), max_size=60
)


@settings(max_examples=50, deadline=None)
@given(edges=EDGES, visits=VISITS, since=st.lists(TIMES, min_size=9, max_size=9), seed=st.just(1))
def test_whatever_the_tables_hold_everything_is_drawn_or_counted(
    edges: list[tuple[str, str, str, float, int]],
    visits: list[tuple[str, str, float]],
    since: list[float | None],
    seed: int,
) -> None:
    members = [f"m{i}" for i in range(9)]
    accounts = account_frame(**dict(zip(members, since, strict=True)))
    tables = Tables("g1", actor_table(members), edge_table(*edges), visit_frame(*visits), accounts)
    found = tables.picture()
    assert tables.shuffled(seed).picture() == found
    assert GroupPicture.from_json(json.loads(json.dumps(_plain(found)))) == found
    near, when = found.neighbourhood, found.timeline
    touching = [e for e in edges if e[0].startswith("m") or e[1].startswith("m")]
    assert len(near.ties) + near.ties_left_out == len(touching)
    assert sum(one.inside + one.outside for one in near.evidence) == len(touching)
    drawn = (*near.members, *near.others)
    told = {(*sorted((drawn[t.left], drawn[t.right])), t.kind, t.surprise) for t in near.ties}
    assert told <= {edge[:4] for edge in touching}
    assert {lane.contributor_id for lane in when.lanes} == set(members)
    mine = [visit for visit in visits if visit[0] in members]
    assert sum(lane.visits for lane in when.lanes) == len(mine)
    for lane in when.lanes:
        bins = [b for a, z in (*lane.shared, *lane.other) for b in range(a, z)]
        assert len(bins) == len(set(bins)) <= lane.visits
        assert set(bins) <= set(range(BINS))
        assert bool(lane.at_shared) == bool(lane.shared)


def _plain(picture: GroupPicture) -> object:
    return replace(_report(), groups=(picture,)).to_json()["groups"][0]


def _report() -> RunReport:
    return empty()  # type: ignore[no-any-return, no-untyped-call]


def test_shared_targets_are_where_a_third_of_the_members_went() -> None:
    members = [f"m{i}" for i in range(9)]
    came = [(f"m{i}", "push", 60.0 * i) for i in range(5)] + [("m0", "push", 9.0)]
    came += [(f"m{i}", "less", 600.0) for i in range(3)] + [("m0", "own", 1.0), ("m1", "two", 2.0)]
    came += [("m2", "two", 2.0), ("stranger", "own", 3.0), ("stranger2", "own", 3.0)]
    found = timeline(members, visit_frame(*came), NOBODY)
    assert [(t.item_id, t.members, t.visits) for t in found.targets] == [
        ("push", 5, 6),
        ("less", 3, 3),
    ]
    by_name = {lane.contributor_id: lane for lane in found.lanes}
    assert (by_name["m0"].visits, by_name["m0"].at_shared) == (4, 3)
    assert by_name["m8"].visits == 0
    assert found.span == (ZERO, ZERO + 600)


def test_the_lanes_of_a_large_group_are_those_at_the_targets() -> None:
    members = [f"m{i:03d}" for i in range(120)]
    came = [(who, f"own{who}", 5.0 * i) for i, who in enumerate(members)]
    came += [(who, "push", 700.0) for who in members[:50]]
    found = timeline(members, visit_frame(*came), NOBODY)
    assert [lane.contributor_id for lane in found.lanes] == members[:LANES]
    assert found.lanes_left_out == 120 - LANES


def test_a_burst_of_registrations_is_found_where_half_of_the_members_share_a_day() -> None:
    names = [f"m{i}" for i in range(6)]
    together = account_frame(m0=0, m1=3600, m2=7200, m3=80_000, m4=-90 * DAY, m5=None)
    found = timeline(names, visit_frame(), together)
    assert found.burst == (ZERO, ZERO + 80_000)
    assert (found.in_burst, found.registered) == (4, (ZERO - 90 * DAY, ZERO + 80_000))
    spread = account_frame(**{who: float(-40 * DAY * i) for i, who in enumerate(names)})
    assert timeline(names, visit_frame(), spread).burst is None


def test_the_earliest_registration_counts_and_orders_the_lanes() -> None:
    accounts = pd.concat([account_frame(b=50, a=900), account_frame(a=20, b=70)])
    found = timeline(["b", "a"], visit_frame(), accounts)
    assert [(lane.contributor_id, lane.registered) for lane in found.lanes] == [
        ("a", ZERO + 20),
        ("b", ZERO + 50),
    ]


def test_equal_tables_give_equal_bytes_in_any_order() -> None:
    tables = a_group(12, others=("x", "y"), visits=8)
    assert tables.picture().document() == tables.shuffled(3).picture().document()


def test_a_picture_tells_members_from_others_by_shape_and_words() -> None:
    near, when = a_group(5, others=("x", "y")).picture().svg("g")
    assert "members (5)" in near
    assert "others (2)" in near
    assert "same network (2)" in near
    assert len(set(re.findall(r'<use href="(#[^"]+)"', near))) >= 2
    assert "registered" in when
    assert "visits" in when


def test_times_of_any_claimed_year_can_be_drawn() -> None:
    claimed = ["0001-01-01T00:00", "30000-06-01T00:00"]
    at = pd.Series(np.array(claimed, dtype="datetime64[s]")).dt.tz_localize("UTC")
    accounts = pd.DataFrame({"contributor_id": ["m0", "m1"], "registered_at": at})
    visits = pd.DataFrame({"contributor_id": ["m0", "m1"], "item_id": "i", "visited_at": at})
    tables = replace(a_group(3), accounts=accounts, visits=visits)
    assert ">30000<" in tables.picture().svg("g")[1]


def test_without_registrations_there_is_no_strip_for_them() -> None:
    tables = a_group(5)
    blind = replace(tables, accounts=NOBODY).picture()
    assert "registered" not in blind.svg("g")[1]
    assert blind.timeline.burst is None


@pytest.mark.parametrize("size", [1, 2])
def test_a_group_without_edges_visits_and_times_can_be_drawn(size: int) -> None:
    members = [f"m{i}" for i in range(size)]
    bare = Tables("g1", actor_table(members), edge_table(), visit_frame(), NOBODY)
    assert f"members ({size})" in bare.picture().document()


@cache
def drawn() -> tuple[str, str]:
    """A group whose accounts and items bear hostile names."""
    names = [text.encode(errors="replace").decode() for text in PAYLOADS[:12]]
    ties = [(a, b, a, 9.0, 2) for a, b in pairwise(sorted(names))]
    came = [(who, who, 60.0 * i) for i, who in enumerate(names)]
    tables = Tables("g1", actor_table(names[:8]), edge_table(*ties), visit_frame(*came), NOBODY)
    return tables.picture().svg("g")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_file_stands_alone_and_obeys_nobody(payload: str) -> None:
    document = stand_alone(payload, drawn())
    root = ElementTree.fromstring(document)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    tags = {element.tag.partition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "title", "style", "rect", "text", "tspan", "g", "path", "use", "defs",
                    "clipPath"}  # fmt: skip
    attributes = [pair for element in root.iter() for pair in element.attrib.items()]
    assert all(value.startswith("#") for name, value in attributes if "href" in name)
    assert not [name for name, _ in attributes if name.startswith("on")]
    assert not [value for _, value in attributes if re.search(r"url\((?!#)|script:", value)]
    ids = [value for name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_two_times_of_a_giant_group_cost_no_more_drawing() -> None:
    small = a_group(60, visits=20).picture()
    large = a_group(150, visits=200).picture()
    drawn = [sum(map(len, picture.svg("g"))) for picture in (small, large)]
    assert drawn[1] < 80_000
    assert np.diff(drawn)[0] < drawn[0]
