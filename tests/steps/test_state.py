"""What people decided is remembered in the state that a night starts from."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretaste.core.contract import contribution_schema
from foretaste.core.layout import partition
from foretaste.steps.night import Night
from foretaste.steps.state import DECISION_SCHEMA, begin, read_apart, read_poisoned, read_validity
from tests.steps.nights import AS_OF, NOTHING, a_night

Said = tuple[int, str, str]


def write_decisions(state: Path, *said: Said) -> Path:
    """Write decisions from (number, contributor, decision), one row each."""
    lines = [
        {
            "decision_id": number,
            "row_id": f"r{i}",
            "contributor_id": who,
            "decision": decision,
            "night": "2026-11-17",
        }
        for i, (number, who, decision) in enumerate(said)
    ]
    state.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(lines, DECISION_SCHEMA), state / "decisions.parquet")
    return state


def sets(*groups: str) -> tuple[frozenset[str], ...]:
    """A set of one-letter contributors per word."""
    return tuple(map(frozenset, groups))


def spread(number: int, people: str, decision: str) -> tuple[Said, ...]:
    """A decision about one-letter contributors."""
    return tuple((number, who, decision) for who in people)


@pytest.mark.parametrize(
    ("said", "apart"),
    [
        ((), ()),
        (spread(1, "ab", "release"), ()),
        (spread(1, "aabbc", "apart"), sets("abc")),
        (spread(2, "cd", "apart") + spread(1, "ab", "apart"), sets("ab", "cd")),
        (spread(1, "abc", "apart") + spread(2, "bx", "poison"), sets("ac")),
        (spread(1, "ab", "apart") + spread(2, "b", "poison"), ()),
        (spread(1, "ab", "poison") + spread(2, "ab", "apart"), sets("ab")),
        (
            spread(1, "ab", "apart") + spread(2, "b", "poison") + spread(3, "bc", "apart"),
            sets("bc"),
        ),
        (spread(1, "a", "apart"), ()),
    ],
    ids=[
        "nothing",
        "released only",
        "one set",
        "by number",
        "later poison wins",
        "nobody left to part",
        "earlier poison yields",
        "each decision for itself",
        "one account",
    ],
)
def test_people_keep_contributors_apart_until_they_say_otherwise(
    said: tuple[Said, ...], apart: tuple[frozenset[str], ...], tmp_path: Path
) -> None:
    assert read_apart(write_decisions(tmp_path, *said)) == apart


def test_the_last_word_on_a_row_says_whether_it_is_poison(tmp_path: Path) -> None:
    state = write_decisions(tmp_path, (1, "a", "poison"), (2, "b", "release"), (3, "c", "poison"))
    assert read_poisoned(state) == {"r0", "r2"}
    assert read_poisoned(tmp_path / "none") == frozenset()
    lines = pq.read_table(state / "decisions.parquet").to_pylist()
    appeal = [lines[0] | {"decision_id": 4, "decision": "release"}]
    pq.write_table(
        pa.Table.from_pylist([*lines, *appeal], DECISION_SCHEMA), state / "decisions.parquet"
    )
    assert read_poisoned(state) == {"r2"}


def test_a_first_night_keeps_nobody_apart(tmp_path: Path) -> None:
    assert read_apart(tmp_path / "none") == ()


def land(night: Night, people: str) -> None:
    """Let each one-letter contributor have sent the row ``row-x`` the night before."""
    folder = partition(night.layout.contributions, "2026-11-17")
    folder.mkdir(parents=True)
    schema = contribution_schema((), ())
    lines = [
        dict.fromkeys(schema.names)
        | {
            "row_id": f"row-{who}",
            "contribution_id": who,
            "contributor_id": who,
            "contributed_at": AS_OF,
            "time_unknown": False,
            "label": "ham",
            "tier": "registered",
            "row_digest": "0",
            "source": "1",
            "source_row": i,
        }
        for i, who in enumerate(people)
    ]
    pq.write_table(pa.Table.from_pylist(lines, schema), folder / "contributions.parquet")


def decided(number: int, people: str, decision: str) -> pd.DataFrame:
    """What people decided about the rows of one-letter contributors."""
    lines = [(number, f"row-{who}", decision) for who in people]
    return pd.DataFrame(lines, columns=list(NOTHING.columns))


def test_whoever_is_kept_apart_has_a_good_record(tmp_path: Path) -> None:
    night = a_night(tmp_path)
    land(night, "abcd")
    said = pd.concat([decided(1, "ab", "apart"), decided(2, "c", "poison")], ignore_index=True)
    state = begin(night, said)
    assert read_apart(state) == sets("ab")
    record = read_validity(state).set_index("contributor_id")
    assert (record.loc[["a", "b"], "good"] > record.loc[["a", "b"], "bad"]).all()
    assert (record.loc[["c"], "bad"] > record.loc[["c"], "good"]).all()
    assert "d" not in record.index
