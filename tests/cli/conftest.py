"""The command line, called in the test's own process."""

from __future__ import annotations

import pytest

from tests.cli.terminal import Terminal, terminal


@pytest.fixture
def foretaste(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """The command line."""
    return terminal(monkeypatch, capsys)
