"""The command line, called as a shell does, without the cost of a process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from foretaste.cli.main import main


@dataclass(frozen=True)
class Answer:
    """What a command gave back."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class Terminal(Protocol):
    """Calls ``foretaste`` with arguments."""

    def __call__(self, *arguments: object) -> Answer: ...


def terminal(patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Give a callable command line."""

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        patch.setattr("sys.argv", ["foretaste", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Answer(int(ended.value.code or 0), out, err)

    return call
