"""The drill on the command line, and the tasks and deployment around it."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import yaml

from foretaste.core.workspace import Workspace
from tests.cli.terminal import Terminal
from tests.steps.drills import policy, publish
from tests.workspaces import CHECKOUT, fingerprint


@pytest.fixture
def published(workspace: Workspace) -> Workspace:
    """A workspace with one release and a rule that sees every wrong label."""
    publish(workspace, policy(rule=True), ("2026-01-01",))
    return Workspace.open(workspace.root)


def test_a_drill_tells_what_gets_through_and_changes_nothing(
    foretaste: Terminal, published: Workspace, tmp_path: Path
) -> None:
    before = fingerprint(published)
    svg = tmp_path / "drill.svg"
    attacks = ("--attack", "collusion", "--attack", "shilling")
    where = ("--workspace", published.root, "--svg", svg)
    told = foretaste("drill", "--small", *attacks, "--budget", "4,5,1", *where, "--json")
    assert told.code == 0, told.err
    collusion, shilling = told.json["attacks"]
    assert told.json["recall"] == 1.0
    assert (collusion["smallest"], len(collusion["trials"])) == (None, 1)
    assert collusion["trials"][0]["rows"] == 20
    assert "ratings" in shilling["why_not"]
    assert svg.read_text().startswith("<svg ")
    assert "collusion: 4 accounts, 20 rows: 0% learnt" in told.err
    assert fingerprint(published) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--attack", "nonsense"), "no attack"), (("--budget", "0"), "no budget")],
)
def test_what_cannot_be_drilled_is_exit_code_2(
    arguments: tuple[str, ...], said: str, foretaste: Terminal, published: Workspace
) -> None:
    told = foretaste("drill", *arguments, "--workspace", published.root)
    assert told.code == 2
    assert said in told.err
    assert told.out == ""


def test_a_workspace_without_a_release_is_exit_code_1(
    foretaste: Terminal, workspace: Workspace
) -> None:
    told = foretaste("drill", "--workspace", workspace.root)
    assert told.code == 1
    assert "no release" in told.err


def test_after_a_night_the_drill_warns_and_never_fails(
    published: Workspace, workspace: Workspace
) -> None:
    from tasks.drill import drill_after

    assert drill_after.fn(published) == ()
    publish(workspace, policy(rule=False), ("2026-01-05",))
    (warning,) = drill_after.fn(Workspace.open(workspace.root))
    assert "kept out for" in warning


def test_a_drill_that_cannot_be_run_is_a_warning(workspace: Workspace) -> None:
    from tasks.drill import drill_after

    (warning,) = drill_after.fn(workspace)
    assert warning.startswith("the drill could not be run: ")


def test_the_deployment_names_a_flow_with_those_parameters() -> None:
    said = yaml.safe_load((CHECKOUT / "prefect.yaml").read_text())["deployments"]
    (one,) = (each for each in said if each["name"] == "drill")
    module, _, name = one["entrypoint"].rpartition(".")
    flow = getattr(importlib.import_module(module), name)
    assert set(one["parameters"]) == set(flow.parameters.properties)
