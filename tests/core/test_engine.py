import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.core.engine import BATCH_ROWS, Engine
from foretaste.core.errors import ContractError, PolicyError
from foretaste.core.policy import Engine as Settings

SCHEMA = pa.schema(
    [
        pa.field("row_id", pa.string(), nullable=False),
        pa.field("contributor_id", pa.string()),
        pa.field("f_x", pa.float64()),
        pa.field("count", pa.int64()),
        pa.field("sent", pa.timestamp("us", tz="UTC")),
    ]
)
KINDS = [("duckdb", 1), ("duckdb", 2), ("pandas", 1)]


def engines():
    return [Engine(kind, threads) for kind, threads in KINDS]


floats = st.none() | st.floats(width=64) | st.sampled_from([-0.0, float("nan"), float("inf")])
rows = st.lists(
    st.tuples(
        st.none() | st.sampled_from(["a", "é", "日本", "", "A", "\U0001f4a5"]),
        floats,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.integers(0, 2**50),
    ),
    max_size=30,
)


def table_of(content):
    columns = list(zip(*content, strict=True)) or [[], [], [], []]
    ids = [f"r{i:03d}" for i in range(len(content))]
    arrays = [pa.array(c, f.type) for c, f in zip([ids, *columns], SCHEMA, strict=True)]
    return pa.table(arrays, schema=SCHEMA)


def report(engine, frame):
    """A query with what engines disagree on: null keys, joins, ranks, NaN, wide sums."""
    grouped = frame.group_by("contributor_id").agg(
        nw.len().alias("n"), nw.col("f_x").max().alias("top"), nw.col("count").min().alias("low")
    )
    judged = (
        frame.filter(~(nw.col("f_x") > 0.5))
        .with_columns(big=nw.col("count") > 2**53)
        .with_columns(place=nw.col("count").rank("dense").over("contributor_id"))
        .join(grouped, on="contributor_id", how="left")
    )
    schema = pa.schema(
        [
            pa.field("row_id", pa.string(), nullable=False),
            pa.field("big", pa.bool_()),
            pa.field("place", pa.int64()),
            pa.field("n", pa.int64()),
            pa.field("top", pa.float64()),
            pa.field("low", pa.int64()),
            pa.field("sent", pa.timestamp("us", tz="UTC")),
        ]
    )
    return engine.collect(judged, schema)


@settings(max_examples=25, deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_every_engine_gives_the_same_table(content, random):
    table = table_of(content)
    order = list(range(table.num_rows))
    random.shuffle(order)
    shuffled = table.take(pa.array(order, pa.int64()))
    first, *others = [
        report(engine, engine.frame(t)) for engine in engines() for t in (table, shuffled)
    ]
    assert all(other.equals(first) for other in others)
    counted = [e.counts(e.frame(shuffled), "contributor_id", "sent") for e in engines()]
    assert all(c.equals(counted[0]) for c in counted)
    assert sum(counted[0]["rows"].to_pylist()) == table.num_rows


def test_scanned_files_agree_whatever_their_number_and_their_folders_name(tmp_path):
    table = table_of([("a", 0.5 * i, i, i) for i in range(100)])
    digests = set()
    for engine in engines():
        for pieces in (1, 3):
            folder = tmp_path / f"night=2024-01-0{pieces} [x]"
            bounds = np.linspace(0, 100, pieces + 1).astype(int)
            paths = [folder / f"part*{i}.parquet" for i in range(pieces)]
            for path, low, high in zip(paths, bounds[:-1], bounds[1:], strict=True):
                engine.write(table.slice(low, high - low), path)
            digests.add(engine.digest(engine.collect(engine.scan(*paths), SCHEMA)))
    assert digests == {Engine().digest(table)}


def test_a_column_that_one_file_lacks_is_null_there(tmp_path):
    table = table_of([("a", 1.0, 1, 1), ("b", 2.0, 2, 2)])
    for engine in engines():
        engine.write(table.slice(0, 1), tmp_path / "new.parquet")
        engine.write(table.slice(1).drop_columns(["f_x"]), tmp_path / "old.parquet")
        frame = engine.scan(tmp_path / "new.parquet", tmp_path / "old.parquet")
        assert engine.collect(frame, SCHEMA)["f_x"].to_pylist() == [1.0, None]


@pytest.mark.parametrize(("kind", "threads"), KINDS)
def test_a_result_must_fit_its_schema(kind, threads):
    engine = Engine(kind, threads)
    frame = engine.frame(pa.table({"x": [0.5, 1.0], "s": ["a", None]}))
    with pytest.raises(ContractError):
        engine.collect(frame, pa.schema([pa.field("x", pa.int64())]))
    with pytest.raises(ContractError):
        engine.collect(frame, pa.schema([pa.field("s", pa.string(), nullable=False)]))
    with pytest.raises(ContractError, match="lacks the columns y"):
        engine.collect(frame, pa.schema([pa.field("y", pa.int64())]))


def test_a_sum_that_outgrows_its_type_is_an_error_not_a_wrong_number():
    engine = Engine()
    frame = engine.frame(pa.table({"k": ["a", "a"], "x": [2**62, 2**62]}))
    total = frame.group_by("k").agg(nw.col("x").sum())
    with pytest.raises(ContractError):
        engine.collect(total, pa.schema([("k", pa.string()), ("x", pa.int64())]))
    exact = frame.group_by("k").agg((nw.col("x") - 1).sum().alias("x"))
    result = engine.collect(exact, pa.schema([("k", pa.string()), ("x", pa.int64())]))
    assert result["x"].to_pylist() == [2**63 - 2]


@settings(max_examples=50, deadline=None)
@given(rows, st.integers(1, 5), st.randoms(use_true_random=False))
def test_the_digest_sees_content_only(content, pieces, random):
    table = table_of(content)
    order = list(range(table.num_rows))
    random.shuffle(order)
    shuffled = table.take(pa.array(order, pa.int64()))
    step = max(1, -(-table.num_rows // pieces))
    parts = [shuffled.slice(i, step) for i in range(0, max(1, table.num_rows), step)]
    other = pa.concat_tables(parts).replace_schema_metadata({"a": "b"})
    other = other.set_column(1, "contributor_id", other["contributor_id"].dictionary_encode())
    assert Engine().digest(other) == Engine().digest(table)


@pytest.mark.parametrize(
    "other",
    [
        pa.table({"x": [1.0, None, 3.0], "s": ["a", "b", ""]}),
        pa.table({"x": [1.0, None, 2.0], "s": ["a", "b", None]}),
        pa.table({"x": [1.0, None, 2.0], "s": ["ab", "", ""]}),
        pa.table({"x": [1.0, float("nan"), 2.0], "s": ["a", "b", ""]}),
        pa.table({"x": [1.0, None, 2.0, 2.0], "s": ["a", "b", "", ""]}),
        pa.table({"y": [1.0, None, 2.0], "s": ["a", "b", ""]}),
        pa.table({"x": pa.array([1.0, None, 2.0], pa.float32()), "s": ["a", "b", ""]}),
        pa.table({"x": [None, 1.0, 2.0], "s": ["a", "b", ""]}),
    ],
)
def test_the_digest_sees_every_difference(other):
    table = pa.table({"x": [1.0, None, 2.0], "s": ["a", "b", ""]})
    assert Engine().digest(other) != Engine().digest(table)


def test_every_nan_and_every_zero_is_one_value():
    digest = Engine().digest
    odd = np.array([0x7FF8000000000001, 0x8000000000000000], dtype=np.uint64).view(np.float64)
    assert digest(pa.table({"x": odd})) == digest(pa.table({"x": [float("nan"), 0.0]}))


def test_equal_tables_are_written_as_equal_bytes_with_checksums(tmp_path):
    table = table_of([("a", float(i), i, i) for i in range(1000)])
    chunked = pa.concat_tables([table.slice(0, 13), table.slice(13)])
    Engine().write(table, tmp_path / "one.parquet")
    Engine().write(chunked.replace_schema_metadata({"pandas": "x"}), tmp_path / "two.parquet")
    one = (tmp_path / "one.parquet").read_bytes()
    assert one == (tmp_path / "two.parquet").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.parquet", "two.parquet"]
    broken = bytearray(one)
    broken[60] ^= 0xFF
    (tmp_path / "two.parquet").write_bytes(broken)
    with pytest.raises(OSError, match=r"(?i)crc|checksum"):
        pq.read_table(tmp_path / "two.parquet", page_checksum_verification=True)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.parquet"
    Engine().write(pa.table({"x": [1]}), path)
    monkeypatch.setattr(pq, "write_table", _half_written)
    with pytest.raises(OSError, match="disk full"):
        Engine().write(pa.table({"x": [2]}), path)
    assert pq.read_table(path)["x"].to_pylist() == [1]
    assert [p.name for p in tmp_path.iterdir()] == ["x.parquet"]


def _half_written(table, file, **options):
    file.write(b"PAR1")
    raise OSError("disk full")


def doubled(batch):
    return pa.table({"x": pa.compute.multiply(batch["x"], 2), "n": [batch.num_rows] * len(batch)})


def test_batches_come_back_in_order_whatever_the_workers():
    table = pa.table({"x": np.arange(BATCH_ROWS + 5)})
    alone = Engine().map_batches(doubled, table, workers=1)
    assert alone["x"].to_pylist() == list(range(0, 2 * (BATCH_ROWS + 5), 2))
    assert set(alone["n"].to_pylist()) == {BATCH_ROWS, 5}
    assert Engine().map_batches(doubled, table, workers=2).equals(alone)
    assert Engine().map_batches(doubled, table.slice(0, 0)).num_rows == 0


HOSTILE = pa.table(
    {
        "label": ["spam", "ham", None, "spam;--"],
        "text": ["12", "'); DROP TABLE rows; --", None, "free money"],
        "f_x": [1.0, float("nan"), None, -3.0],
        "count": [2**62, 3, None, -1],
        "sent": pa.array([0, 3_600_000_000, None, 5], pa.timestamp("us", tz="UTC")),
    }
)


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ("label = 'spam'", [1, 0, 0, 0]),
        ("text LIKE '%;%' -- a comment", [0, 1, 0, 0]),
        ("text ILIKE '%MONEY%' OR regexp_matches(text, '^[0-9]+$')", [1, 0, 0, 1]),
        ("f_x > 0", [1, 0, 0, 0]),
        ("CAST(text AS INTEGER) = 12", [1, 0, 0, 0]),
        ("count + count > 0", [0, 1, 0, 0]),
        ("CASE WHEN label IS NULL THEN true ELSE count < 0 END", [0, 0, 1, 1]),
        ("hour(sent) = 1", [0, 1, 0, 0]),
        ("1 / 0 = 1", [0, 0, 0, 0]),
    ],
)
def test_a_predicate_hits_where_it_is_true_and_fails_on_no_row(predicate, expected):
    for engine in engines():
        assert engine.filter_sql(HOSTILE, predicate).tolist() == [bool(e) for e in expected]


@pytest.mark.parametrize(
    "predicate",
    [
        "",
        "label =",
        "label",
        "NULL",
        "nosuch = 1",
        "true; DROP TABLE rows",
        "true) FROM rows UNION SELECT (true",
        "label = 'x', true",
        "(SELECT true)",
        "count > (SELECT count(*) FROM read_text('/etc/passwd'))",
        "EXISTS (FROM glob('/*'))",
        "max(count) > 1",
        "row_number() OVER () > 1",
        "random() > 0.5",
        "now() > sent",
        "getenv('HOME') = ''",
        "current_setting('threads') = '1'",
        "COLUMNS(*)",
        "label = ?",
    ],
)
def test_whatever_is_no_pure_expression_is_refused_by_the_rules_name(predicate):
    with pytest.raises(PolicyError, match="my_rule"):
        Engine().filter_sql(HOSTILE, predicate, rule="my_rule")


def test_the_policy_names_the_engine():
    engine = Engine.of(Settings(kind="pandas", threads=1, memory_mb=64))
    assert (engine.kind, engine.threads, engine.memory_mb) == ("pandas", 1, 64)
