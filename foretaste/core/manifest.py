"""The manifest of a step: what went in, what came out; both resume and cache."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from foretaste.core.errors import Tampered
from foretaste.core.files import atomic_write, canonical_json, sha256_file

MANIFEST: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A finished step. It is written last, so a folder that has one is whole.

    Parameters
    ----------
    step
        Name of the step.
    inputs, outputs
        SHA-256 by name; outputs by path relative to the step's folder.
    rows
        Row counts by name, for people.
    policy
        Digest of the policy, or of the part of it that the step reads.
    seed
        Seed that the step ran with.
    code
        Version of foretaste.
    extra
        Anything else worth keeping, as JSON values.
    """

    step: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    rows: Mapping[str, int]
    policy: str
    seed: int
    code: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        step: str,
        folder: Path,
        *,
        inputs: Mapping[str, str],
        policy: str,
        seed: int,
        code: str,
        rows: Mapping[str, int] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Self:
        """Describe the files that a step left in its folder."""
        files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
        outputs = {p.relative_to(folder).as_posix(): sha256_file(p) for p in files}
        return cls(step, dict(inputs), outputs, rows or {}, policy, seed, code, extra or {})

    def write(self, folder: Path) -> None:
        """Write it into the step's folder, whole or not at all."""
        atomic_write(folder / MANIFEST, canonical_json(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read the folder's manifest; None where the step has not finished.

        Raises
        ------
        Tampered
            If it is there but is no manifest: we write it whole, so someone else did not.
        """
        path = folder / MANIFEST
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise Tampered(
                f"{path} is not a manifest", hint="remove the step's folder and run again"
            ) from None

    def matches(
        self, *, step: str, inputs: Mapping[str, str], policy: str, seed: int, code: str
    ) -> bool:
        """Tell whether running the step again would give what is there already."""
        asked = (step, dict(inputs), policy, seed, code)
        return asked == (self.step, dict(self.inputs), self.policy, self.seed, self.code)

    def verify(self, folder: Path) -> None:
        """Check every output against its digest.

        Raises
        ------
        Tampered
            If one is missing or differs; the message names the file.
        """
        for name, digest in self.outputs.items():
            path = folder / name
            if not path.is_file() or sha256_file(path) != digest:
                raise Tampered(
                    f"{path} is not what step {self.step} wrote",
                    hint="remove the step's folder and run again",
                )
