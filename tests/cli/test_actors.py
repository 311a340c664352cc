"""Groups of accounts on the command line."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from foretaste.core.workspace import Workspace
from tests.cli.terminal import Terminal
from tests.views.judged import NIGHTS


def test_groups_are_listed_shown_and_drawn(
    foretaste: Terminal, judged: Workspace, tmp_path: Path
) -> None:
    here = ("--workspace", judged.root)
    (group,) = foretaste("actors", *here, "--json").json["actors"]
    assert group["id"] in foretaste("actors", NIGHTS[0], *here).out
    shown = foretaste("actors", "--show", group["id"], *here)
    assert "1 edges, the most surprising first" in shown.out
    file = tmp_path / "group.svg"
    drawn = foretaste("actors", NIGHTS[1], "--show", group["id"], "--svg", file, *here, "--json")
    assert drawn.json["svg"] == str(file)
    assert drawn.json["night"] == NIGHTS[1]
    assert ElementTree.parse(file).getroot().tag.endswith("}svg")


def test_a_picture_never_takes_the_place_of_a_folder(
    foretaste: Terminal, judged: Workspace, tmp_path: Path
) -> None:
    here = ("--workspace", judged.root)
    (group,) = foretaste("actors", *here, "--json").json["actors"]
    answer = foretaste("actors", "--show", group["id"], "--svg", tmp_path, *here)
    assert answer.code == 2
    assert answer.out == ""
    assert f"{tmp_path}: the picture cannot be written" in answer.err
