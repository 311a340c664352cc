"""A purge through the command line: rows go from every night, the model is made anew."""

from __future__ import annotations

import pandas as pd
import pytest

from foretaste.core.history import diff_releases, verify_release
from foretaste.core.marks import marks, purges
from foretaste.core.release import release, releases
from tests.cli.terminal import Terminal, terminal
from tests.e2e.walks import DAYS, Walked

pytestmark = [pytest.mark.e2e, pytest.mark.prefect]


@pytest.fixture
def foretaste(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """The command line."""
    return terminal(monkeypatch, capsys)


def corpus(walked: Walked) -> pd.DataFrame:
    """The accepted rows of every night in the tree."""
    return pd.read_parquet(walked.root / "data" / "accepted", partitioning=None)


def die_at(point: str, walked: Walked, who: str) -> None:
    """Begin the purge, and die where it calls something."""
    from flows.purge import purge

    def die(*_: object) -> None:
        raise RuntimeError(point)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"flows.purge.{point}", die)
        with pytest.raises(RuntimeError, match=point):
            purge(str(walked.root), [who], "sold account", "ada", as_of=DAYS[1])


def test_a_purged_contributor_is_in_no_night_and_in_no_new_model(
    walked: Walked, foretaste: Terminal, caplog: pytest.LogCaptureFixture
) -> None:
    who = str(corpus(walked)["contributor_id"].value_counts().index[0])
    theirs = set(corpus(walked).query("contributor_id == @who")["row_id"])
    at = ("--workspace", walked.root, "--json")
    used = foretaste("blast", who, *at).json
    assert [(u["release"], u["rows"]) for u in used["releases"]] == [(1, len(theirs))]
    (model,) = used["models"]
    assert (model["rows"], model["champion"]) == (len(theirs), "serves")
    assert 0 < model["share"] < 1

    tried = foretaste("purge", who, "--dry-run", *at)
    assert tried.code == 0
    assert len(releases(walked.open())) == 1

    for point in ("publish_release", "judge"):
        die_at(point, walked, who)
    assert len(releases(walked.open())) == 2
    done = foretaste("purge", who, "--reason", "sold account", "--as-of", DAYS[1], *at)
    assert done.code in (0, 3), done.err
    first, second = releases(walked.open())
    assert done.json["release"] == second.tag
    assert who not in set(corpus(walked)["contributor_id"])
    for path in walked.root.glob("data/contributions/night=*/contributions.parquet"):
        assert who not in set(pd.read_parquet(path, partitioning=None)["contributor_id"])
    difference = diff_releases(walked.open(), first, second)
    assert set(difference["change"]) == {"removed"}
    assert set(difference["row_id"]) == theirs
    verify_release(walked.open(), second)
    assert walked.open().store.changed() == {}
    (said,) = purges([first, second])
    assert (said.marked, said.rows, said.contributors) == ((1,), len(theirs), (who,))
    assert marks([first, second], 1) != []
    assert marks([first, second], 2) == []
    release(walked.open(), 1)
    assert "purged in release 2" in caplog.text
    with walked.open().ledger() as ledger:
        assert ledger.pending_decisions() == []
    used = foretaste("blast", who, *at).json
    assert [u["release"] for u in used["releases"]] == [1]
    assert [m["release"] for m in used["models"]] == [1]

    again = foretaste("purge", who, "--reason", "sold account", "--as-of", DAYS[1], *at)
    assert (again.code, again.json["state"]) == (0, "empty")
    assert len(releases(walked.open())) == 2
