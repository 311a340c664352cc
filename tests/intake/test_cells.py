"""Times and addresses mean the same whichever road they take."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.core.keys import WorkspaceKey, subnet_of
from foretaste.intake.networks import canonical_ip, networks_of
from foretaste.intake.times import as_time

KEY = WorkspaceKey(b"c" * 32)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30), timezones=ZONES)  # noqa: DTZ001


@given(st.lists(MOMENTS, min_size=1, max_size=5))
def test_fast_and_slow_roads_agree(moments: list[datetime]) -> None:
    spelled = [moment.isoformat() for moment in moments]
    fast = as_time(pa.array(spelled), None).values.to_pylist()
    slow = as_time(pa.array([*spelled, "not a time"]), None)
    assert fast == slow.values.to_pylist()[:-1] == [moment.astimezone(UTC) for moment in moments]
    assert slow.problems["time_malformed"].tolist() == [*([False] * len(moments)), True]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_every_unit_means_the_same(unit: str) -> None:
    moment = datetime(2026, 1, 1, 10, tzinfo=UTC)
    cells = as_time(pa.array([moment, None], pa.timestamp(unit, tz="America/Lima")), None)
    assert cells.values.to_pylist() == [moment, None]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["2026-07-01T12:00:00"]),
        pa.array([datetime(2026, 7, 1, 12)], pa.timestamp("ms")),  # noqa: DTZ001
        ["2026-07-01 12:00"],
    ],
)
def test_a_declared_zone_reads_wall_clocks(values: pa.Array | list[str]) -> None:
    cells = as_time(values, "Europe/Berlin")
    assert cells.values.to_pylist() == [datetime(2026, 7, 1, 10, tzinfo=UTC)]


@given(st.ip_addresses())
def test_networks_follow_the_standard_library(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    network, subnet, junk = networks_of(pa.array([str(address), "junk"]), KEY)
    canonical = canonical_ip(str(address))
    assert canonical is not None
    assert network.to_pylist() == [KEY.pseudonym("network", canonical), None]
    assert subnet.to_pylist() == [KEY.pseudonym("subnet", str(subnet_of(canonical))), None]
    assert junk.tolist() == [False, True]
