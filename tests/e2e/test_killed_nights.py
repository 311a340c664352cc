"""Kill -9 in the middle of a night: the next run ends where an undisturbed one does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from foretaste.core.release import releases
from tests.e2e.walks import DAYS, Walked, digest, published, small_world, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.prefect, pytest.mark.extra]


def answers(walked: Walked) -> str:
    """What the model says about the golden set; its file may differ in bytes."""
    return digest(walked.root / "data" / "night" / "evaluate" / "golden.parquet")


def children_of(walked: Walked) -> list[int]:
    """Processes that still work for the workspace."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if str(walked.root).encode() in words and b"foretaste" in words:
            found.append(int(folder.name))
    return found


def killed(walked: Walked, prefect: str, seen: Path) -> subprocess.Popen[bytes]:
    """Start the second night and kill it when a path appears."""
    walked.land("night-1.parquet", small_world()[0][1])
    moment = f"{DAYS[1]}T02:00:00+00:00"
    running = walked.command(
        "run", "--as-of", moment, PREFECT_API_URL=prefect, PREFECT_LOGGING_TO_API_ENABLED="false"
    )
    wait_for(seen.exists, running)
    running.kill()
    running.communicate(timeout=60)
    return running


def test_a_night_killed_while_it_detects_goes_on(
    second: Walked, walked: Walked, prefect: str
) -> None:
    runs = walked.root / "data" / "runs"
    run_id = second.outcomes[1]["run"]
    killed(walked, prefect, runs / run_id / ".detect.tmp" / "votes" / "job.json")
    wait_for(lambda: children_of(walked) == [])
    assert not (runs / run_id / "detect").exists()
    assert published(walked) == ["model/0001", "release/0001"]
    outcome = walked.run(DAYS[1])
    undisturbed = second.outcomes[1]
    told = ("run", "night", "state", "reasons", "account", "release", "cases")
    assert {k: outcome.get(k) for k in told} == {k: undisturbed.get(k) for k in told}
    assert walked.tables(run_id) == second.tables(run_id)
    assert answers(walked) == answers(second)
    assert len(releases(walked.open())) == 2


def test_a_night_killed_before_its_model_is_finished_by_the_next(
    second: Walked, walked: Walked, prefect: str
) -> None:
    killed(walked, prefect, walked.root / ".git" / "refs" / "tags" / "release" / "0002")
    assert published(walked) == ["model/0001", "release/0001", "release/0002"]
    outcome = walked.run(DAYS[2])
    assert published(walked) == published(second)
    assert "model/0002" in published(walked)
    assert outcome["night"] == DAYS[1]
    assert answers(walked) == answers(second)
    assert walked.run(DAYS[2])["state"] == "empty"
    with walked.open().ledger() as ledger, second.open().ledger() as other:
        assert [c.id for c in ledger.cases()] == [c.id for c in other.cases()]
