"""What the command line prints: data on stdout, words on stderr."""

from __future__ import annotations

import copy
import json
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from foretaste.core.errors import ForetasteError

SCHEMA_VERSION = 1
_PIPE_WIDTH = 10_000

WorkspaceOption = Annotated[
    Path,
    typer.Option(
        "--workspace", "-w", envvar="FORETASTE_WORKSPACE", help="Folder of the workspace."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", help="Take this as now: YYYY-MM-DD or an ISO time with zone."),
]
ByOption = Annotated[
    str | None, typer.Option("--by", help="Who does it; default: the account's name.")
]

HERE = Path()


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints for a person, or one JSON object for a program."""

    as_json: bool

    def data(self, content: Mapping[str, Any], lines: Iterable[str] = ()) -> None:
        """Print ``content`` as JSON, or ``lines`` for a person."""
        if self.as_json:
            document = {"schema_version": SCHEMA_VERSION, **content}
            sys.stdout.write(json.dumps(document, indent=1, sort_keys=True, default=str) + "\n")
            return
        for line in lines:
            sys.stdout.write(printable(line) + "\n")

    def table(self, name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Print rows as a table, or as a JSON list under ``name``."""
        if self.as_json:
            self.data({name: [dict(row) for row in rows]})
            return
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            # An id that is cut is an id that nobody can use.
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(_cell(row.get(column)) for column in columns))
        if rows:
            width = None if sys.stdout.isatty() else _PIPE_WIDTH
            Console(width=width).print(table)
        else:
            note(f"no {name}")


def print_marked(lines: Iterable[tuple[str, bool]]) -> None:
    """Print lines for a person, in red those that are marked."""
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True)
    for line, marked in lines:
        console.print(Text(printable(line), style="bold red" if marked else ""))


def _cell(value: Any) -> str:
    from rich.markup import escape

    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return escape(printable(str(value)))


def printable(text: str) -> str:
    """Show control and bidirectional characters instead of obeying them."""
    return "".join(c if c.isprintable() else f"⟦U+{ord(c):04X}⟧" for c in text)


class LogLines(logging.Formatter):
    """Formats log lines so that what they quote obeys no terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record; an expected error's sentence stands without its traceback."""
        if record.exc_info and isinstance(record.exc_info[1], ForetasteError):
            record = copy.copy(record)  # other handlers keep it
            record.exc_info = record.exc_text = None
        return "\n".join(printable(line) for line in super().format(record).splitlines())


def note(text: str) -> None:
    """Say something to the person, on stderr."""
    sys.stderr.write(printable(text) + "\n")


def print_error(error: ForetasteError, as_json: bool) -> None:
    """Print one clear sentence and a hint; as JSON on stdout when asked."""
    if as_json:
        document = {
            "schema_version": SCHEMA_VERSION,
            "error": {"code": error.exit_code, "message": error.message, "hint": error.hint},
        }
        sys.stdout.write(json.dumps(document, indent=1, sort_keys=True) + "\n")
    note(f"foretaste: {error}")
    if error.hint:
        note(f"  hint: {error.hint}")
