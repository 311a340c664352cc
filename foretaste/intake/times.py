"""Times of any unit, zone and spelling become UTC microseconds, or a code."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.contract import UTC_MICROS
from foretaste.core.errors import PolicyError
from foretaste.intake.cells import Cells, Column, as_text, each, json_text, mask_of, wrong_type
from foretaste.intake.problems import Mask

MIN_TIME: Final = 0
MAX_TIME: Final = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

_DAY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK: Final = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"
_ZONE: Final = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_ISO: Final = re.compile(f"{_DAY}([T ]{_CLOCK}{_ZONE}?)?", re.ASCII)
#: What Arrow reads at once; a subset of ``_ISO``, with the same meaning.
_ISO_ZONED: Final = f"^{_DAY}[T ][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}([.][0-9]{{1,6}})?{_ZONE}$"
_BARE: Final = re.compile(r"[+-]?[0-9]+([.][0-9]*)?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def check_zone(zone: str | None) -> None:
    """Refuse a time zone that is none.

    Raises
    ------
    PolicyError
        If the name is no IANA zone.
    """
    if zone is not None and zone not in zoneinfo.available_timezones():
        raise PolicyError(
            f"{zone} is no time zone",
            location="params.yaml: ingest.time_zone",
            hint="give an IANA name such as Europe/Berlin or UTC",
        )


def as_time(values: Column, zone: str | None) -> Cells:
    """Read times as UTC microseconds; bare numbers are refused, their unit would be a guess.

    Parameters
    ----------
    values
        The column.
    zone
        IANA name of the zone of times that carry none; None rejects those.

    Raises
    ------
    BadFile
        If an Arrow column is of another type.
    """
    if isinstance(values, list):
        cells = json_text(values, numbers="time_no_unit")
        return _merge(_parsed_time(cells.values, zone), cells.problems)
    kind = values.type
    if pa.types.is_timestamp(kind):
        return _stamps(values, zone)
    if pa.types.is_date(kind):
        return _stamps(values.cast(pa.timestamp("ms"), safe=False), zone)
    if pa.types.is_null(kind):
        return Cells(values.cast(UTC_MICROS))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        raise wrong_type("a timestamp with a unit", kind)
    cells = as_text(values)
    return _merge(_parsed_time(cells.values, zone), cells.problems)


def _merge(cells: Cells, earlier: dict[str, Mask]) -> Cells:
    return Cells(cells.values, earlier | cells.problems)


def _parsed_time(text: pa.Array, zone: str | None) -> Cells:
    text = pc.utf8_trim_whitespace(text)
    if not mask_of(pc.invert(pc.match_substring_regex(text, _ISO_ZONED))).any():
        try:
            return _in_range(text.cast(UTC_MICROS).cast(pa.int64()))
        except pa.ArrowInvalid:  # a 13th month: read one by one
            pass
    moments = each(text.to_pylist(), lambda value: _moment_or_code(value, zone), pa.int64())
    naive = moments.problems.pop("naive", None)
    values = moments.values if naive is None else _localised(moments.values, naive, zone)
    return _merge(_in_range(values), moments.problems)


def _moment_or_code(value: str, zone: str | None) -> tuple[int | None, str]:
    if not _ISO.fullmatch(value):
        return None, "time_no_unit" if _BARE.fullmatch(value) else "time_malformed"
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None, "time_malformed"
    if moment.tzinfo is not None:
        return _micros(moment), ""
    return (None, "time_naive") if zone is None else (_micros(moment.replace(tzinfo=UTC)), "naive")


def _micros(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _stamps(values: pa.Array, zone: str | None) -> Cells:
    """Bring Arrow timestamps of any unit to microseconds; bounds come before arithmetic."""
    scale = _PER_SECOND[values.type.unit]
    numbers = values.cast(pa.timestamp(values.type.unit)).cast(pa.int64())
    # A day of slack: the zone is applied after this check.
    slack = 86_400 * scale
    low, high = MIN_TIME * scale // 10**6 - slack, MAX_TIME * scale // 10**6 + slack
    sane = pc.and_(pc.greater_equal(numbers, low), pc.less(numbers, high))
    outside = mask_of(pc.invert(sane))
    numbers = pc.if_else(sane, numbers, None)
    if scale <= 10**6:
        micros = pc.multiply(numbers, 10**6 // scale)
    else:
        micros = pc.divide(numbers, scale // 10**6)
    naive = mask_of(values.is_valid())
    if values.type.tz is None and zone is None:
        return Cells(pa.nulls(len(values), UTC_MICROS), {"time_naive": naive})
    if values.type.tz is None:
        micros = _localised(micros, naive & ~outside, zone)
    cells = _in_range(micros)
    cells.problems["time_out_of_range"] = cells.problems["time_out_of_range"] | outside
    return cells


def _localised(micros: pa.Array, naive: Mask, zone: str | None) -> pa.Array:
    """Read ``naive`` rows as wall-clock times of ``zone``; in doubt the earlier moment."""
    wall = micros.cast(pa.timestamp("us"))
    local = pc.assume_timezone(wall, zone, ambiguous="earliest", nonexistent="earliest")
    return pc.if_else(pa.array(naive), local.cast(pa.int64()), micros)


def _in_range(micros: pa.Array) -> Cells:
    inside = pc.and_(pc.greater_equal(micros, MIN_TIME), pc.less(micros, MAX_TIME))
    return Cells(
        pc.if_else(inside, micros, None).cast(UTC_MICROS),
        {"time_out_of_range": mask_of(pc.invert(inside))},
    )
