"""What can go wrong, named for the user's problem.

::

    ForetasteError                exit code
      ContractError(location)         2      the input breaks the contract in every file
      PolicyError(location)           2      params.yaml is wrong
      WorkspaceError                  1      the workspace is not usable
        Locked                        6      another run holds it
        Changed                       1      somebody else changed it meanwhile
        Dirty                         5      files changed behind our back
        Tampered                      5      a digest or a signature does not match
      IntegrityError                  5      rows were lost or invented: a fault of ours
      GateRefused(reasons)            3      finished, but held by a gate
      Unavailable                    75      a remote or a database is away: try again
"""

from __future__ import annotations


class ForetasteError(Exception):
    """A problem with one clear sentence and, where there is one, a hint.

    Parameters
    ----------
    message
        One sentence that says what is wrong and where.
    hint
        What to do about it; a command where there is one.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ContractError(ForetasteError):
    """The input breaks the contract; ``location`` names file, row and column."""

    exit_code = 2

    def __init__(self, message: str, *, location: str = "", hint: str = "") -> None:
        super().__init__(f"{location}: {message}" if location else message, hint=hint)
        self.location = location


class PolicyError(ContractError):
    """The policy file is wrong; ``location`` names the file and the key."""


class WorkspaceError(ForetasteError):
    """The workspace cannot be used as it is."""


class Locked(WorkspaceError):
    """Another run holds the workspace's lock."""

    exit_code = 6


class Changed(WorkspaceError):
    """Somebody else changed what was about to be written."""


class Dirty(WorkspaceError):
    """Tracked files of the workspace were changed outside foretaste."""

    exit_code = 5


class Tampered(WorkspaceError):
    """A digest or a signature does not match what was recorded."""

    exit_code = 5


class IntegrityError(ForetasteError):
    """Rows were lost, invented or judged twice; the run must stop."""

    exit_code = 5


class GateRefused(ForetasteError):
    """The run finished, but a gate holds its result.

    Parameters
    ----------
    reasons
        One sentence per failed gate.
    """

    exit_code = 3

    def __init__(self, message: str, *, reasons: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reasons = reasons


class Unavailable(ForetasteError):
    """Something outside is away for the moment; nothing was changed."""

    exit_code = 75
