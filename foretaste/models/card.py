"""The card of a model: what it is, how it was judged, signed so that nobody rewrites it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from foretaste.core.errors import Tampered
from foretaste.core.gate import Gate, GateState
from foretaste.core.keys import WorkspaceKey
from foretaste.models.inputs import Inputs

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

#: Signed before the card's bytes, so that no other signature of the key fits here.
_DOMAIN: Final = b"foretaste model card 1\n"
LIBRARIES: Final = ("foretaste", "numpy", "pandas", "scikit-learn", "scipy", "skops")

KNOWN_LIMITS: Final = (
    "trained on contributed rows: poison that moves no gate may have remained",
    "measured on the golden set alone: other populations were not tested",
    "probabilities were not recalibrated after training",
)
"""What is true of every model made here."""


def library_versions() -> dict[str, str]:
    """Versions of the libraries that a model depends on."""
    return {name: version(name) for name in LIBRARIES}


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model; a measure that could not be taken is None.

    Parameters
    ----------
    release, night
        The release it was trained on, e.g. ``"7"``, and its night, ``YYYY-MM-DD``.
    policy_digest
        SHA-256 of the policy it was trained under.
    metrics
        On the golden set; see ``foretaste.models.evaluate``.
    gates
        What the gates said when it was made.
    n_rows, classes, inputs, seed
        What it was trained on; see ``Trained``.
    bootstrap
        True when there was no champion to compare it with.
    champion, champion_metrics
        Digest of the champion that the gates compared it with, and that champion's
        metrics on the same golden set; None on the first night.
    certificate
        What was proven of its answers, as its maker writes it down; None without a proof.
    uncertainty
        Spread of its answers under dropout; see ``foretaste.models.dropout``. None where
        the policy did not ask for it.
    canaries
        SHA-256 of the canary set that it was asked about; "" where none is kept.
    limits
        Sentences: what this model was not tested for.
    versions
        Of the libraries that made it.
    digest, model_bytes
        SHA-256 and size of the model file; filled in when it is saved.
    """

    release: str
    night: str
    policy_digest: str
    metrics: Mapping[str, float | None]
    gates: tuple[Gate, ...]
    n_rows: int
    classes: tuple[str, ...]
    inputs: Inputs
    seed: int
    bootstrap: bool
    champion: str | None = None
    champion_metrics: Mapping[str, float | None] | None = None
    certificate: Mapping[str, Any] | None = None
    uncertainty: Mapping[str, float | None] | None = None
    canaries: str = ""
    limits: tuple[str, ...] = KNOWN_LIMITS
    versions: Mapping[str, str] = field(default_factory=library_versions)
    digest: str = ""
    model_bytes: int = 0

    def to_bytes(self) -> bytes:
        """Write canonical JSON: sorted keys, ASCII, no NaN (it becomes null)."""
        return json.dumps(
            _clean(asdict(self)), sort_keys=True, indent=1, ensure_ascii=True, allow_nan=False
        ).encode("ascii")

    @classmethod
    def from_bytes(cls, raw: bytes) -> ModelCard:
        """Read what ``to_bytes`` wrote; call only on bytes whose signature was verified.

        Raises
        ------
        Tampered
            If the bytes are not a card of this format.
        """
        try:
            told = json.loads(raw)
            told["gates"] = tuple(
                Gate(**{**gate, "state": GateState(gate["state"])}) for gate in told["gates"]
            )
            told["inputs"] = Inputs(told["inputs"]["text"], tuple(told["inputs"]["features"]))
            told["classes"] = tuple(told["classes"])
            told["limits"] = tuple(told["limits"])
            return cls(**told)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Tampered(f"the model's card is not one of this format: {error}") from None


def sign_card(raw: bytes, key: WorkspaceKey) -> bytes:
    """Sign a card's bytes with the workspace key; 64 bytes, Ed25519."""
    return key.signing_key().sign(_DOMAIN + raw)


def public_key(key: WorkspaceKey) -> str:
    """Give the key that verifies this workspace's cards, no secret; 64 hex digits."""
    return key.signing_key().public_key().public_bytes_raw().hex()


def verify_card(raw: bytes, signature: bytes, key: WorkspaceKey | Ed25519PublicKey) -> None:
    """Return only if the card was signed with this workspace's key.

    Parameters
    ----------
    key
        The workspace's key, or the public half of it where the workspace is not.

    Raises
    ------
    Tampered
        If the card or its signature was changed, or another key signed it.
    """
    from cryptography.exceptions import InvalidSignature

    public = key.signing_key().public_key() if isinstance(key, WorkspaceKey) else key
    try:
        public.verify(signature, _DOMAIN + raw)
    except InvalidSignature:
        raise Tampered(
            "the model's card does not match its signature",
            hint="restore the model folder with `dvc pull`, or promote another model",
        ) from None


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(v) for v in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
