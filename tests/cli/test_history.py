"""Runs, releases and their differences on the command line."""

from __future__ import annotations

from foretaste.core.release import Release
from foretaste.core.workspace import Workspace
from tests.cli.terminal import Terminal


def test_runs_and_releases_are_listed_newest_first(foretaste: Terminal, judged: Workspace) -> None:
    here = ("--workspace", judged.root, "--json")
    found = foretaste("runs", *here).json["runs"]
    assert [run["release"] for run in found] == [2, 1]
    assert len(foretaste("runs", "--limit", 1, *here).json["runs"]) == 1
    assert [r["number"] for r in foretaste("releases", *here).json["releases"]] == [2, 1]


def test_a_release_is_shown_and_verified(foretaste: Terminal, judged: Workspace) -> None:
    here = ("--workspace", judged.root)
    shown = foretaste("show", "2026-01-01", "--verify", *here)
    assert shown.code == 0
    assert "release/0001" in shown.out
    assert "5 in =" in shown.out
    assert "verified" in shown.out
    content = foretaste("show", *here, "--json").json
    assert content["number"] == 2
    assert content["verified"] is False
    assert all(len(entry["sha256"]) == 64 for entry in content["files"].values())


def test_a_diff_counts_all_rows_and_lists_some(
    foretaste: Terminal, workspace: Workspace, two: tuple[Release, Release]
) -> None:
    here = ("--workspace", workspace.root)
    assert len(two) == 2
    content = foretaste("diff", 1, "latest", *here, "--json").json
    assert content["counts"] == {"added": 5, "removed": 0, "changed": 0}
    assert [row["row_id"] for row in content["rows"]] == [f"r{i:04d}" for i in range(10, 15)]
    some = foretaste("diff", 1, 2, "--limit", 2, *here)
    assert some.out.count("\n+ ") == 2
    assert "3 more rows" in some.out
    back = foretaste("diff", 2, 1, *here, "--json").json
    assert back["counts"]["removed"] == 5
