"""A step runs once for what it is given, again when that changes, and trusts no edit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from foretaste.core.errors import Tampered
from foretaste.core.manifest import MANIFEST
from foretaste.core.policy import Policy
from foretaste.steps.night import Night, read_json, run_step
from tests.steps.nights import a_night


class Step:
    """Counts how often it computes."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, out: Path) -> Mapping[str, int]:
        self.times += 1
        (out / "answer.txt").write_text("42")
        return {"rows": 1}


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return a_night(tmp_path)


def test_the_same_inputs_compute_once(night: Night) -> None:
    step = Step()
    for _ in range(3):
        folder = run_step(night, "answer", {"question": "six by nine"}, step)
    assert step.times == 1
    assert (folder / "answer.txt").read_text() == "42"
    assert read_json(night.work / "timings.json")["answer"]["rows"] == {"rows": 1}


def test_a_changed_digest_file_or_folder_computes_again(night: Night, tmp_path: Path) -> None:
    step = Step()
    folder = tmp_path / "in"
    folder.mkdir()
    changes: tuple[Callable[[], object], ...] = (
        partial((folder / "a").write_text, "1"),
        partial((folder / "a").write_text, "2"),
        partial((folder / "b").write_text, ""),
        partial((folder / "b").rename, folder / "c"),
    )
    for number, change in enumerate(changes, start=1):
        change()
        for _ in range(2):
            run_step(night, "answer", {"in": folder}, step)
        assert step.times == number
    run_step(night, "answer", {"in": folder, "more": "digest"}, step)
    assert step.times == 5


@pytest.mark.parametrize("policy", [Policy(seed=8), Policy(window_nights=3)])
def test_another_policy_computes_again(night: Night, policy: Policy) -> None:
    step = Step()
    run_step(night, "answer", {}, step)
    run_step(replace(night, policy=policy), "answer", {}, step)
    assert step.times == 2


@pytest.mark.parametrize("content", ["41", None])
def test_a_tampered_output_is_refused(night: Night, content: str | None) -> None:
    step = Step()
    answer = run_step(night, "answer", {}, step) / "answer.txt"
    answer.unlink() if content is None else answer.write_text(content)
    with pytest.raises(Tampered, match=r"answer\.txt"):
        run_step(night, "answer", {}, step)
    assert step.times == 1


def test_a_step_that_dies_leaves_nothing_that_counts(night: Night) -> None:
    def dies(out: Path) -> Mapping[str, int]:
        (out / "half.txt").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_step(night, "answer", {}, dies)
    assert not night.folder("answer").exists()
    folder = run_step(night, "answer", {}, Step())
    assert sorted(p.name for p in folder.iterdir()) == ["answer.txt", MANIFEST]
