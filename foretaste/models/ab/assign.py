"""Which arm answers a unit: a salted hash, the same in every process and language.

SHA-256 of ``salt:unit_id`` in UTF-8; its first 13 hex digits are a number below 2^52,
which is exact in every language's doubles; numbers below the threshold are the
candidate's. The salt is the test's own: who was in one test's candidate arm says nothing
about the next, and nobody who lacks the file can choose an id for its arm.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from foretaste.core.errors import WorkspaceError
from foretaste.core.files import canonical_json

Arm = Literal["champion", "candidate"]
ARMS: Final[tuple[Arm, Arm]] = ("candidate", "champion")
RULE: Final = "candidate if int(sha256(salt + ':' + unit_id).hex[:13], 16) < threshold"
_BUCKETS: Final = 1 << 52
_EXAMPLES: Final = ("", "1", "user-42", "zoë")


@dataclass(frozen=True, slots=True)
class Split:
    """How one test divides units.

    Parameters
    ----------
    test
        The test's name.
    salt
        Hex digits that only this test uses.
    threshold
        Of 2^52 buckets, those that are the candidate's; 0 sends everybody to the champion.
    candidate, champion
        Digests of the models.
    """

    test: str
    salt: str
    threshold: int
    candidate: str
    champion: str

    @classmethod
    def of(cls, test: str, salt: str, share: float, *, candidate: str, champion: str) -> Split:
        """Make the split that gives the candidate a share of the units."""
        return cls(test, salt, round(share * _BUCKETS), candidate, champion)

    @property
    def share(self) -> float:
        """Share of units that the candidate answers."""
        return self.threshold / _BUCKETS

    def to_bytes(self) -> bytes:
        """Write the split down for servers, with the rule and units to try it on."""
        examples = {unit: assign(unit, self) for unit in _EXAMPLES}
        return canonical_json({**asdict(self), "rule": RULE, "examples": examples})


def assign(unit_id: str, split: Split) -> Arm:
    """Tell which arm answers a unit; pure, and the same wherever it is called."""
    text = f"{split.salt}:{unit_id}".encode("utf-8", "surrogatepass")
    bucket = int(hashlib.sha256(text).hexdigest()[:13], 16)
    return "candidate" if bucket < split.threshold else "champion"


def read_split(path: Path) -> Split:
    """Read the split that ``foretaste ab`` wrote; for a process that serves.

    Raises
    ------
    WorkspaceError
        If there is none, or it is damaged: then let the champion answer.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        texts = {name: str(found[name]) for name in ("test", "salt", "candidate", "champion")}
        split = Split(threshold=int(found["threshold"]), **texts)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise _no_split(path, error) from None
    if not 0 <= split.threshold <= _BUCKETS:
        raise _no_split(path, "its threshold is out of range")
    return split


def _no_split(path: Path, why: object) -> WorkspaceError:
    return WorkspaceError(
        f"{path} holds no split: {why}", hint="let the champion answer; `foretaste ab status`"
    )
