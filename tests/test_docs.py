"""Docs against code: what the pages name is there, and what is there is named."""

from __future__ import annotations

import ast
import importlib.util
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import typer

from detectors.registry import DETECTORS
from foretaste.cli.main import app
from foretaste.core.errors import ForetasteError
from foretaste.core.policy import Decision, Gates
from foretaste.models.evaluate import TrustedSets
from foretaste.models.gates import run_gates
from tests.models.worlds import scored
from tests.workspaces import CHECKOUT

DOCS = CHECKOUT / "docs"
PAGES = sorted([*CHECKOUT.glob("*.md"), *DOCS.rglob("*.md"), *CHECKOUT.glob("data/sample/*.md")])
COMMANDS = getattr(typer.main.get_command(app), "commands")  # noqa: B009
EXAMPLE_PATHS = ("/etc/systemd/", "/srv/", "/opt/")


def read(name: str) -> str:
    """Text of a page of the docs."""
    return (DOCS / name).read_text(encoding="utf-8")


def sections() -> dict[str, str]:
    """Text of the user guide below the heading of each command."""
    parts = re.split(r"^### `foretaste ([a-z]+)[^\n]*\n", read("user-guide.md"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def page_maker() -> ModuleType:
    """Load docs/make_policy.py, which is no part of any package."""
    spec = importlib.util.spec_from_file_location("make_policy", DOCS / "make_policy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def all_gates() -> set[str]:
    """Names of the gates that a candidate meets when every trusted set is there."""
    labels = np.array(["a", "b"] * 40, dtype=object)
    golden = pd.DataFrame({"label": labels})
    canaries = pd.DataFrame(
        {
            "attack": ["trigger"] * 40 + [None] * 40,
            "target_label": ["a"] * 40 + [None] * 40,
            "true_label": ["b"] * 80,
        }
    )
    traffic = pd.DataFrame({"unit_id": range(80), "ts": range(80), "outcome": labels})
    candidate = scored(labels, labels, labels)
    champion = replace(candidate, digest="e" * 64)
    sets = TrustedSets(golden, canaries, traffic)
    limits = Gates(bootstrap=100)
    return {g.name for g in run_gates(candidate, champion, sets, limits, seed=1)}


def test_the_policy_page_is_what_the_code_says() -> None:
    assert read("policy.md") == page_maker().policy_page(), "run `make docs`"


def test_the_guide_has_a_section_for_every_command_and_no_other() -> None:
    assert set(sections()) == set(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_guide_names_no_option_that_a_command_lacks(command: str) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", sections().get(command, "")))
    known = {opt for p in COMMANDS[command].params for opt in (*p.opts, *p.secondary_opts)}
    assert named <= known


def test_the_readme_names_no_command_that_is_not_there() -> None:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    shell = "\n".join(re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL))
    assert set(re.findall(r"^foretaste ([a-z]+)", shell, flags=re.MULTILINE)) <= set(COMMANDS)


def test_the_readme_names_every_exit_code() -> None:
    codes = {error.exit_code for error in _errors(ForetasteError)}
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    named = {int(code) for code in re.findall(r"^\| (\d+) \|", text, flags=re.MULTILINE)}
    assert codes | {0, 130, 143} == named


def _errors(root: type[ForetasteError]) -> set[type[ForetasteError]]:
    return {root}.union(*(_errors(child) for child in root.__subclasses__()))


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_every_detector_has_its_section_in_the_methods(name: str) -> None:
    assert re.search(rf"^### `{name}`$", read("methods.md"), flags=re.MULTILINE)


def test_the_methods_name_no_detector_that_is_not_there() -> None:
    named = re.findall(r"^### `([a-z_]+)`$", read("methods.md"), flags=re.MULTILINE)
    assert set(named) == set(DETECTORS)


def test_every_family_cap_in_the_methods_is_the_policys() -> None:
    found = re.findall(r"^\| `([a-z_]+)` \| ([0-9.]+) \|", read("methods.md"), flags=re.MULTILINE)
    assert {name: float(cap) for name, cap in found} == Decision().family_caps


def test_every_gate_is_in_the_methods_and_no_other() -> None:
    table = read("methods.md").partition("## Gates")[2]
    assert set(re.findall(r"^\| `([a-z_]+)` \|", table, flags=re.MULTILINE)) == all_gates()


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", read("threat-model.md"))
    assert named
    missing = [f"{path}::{test}" for path, test in named if test not in _tests_of(path)]
    assert not missing


def _tests_of(path: str) -> set[str]:
    file = CHECKOUT / path
    if not file.is_file():
        return set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_line_of_the_threat_model_names_a_test() -> None:
    lines = [x for x in read("threat-model.md").splitlines() if x.startswith("| ")]
    attacks = [x for x in lines if not x.startswith(("| attack |", "|---"))]
    assert len(attacks) > 20
    assert not [x for x in attacks if "::test_" not in x]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if "://" not in link]
    assert not [link for link in inside if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_no_page_names_a_registry_or_a_place_on_somebodys_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    registries = r"pypi\.|pythonhosted|index-url|npmjs|anaconda\.org|artifactory"
    assert not re.search(registries, text, flags=re.IGNORECASE)
    paths = re.findall(r"(?:^|[\s`\"'(=])(/[a-z][\w.-]*/[\w./-]*)", text, flags=re.MULTILINE)
    assert not [path for path in paths if not path.startswith(EXAMPLE_PATHS)]


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(p.name[:4]) for p in sorted((DOCS / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
