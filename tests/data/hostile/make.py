"""Hostile inputs, made the same way every time.

Each case is one file with the fate that it must meet. Row cases hold one bad row between
two good ones, so that a test can see that the good ones survive.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

HEADER = ["contribution_id", "contributor_id", "label", "contributed_at", "item_id", "text", "ip",
          "tier", "x"]  # fmt: skip
POLICY: dict[str, Any] = {
    "columns": {"ip": "ip", "tier": "tier", "features": ["x"]},
    "ingest": {"max_file_mb": 64, "max_rows": 50_000, "max_text_chars": 2_000},
}
#: Values that may appear nowhere behind ingest.
CANARY = "canary-account-7f3a"
CANARY_IP = "203.0.113.77"


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile file.

    Parameters
    ----------
    id
        Name of the test.
    content
        The file's bytes.
    state
        Fate of the file.
    rows_in, kept
        Rows read, and rows that become contributions.
    codes
        Exact codes in its report.
    columns, ingest, label
        Changes to the policy.
    """

    id: str
    content: bytes
    state: str = "ingested"
    rows_in: int = 3
    kept: int = 2
    codes: dict[str, int] = field(default_factory=dict)
    ingest: dict[str, Any] = field(default_factory=dict)
    label: dict[str, Any] = field(default_factory=dict)
    name: str = "hostile.bin"


def row(number: int, **changes: Any) -> dict[str, Any]:
    """Give a good row, with changes; a value of ``...`` drops the key."""
    good = {
        "contribution_id": f"c{number}",
        "contributor_id": f"u{number}",
        "label": "ham",
        "contributed_at": "2026-01-01T10:00:00Z",
        "item_id": "list-1",
        "text": f"hello {number}",
        "ip": "192.0.2.7",
        "tier": "registered",
        "x": 1.5,
    }
    return {name: value for name, value in (good | changes).items() if value is not ...}


def csv_line(values: dict[str, Any], delimiter: str = ",") -> bytes:
    """Spell a row as CSV; values are taken as they are, bytes included."""
    cells = [values[name] for name in HEADER]
    return delimiter.encode().join(
        cell if isinstance(cell, bytes) else str(cell).encode("utf-8", "surrogatepass")
        for cell in cells
    )


def csv_file(*lines: bytes, delimiter: str = ",") -> bytes:
    """Header, a good row, the lines, another good row."""
    rows = [csv_line(row(1), delimiter), *lines, csv_line(row(2), delimiter)]
    return b"\n".join([delimiter.join(HEADER).encode(), *rows]) + b"\n"


def jsonl_file(*lines: bytes) -> bytes:
    """Write a good row, the lines, another good row."""
    return b"\n".join([json_line(row(1)), *lines, json_line(row(2))]) + b"\n"


def json_line(values: dict[str, Any]) -> bytes:
    """Spell a row as JSON."""
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass")


def parquet_file(table: pa.Table, **options: Any) -> bytes:
    """Write a table to bytes."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def arrow(rows: list[dict[str, Any]], **columns: pa.Array) -> pa.Table:
    """Rows as an Arrow table, some columns replaced."""
    table = pa.Table.from_pylist(rows)
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    return table


def three(**columns: pa.Array) -> bytes:
    """Three good rows as Parquet, with whole columns replaced."""
    return parquet_file(arrow([row(1), row(9), row(2)], **columns))


def cases() -> list[Case]:
    """All cases; ids are unique."""
    makers: tuple[Callable[[], Iterator[Case]], ...] = (
        _csv_rows, _csv_files, _json_rows, _parquet_rows, _whole_files, _bombs, _holds,
    )  # fmt: skip
    found = [case for maker in makers for case in maker()]
    assert len({case.id for case in found}) == len(found)
    return found


def _csv_rows() -> Iterator[Case]:
    bad: dict[str, tuple[str, dict[str, Any]]] = {
        "id-empty": ("id_missing", {"contribution_id": ""}),
        "id-blank": ("id_missing", {"contributor_id": "   "}),
        "id-space": ("id_pattern", {"contributor_id": "two words"}),
        "id-control": ("id_control", {"contributor_id": "u\x07bell"}),
        "id-nul": ("id_control", {"contributor_id": "n\x00ul"}),
        "id-bidi": ("id_control", {"contributor_id": "u\u202egpj"}),
        "id-zero-width": ("id_control", {"contributor_id": "u\u200b1"}),
        "id-soft-hyphen": ("id_control", {"contribution_id": "c\u00ad1"}),
        "id-full-width": ("id_not_normalised", {"contributor_id": "\uff551"}),
        "id-decomposed": ("id_not_normalised", {"contributor_id": "e\u0301ve"}),
        "id-cyrillic-a": ("id_lookalike", {"contributor_id": "p\u0430ypal"}),
        "id-all-cyrillic": ("id_lookalike", {"contributor_id": "\u0430\u0440\u0440\u0435"}),
        "id-emoji": ("id_pattern", {"contributor_id": "\U0001f600"}),
        "id-too-long": ("id_too_long", {"contributor_id": "u" * 129}),
        "item-control": ("id_control", {"item_id": "i\x1b[31m"}),
        "label-empty": ("label_missing", {"label": ""}),
        "label-control": ("label_control", {"label": "ham\u200b"}),
        "label-nul": ("nul_byte", {"label": "ham\x00"}),
        "label-long": ("label_too_long", {"label": "h" * 129}),
        "time-empty": ("time_missing", {"contributed_at": ""}),
        "time-naive": ("time_naive", {"contributed_at": "2026-01-01T10:00:00"}),
        "time-date-only": ("time_naive", {"contributed_at": "2026-01-01"}),
        "time-epoch": ("time_no_unit", {"contributed_at": "1767261600"}),
        "time-epoch-2-63": ("time_no_unit", {"contributed_at": "9223372036854775807"}),
        "time-words": ("time_malformed", {"contributed_at": "yesterday"}),
        "time-month-13": ("time_malformed", {"contributed_at": "2026-13-01T00:00:00Z"}),
        "time-feb-30": ("time_malformed", {"contributed_at": "2026-02-30T00:00:00Z"}),
        "time-24h": ("time_malformed", {"contributed_at": "2026-01-01T24:00:00Z"}),
        "time-american": ("time_malformed", {"contributed_at": "01/02/2026 10:00"}),
        "time-1815": ("time_out_of_range", {"contributed_at": "1815-06-18T11:00:00Z"}),
        "time-9999": ("time_out_of_range", {"contributed_at": "9999-12-31T23:59:59Z"}),
        "time-year-5-digits": ("time_malformed", {"contributed_at": "290308-01-01T00:00:00Z"}),
        "feature-empty": ("feature_missing", {"x": ""}),
        "feature-word": ("feature_not_numeric", {"x": "one"}),
        "feature-underscore": ("feature_not_numeric", {"x": "1_000"}),
        "feature-hex": ("feature_not_numeric", {"x": "0x10"}),
        "feature-arabic-digits": ("feature_not_numeric", {"x": "١٢"}),
        "feature-formula": ("feature_not_numeric", {"x": "=1+1"}),
        "feature-nan": ("feature_not_finite", {"x": "NaN"}),
        "feature-inf": ("feature_not_finite", {"x": "-inf"}),
        "feature-1e400": ("feature_not_finite", {"x": "1e400"}),
        "feature-2-63": ("feature_out_of_range", {"x": "9223372036854775808"}),
        "feature-1e308": ("feature_out_of_range", {"x": "1e308"}),
        "text-nul": ("nul_byte", {"text": "hel\x00lo"}),
        "text-too-long": ("text_too_long", {"text": "a" * 2_001}),
        "text-invalid-utf8": ("invalid_utf8", {"text": b"caf\xe9"}),
        "text-overlong-utf8": ("invalid_utf8", {"text": b"\xc0\xaf"}),
        "text-lone-surrogate": ("invalid_utf8", {"text": "\ud800"}),
        "id-invalid-utf8": ("invalid_utf8", {"contributor_id": b"u\xff"}),
        "tier-unknown": ("tier_unknown", {"tier": "root"}),
        "tier-case": ("tier_unknown", {"tier": "TRUSTED"}),
    }
    for name, (code, changes) in bad.items():
        content = csv_file(csv_line(row(9, **changes)))
        yield Case(f"csv-row-{name}", content, codes={code: 1})
    lines = {
        "too-few-fields": ("csv_ragged", b"c9,u9,ham"),
        "too-many-fields": ("csv_ragged", csv_line(row(9)) + b",more"),
        "text-behind-quote": ("csv_malformed", csv_line(row(9, text='"a"b'))),
        "lone-return": ("csv_malformed", csv_line(row(9, text="a\rb"))),
        "stray-quote": ("csv_malformed", csv_line(row(9, text='"never closed'))),
        "spaces": ("csv_ragged", b"   "),
    }
    for name, (code, line) in lines.items():
        yield Case(f"csv-line-{name}", csv_file(line), codes={code: 1})
    huge = csv_line(row(9, text="a" * (9 << 20)))
    yield Case("csv-line-9-mb", csv_file(huge), codes={"row_too_long": 1})
    quotes = [f'x{n}","""'.encode() for n in range(300)]
    yield Case("csv-line-quotes-all-open", csv_file(*quotes), rows_in=302,
               codes={"csv_malformed": 300})  # fmt: skip
    kept = {
        "formula": {"text": "=cmd|' /C calc'!A0"},
        "script": {"text": "<script>alert(1)</script>"},
        "markdown": {"text": "![x](http://evil.example/?q)"},
        "template": {"text": "{{7*7}} ${7*7}"},
        "sql": {"text": "'; DROP TABLE rows;--"},
        "path": {"contribution_id": "../../etc/passwd"},
        "negative-zero": {"x": "-0.0"},
        "denormal": {"x": "5e-324"},
        "plus-sign": {"x": "+1"},
        "mixed-zone": {"contributed_at": "2026-01-01T12:00:00+05:30"},
        "leap-day": {"contributed_at": "2024-02-29T00:00:00Z"},
        "tier-empty": {"tier": ""},
        "ip-v6": {"ip": "2001:db8::1"},
        "ip-mapped": {"ip": "::ffff:192.0.2.1"},
        "item-empty": {"item_id": ""},
        "text-empty": {"text": ""},
    }
    for name, changes in kept.items():
        yield Case(f"csv-kept-{name}", csv_file(csv_line(row(9, **changes))), kept=3)
    for name, ip in {"word": "localhost", "999": "999.1.1.1", "zone": "fe80::1%eth0",
                     "list": '"10.0.0.1, 10.0.0.2"', "port": "10.0.0.1:80",
                     "octal": "010.0.0.1"}.items():  # fmt: skip
        yield Case(f"csv-ip-{name}", csv_file(csv_line(row(9, ip=ip))), kept=3,
                   codes={"ip_junk": 1})  # fmt: skip


def _csv_files() -> Iterator[Case]:
    good = csv_file(csv_line(row(9)))
    spellings = {
        "bom": b"\xef\xbb\xbf" + good,
        "crlf": good.replace(b"\n", b"\r\n"),
        "mac": good.replace(b"\n", b"\r"),
        "utf16-le-bom": good.decode().encode("utf-16"),
        "utf16-be-bom": b"\xfe\xff" + good.decode().encode("utf-16-be"),
        "utf16-no-bom": good.decode().encode("utf-16-le"),
        "no-last-newline": good.rstrip(b"\n"),
        "blank-lines": good.replace(b"\n", b"\n\n"),
        "semicolon": csv_file(csv_line(row(9), ";"), delimiter=";"),
        "tab": csv_file(csv_line(row(9), "\t"), delimiter="\t"),
        "pipe": csv_file(csv_line(row(9), "|"), delimiter="|"),
        "single-quotes": csv_file(csv_line(row(9, text="'it, is'"))),
        "backslash-escape": csv_file(csv_line(row(9, text='"say \\"hi\\", please"'))),
        "newline-in-quotes": csv_file(csv_line(row(9, text='"two\nlines"'))),
        "gzip": gzip.compress(good, mtime=0),
        "zstd": zstandard.compress(good),
        "two-gzip-members": gzip.compress(good[:50], mtime=0) + gzip.compress(good[50:], mtime=0),
    }
    for name, content in spellings.items():
        yield Case(f"csv-file-{name}", content, kept=3)
    yield Case("csv-file-name-lies", good, kept=3, name="good.parquet")
    surrogate = csv_file(csv_line(row(9, text="\ud800"))).decode("utf-8", "surrogatepass")
    yield Case("csv-file-utf16-lone-surrogate", surrogate.encode("utf-16-le", "surrogatepass"),
               codes={"invalid_utf8": 1})  # fmt: skip
    yield Case("csv-file-header-only", (",".join(HEADER) + "\n").encode(), rows_in=0, kept=0)
    extra = good.replace(b"tier,x", b"tier,x,note").replace(b"1.5\n", b"1.5,n\n")
    yield Case("csv-file-extra-column", extra, kept=3, codes={"extra_column": 1})
    yield _aside("csv-file-extra-refused", extra, "column_extra",
                 ingest={"allow_extra_columns": False})  # fmt: skip
    yield _aside(
        "csv-file-duplicate-column", good.replace(b"item_id", b"label"), "column_duplicate"
    )
    yield _aside("csv-file-case-clash", good.replace(b"item_id", b"LABEL"), "column_duplicate")
    yield _aside("csv-file-width-clash", good.replace(b"item_id", "\uff4cabel".encode()),
                 "column_duplicate")  # fmt: skip
    yield _aside("csv-file-no-label", good.replace(b"label", b"lable"), "column_missing")
    yield _aside("csv-file-no-header", b"\n".join([csv_line(row(1)), csv_line(row(2))]),
                 "column_missing")  # fmt: skip
    wide = ",".join([*HEADER, *(f"c{n}" for n in range(10_001))]).encode() + b"\n"
    yield _aside("csv-file-10000-columns", wide, "too_many_columns")
    yield _aside("csv-file-too-many-rows", csv_file(*(csv_line(row(n)) for n in range(9, 20))),
                 "too_many_rows", ingest={"max_rows": 5})  # fmt: skip
    yield _aside("csv-file-open-quote-in-header", b'"' + good, "bad_header")
    yield Case("csv-file-own-zone", csv_file(csv_line(row(9, contributed_at="2026-01-01 10:00"))),
               kept=3, ingest={"time_zone": "Europe/Berlin"})  # fmt: skip


def _json_rows() -> Iterator[Case]:
    bad: dict[str, tuple[str, dict[str, Any]]] = {
        "id-null": ("id_missing", {"contributor_id": None}),
        "id-absent": ("id_missing", {"contributor_id": ...}),
        "id-float": ("value_type", {"contributor_id": 1.0}),
        "id-list": ("value_nested", {"contribution_id": ["c9"]}),
        "label-object": ("value_nested", {"label": {"a": 1}}),
        "label-absent": ("label_missing", {"label": ...}),
        "time-number": ("time_no_unit", {"contributed_at": 1767261600}),
        "time-bool": ("value_type", {"contributed_at": True}),
        "time-null": ("time_missing", {"contributed_at": None}),
        "time-absent": ("time_missing", {"contributed_at": ...}),
        "feature-text": ("feature_not_numeric", {"x": "1.5"}),
        "feature-list": ("value_nested", {"x": [1.5]}),
        "feature-nan": ("feature_not_finite", {"x": float("nan")}),
        "feature-infinity": ("feature_not_finite", {"x": float("inf")}),
        "feature-null": ("feature_missing", {"x": None}),
        "feature-2-63": ("feature_out_of_range", {"x": 2**63}),
        "feature-10-400": ("feature_not_finite", {"x": 10**400}),
        "text-number": ("value_type", {"text": 1.5}),
        "text-surrogate-bytes": ("invalid_utf8", {"text": "\udfff"}),
    }
    for name, (code, changes) in bad.items():
        yield Case(f"json-row-{name}", jsonl_file(json_line(row(9, **changes))), codes={code: 1})
    good = json_line(row(9))
    lines = {
        "truncated": ("json_malformed", good[:-5]),
        "not-json": ("json_malformed", b"hello"),
        "array": ("json_not_object", b"[1, 2]"),
        "string": ("json_not_object", b'"row"'),
        "null": ("json_not_object", b"null"),
        "duplicate-key": ("json_duplicate_key", good[:-1] + b', "label": "spam"}'),
        "deep": ("json_nested", b'{"a":' * 100_000),
        "long-integer": ("json_malformed", good.replace(b"1.5", b"9" * 10_000)),
        "latin-1": ("invalid_utf8", good.replace(b"hello", b"h\xe9llo")),
        "escaped-surrogate": ("invalid_utf8", good.replace(b"hello", b"\\ud800")),
        "escaped-nul": ("nul_byte", good.replace(b"hello", b"\\u0000")),
        "two-objects": ("json_malformed", good + good),
        "9-mb": ("row_too_long", good.replace(b"hello", b"h" * (9 << 20))),
        "10001-keys": ("row_too_wide", json_line(row(9) | {f"k{n}": 1 for n in range(10_001)})),
        "empty-object": ("id_missing", b"{}"),
    }
    for name, (code, line) in lines.items():
        yield Case(f"json-line-{name}", jsonl_file(line), codes={code: 1})
    yield Case("json-kept-integer-id", jsonl_file(json_line(row(9, contributor_id=12))), kept=3)
    yield Case("json-kept-crlf", jsonl_file(good).replace(b"\n", b"\r\n"), kept=3)
    yield Case("json-kept-extra-key", jsonl_file(json_line(row(9) | {"note": 1})), kept=3,
               codes={"extra_column": 1})  # fmt: skip
    yield Case("json-row-extra-key-refused", jsonl_file(json_line(row(9) | {"note": 1})),
               codes={"extra_key": 1}, ingest={"allow_extra_columns": False})  # fmt: skip
    yield Case("json-file-zstd", zstandard.compress(jsonl_file(good)), kept=3)
    yield _aside("json-file-array", b"[" + good + b"]", "unknown_format")
    yield _aside("json-file-no-label", b'{"contribution_id": "c9"}\n', "column_missing")


def _parquet_rows() -> Iterator[Case]:
    utc = pa.timestamp("us", tz="UTC")
    stamp = 1_767_261_600_000_000
    bad: dict[str, tuple[str, dict[str, pa.Array]]] = {
        "id-null": ("id_missing", {"contributor_id": pa.array(["u1", None, "u2"])}),
        "id-nul": ("id_control", {"contributor_id": pa.array(["u1", "n\x00ul", "u2"])}),
        "text-bytes": ("invalid_utf8", {"text": pa.array([b"a", b"\xff\xfe", b"b"])}),
        "text-long-dictionary": (
            "text_too_long", {"text": pa.array(["a", "b" * 50_000, "c"]).dictionary_encode()}),
        "label-null": ("label_missing", {"label": pa.array(["a", None, "b"])}),
        "time-nat": ("time_missing", {"contributed_at": pa.array([stamp, None, stamp], utc)}),
        "time-2-63": (
            "time_out_of_range", {"contributed_at": pa.array([stamp, 2**63 - 1, stamp], utc)}),
        "time-minus-2-62": (
            "time_out_of_range", {"contributed_at": pa.array([stamp, -(2**62), stamp], utc)}),
        "time-ms-overflow": (
            "time_out_of_range",
            {"contributed_at": pa.array([stamp // 1000, 2**62, stamp // 1000],
                                        pa.timestamp("ms", tz="UTC"))}),
        "feature-nan": ("feature_not_finite", {"x": pa.array([1.0, float("nan"), 2.0])}),
        "feature-inf": ("feature_not_finite", {"x": pa.array([1.0, float("inf"), 2.0])}),
        "feature-null": ("feature_missing", {"x": pa.array([1.0, None, 2.0])}),
        "feature-uint64": (
            "feature_out_of_range", {"x": pa.array([1, 2**64 - 1, 2], pa.uint64())}),
    }  # fmt: skip
    for name, (code, columns) in bad.items():
        yield Case(f"parquet-row-{name}", three(**columns), codes={code: 1})
    naive = pa.array([stamp] * 3, pa.timestamp("us"))
    yield Case("parquet-row-time-naive", three(contributed_at=naive), kept=0,
               codes={"time_naive": 3})  # fmt: skip
    kept: dict[str, dict[str, pa.Array]] = {
        "ids-integer": {"contributor_id": pa.array([1, 2, 3])},
        "ids-dictionary": {"contributor_id": pa.array(["a", "b", "c"]).dictionary_encode()},
        "label-bool": {"label": pa.array([True, False, True])},
        "label-large-string": {"label": pa.array(["a", "b", "a"], pa.large_string())},
        "time-ns": {"contributed_at": pa.array([stamp * 1000] * 3, pa.timestamp("ns", tz="UTC"))},
        "time-zone": {"contributed_at": pa.array([stamp] * 3, pa.timestamp("us", tz="Asia/Tokyo"))},
        "feature-int": {"x": pa.array([1, 2, 3])},
        "feature-half": {"x": pa.array(np.array([1, 2, 3], dtype=np.float16))},
        "feature-negative-zero": {"x": pa.array([-0.0, 0.0, 1.0])},
    }
    for name, columns in kept.items():
        yield Case(f"parquet-kept-{name}", three(**columns), kept=3)
    aside: dict[str, dict[str, pa.Array]] = {
        "id-float": {"contributor_id": pa.array([1.0, 2.0, 3.0])},
        "label-float": {"label": pa.array([1.0, 2.0, 3.0])},
        "label-list": {"label": pa.array([["a"], ["b"], ["c"]])},
        "text-struct": {"text": pa.array([{"a": 1}, {"a": 2}, {"a": 3}])},
        "time-integer": {"contributed_at": pa.array([stamp] * 3)},
        "feature-text": {"x": pa.array(["1", "2", "3"])},
    }
    for name, columns in aside.items():
        yield _aside(f"parquet-file-{name}", three(**columns), "column_type")


def _whole_files() -> Iterator[Case]:
    good = three()
    flat = csv_file(csv_line(row(9)))
    packed = gzip.compress(flat, mtime=0)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("../../rows.csv", flat)
    clash = arrow([row(1)]).append_column("Label", pa.array(["x"]))
    twice = pa.Table.from_arrays(
        [*arrow([row(1)]).columns, pa.array(["x"])], names=[*HEADER, "label"]
    )
    footer = bytearray(good)
    footer[-8:-4] = struct.pack("<I", 2**31 - 1)
    middle = bytearray(good)
    middle[4:200] = bytes(196)
    garbage = np.random.default_rng(7).integers(0, 256, 4_096, dtype=np.uint8).tobytes()
    yield Case("parquet-file-good", good, kept=3)
    yield Case("parquet-file-gzip", gzip.compress(good, mtime=0), kept=3)
    yield Case("parquet-file-no-rows", parquet_file(arrow([row(1)]).slice(0, 0)), rows_in=0, kept=0)
    for name, content, code in (
        ("empty", b"", "empty"),
        ("zeros", bytes(4_096), "empty"),
        ("newlines", b"\n\n\n", "empty"),
        ("bom-only", b"\xef\xbb\xbf", "empty"),
        ("garbage", b"\x01" + garbage, "unknown_format"),
        ("parquet-cut", good[: len(good) // 2], "truncated"),
        ("parquet-no-tail", good[:-4], "truncated"),
        ("parquet-magic-only", b"PAR1", "truncated"),
        ("parquet-footer-length", bytes(footer), "truncated"),
        ("parquet-zeroed-page", bytes(middle), "damaged"),
        ("parquet-encrypted", b"PARE" + good[4:-4] + b"PARE", "encrypted"),
        ("parquet-case-clash", parquet_file(clash), "column_duplicate"),
        ("parquet-duplicate-column", parquet_file(twice), "column_duplicate"),
        ("parquet-no-label", parquet_file(arrow([row(1, label=...)])), "column_missing"),
        ("gzip-cut", packed[:-9], "truncated"),
        ("gzip-garbage-behind", packed + b"garbage", "truncated"),
        ("gzip-crc", packed[:-8] + bytes(4) + packed[-4:], "truncated"),
        ("zstd-cut", zstandard.compress(flat)[:-3], "truncated"),
        ("gzip-in-gzip", gzip.compress(packed, mtime=0), "nested_archive"),
        ("zip-with-path", zipped.getvalue(), "unknown_format"),
        ("pickle", b"\x80\x04cos\nsystem\n(S'true'\ntR.", "unknown_format"),
        ("elf", b"\x7fELF" + bytes(100), "unknown_format"),
        ("pdf", b"%PDF-1.7\n" + garbage, "unknown_format"),
        ("pgp", b"-----BEGIN PGP MESSAGE-----\n\nabc\n", "unknown_format"),
        ("utf32", flat.decode().encode("utf-32"), "unknown_format"),
        ("utf16-cut", flat.decode().encode("utf-16")[:-1], "truncated"),
    ):
        yield _aside(f"file-{name}", content, code)


def _bombs() -> Iterator[Case]:
    size = 100 << 20
    yield _aside("bomb-gzip", gzip.compress(bytes(size), mtime=0), "bomb")
    yield _aside("bomb-zstd", zstandard.compress(bytes(size)), "bomb")
    head = csv_file()[:-1]
    yield _aside("bomb-gzip-csv", gzip.compress(head + b"a" * size, mtime=0), "bomb")
    huge = arrow([row(1)], text=pa.array(["a" * size]))
    yield _aside("bomb-parquet-value", parquet_file(huge, compression="zstd"), "bomb")
    rows = 20_000
    columns = {name: pa.array([str(value)] * rows) for name, value in row(1).items()}
    columns["x"] = pa.array([1.0] * rows)
    columns["text"] = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(rows, dtype=np.int32)), pa.array(["b" * 7_000])
    )
    yield _aside("bomb-parquet-dictionary", parquet_file(pa.table(columns)), "bomb")
    runs = {name: pa.array([str(value)] * 60_000) for name, value in row(1).items()}
    runs["x"] = pa.array([1.0] * 60_000)
    yield _aside("bomb-parquet-runs", parquet_file(pa.table(runs)), "too_many_rows")
    shape = {f"c{n}": pa.array([1]) for n in range(10_001)}
    yield _aside("bomb-parquet-columns", parquet_file(pa.table(shape)), "too_many_columns")


def _holds() -> Iterator[Case]:
    yield Case("held-future", csv_file(csv_line(row(9, contributed_at="2026-01-03T10:00:00Z"))),
               kept=3, codes={"future_time": 1})  # fmt: skip
    yield Case("held-conflict", csv_file(csv_line(row(1, label="spam"))), kept=3,
               codes={"conflict": 1})  # fmt: skip
    yield Case("duplicate-row", csv_file(csv_line(row(1))), codes={"duplicate": 1})
    yield Case("duplicate-many", csv_file(*[csv_line(row(1))] * 50), rows_in=52,
               codes={"duplicate": 50})  # fmt: skip
    yield Case("same-id-other-account",
               csv_file(csv_line(row(1, contributor_id="somebody-else"))), kept=3)  # fmt: skip
    yield Case("held-too-many-classes",
               csv_file(*(csv_line(row(n, label=f"l{n}")) for n in range(10, 14))),
               rows_in=6, kept=6, codes={"too_many_classes": 3},
               label={"max_classes": 2})  # fmt: skip
    yield Case("label-not-allowed", csv_file(csv_line(row(9, label="eggs"))),
               codes={"label_not_allowed": 1}, label={"values": ["ham", "spam"]})  # fmt: skip
    numeric = csv_file(csv_line(row(9, label="NaN"))).replace(b"ham", b"3.5")
    yield Case("label-nan", numeric, codes={"label_not_finite": 1},
               label={"type": "numeric", "bins": [1.0, 5.0]})  # fmt: skip
    words = csv_file(csv_line(row(9, label="four"))).replace(b"ham", b"3.5")
    yield Case("label-word", words, codes={"label_not_numeric": 1},
               label={"type": "numeric", "bins": [1.0, 5.0]})  # fmt: skip


def _aside(name: str, content: bytes, code: str, **changes: Any) -> Case:
    return Case(name, content, "set_aside", rows_in=0, kept=0, codes={code: 1}, **changes)
