"""The ``foretaste`` command: each subcommand lives in a file named for what it is about."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

import typer

from foretaste import __version__
from foretaste.cli import (
    ab,
    actors,
    audit,
    bisect,
    desk,
    drill,
    explain,
    feed,
    history,
    models,
    nights,
    purge,
    review,
    rules,
    users,
    workspaces,
)
from foretaste.cli.output import LogLines, note, print_error
from foretaste.core.errors import ForetasteError, WorkspaceError

CHECKOUT = Path(__file__).resolve().parents[2]
_ROOMS = ("detectors", "expectations", "tasks", "flows")

app = typer.Typer(
    name="foretaste",
    help="Tries user-contributed training data for poison before a model eats it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Say more, on stderr."),
) -> None:
    """Tries user-contributed training data for poison before a model eats it."""
    if version:
        sys.stdout.write(f"foretaste {__version__}\n")
        raise typer.Exit
    level = logging.INFO if verbose else logging.WARNING
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogLines("%(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


for room in (
    workspaces,
    nights,
    history,
    explain,
    actors,
    review,
    desk,
    users,
    audit,
    feed,
    rules,
    models,
    purge,
    bisect,
    ab,
    drill,
):
    room.register(app)


def main() -> NoReturn:
    """Run the command line and turn every expected error into its exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    as_json = "--json" in sys.argv
    try:
        _check_rooms()
        code = app(standalone_mode=False)
    except ForetasteError as error:
        print_error(error, as_json)
        sys.exit(error.exit_code)
    except (typer.Exit, typer.Abort) as error:
        sys.exit(getattr(error, "exit_code", 1))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        note("foretaste: interrupted")
        sys.exit(130)
    except Exception as error:
        if not hasattr(error, "show"):
            raise
        error.show()
        sys.exit(getattr(error, "exit_code", 2))
    sys.exit(code if isinstance(code, int) else 0)


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Leave as the shell expects; open files are drafts, and locks free themselves."""
    raise SystemExit(143)


def _check_rooms() -> None:
    """Refuse to run when a package of a generic name is not this checkout's."""
    for name in _ROOMS:
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        if origin is None or CHECKOUT not in origin.parents:
            raise WorkspaceError(
                f"the package '{name}' comes from {origin}, not from this checkout",
                hint="uninstall the other package, or use an environment of foretaste's own",
            )
