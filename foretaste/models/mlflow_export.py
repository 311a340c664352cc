"""Hand a signed model to MLflow's model registry, and take it from there again.

What goes is what ``models/<digest>`` holds: skops file, card, signature. There is no
pyfunc flavour on purpose: ``mlflow.pyfunc.load_model`` imports the module that the file
``MLmodel`` names before anything could be verified, so whoever writes to the registry
would run code where the model is served. ``load_exported`` verifies first.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from foretaste.core.errors import ContractError, PolicyError, Unavailable, WorkspaceError
from foretaste.core.ledger import Champion
from foretaste.models.card import ModelCard
from foretaste.models.promotion import against_gates
from foretaste.models.registry import Loaded, load_model

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

log = logging.getLogger(__name__)

ALIAS: Final = "champion"
_SERVERS: Final = ("http", "https")
_DATABASES: Final = ("sqlite", "postgresql", "mysql", "mssql")
_LONGEST: Final = 500
_TOLD: Final = 200
_REFUSED: Final = frozenset({"INVALID_PARAMETER_VALUE", "PERMISSION_DENIED", "UNAUTHENTICATED"})


@dataclass(frozen=True, slots=True)
class Registry:
    """Which registry, and the model's name there.

    Parameters
    ----------
    uri
        Of an MLflow server, or of the database that is its store.
    name
        Registered model; also the experiment that holds the runs.
    artifacts
        Where files go, for a database; a server says so itself.
    """

    uri: str
    name: str
    artifacts: str = ""

    def check(self) -> Registry:
        """Return itself, if it can be one.

        Raises
        ------
        ContractError
            If the URI is neither a server nor a database, a database comes without a
            place for files, or the name cannot be one.
        """
        if not re.fullmatch(r"[\w.-]{1,200}", self.name, re.ASCII):
            raise ContractError(
                f"{self.name[:80]!r} is no name for a registered model",
                location="--name",
                hint="letters, digits, dots, dashes and underscores",
            )
        scheme = urlsplit(self.uri).scheme.partition("+")[0]
        if scheme not in (*_SERVERS, *_DATABASES):
            raise ContractError(
                f"a registry is reached by {', '.join((*_SERVERS, *_DATABASES))}, "
                f"not by {scheme or 'a path'!r}",
                location="--to",
                hint="MLflow keeps file stores no longer; use sqlite:///FILE",
            )
        if scheme in _DATABASES and not self.artifacts:
            raise ContractError(
                "a database keeps no files", location="--artifacts", hint="say where they go"
            )
        return self


@dataclass(frozen=True, slots=True)
class Exported:
    """A version in the registry; ``new`` is False where the model was there already."""

    name: str
    version: int
    new: bool


def tags_of(card: ModelCard, history: Sequence[Champion]) -> dict[str, str]:
    """Tell what foretaste knows of a model as tags of its version.

    Parameters
    ----------
    history
        Who was champion, newest first.
    """
    states = {f"foretaste.gate.{gate.name}": str(gate.state) for gate in card.gates}
    mine = next((one for one in history if one.model == card.digest), None)
    overruled = against_gates(history).get(mine.seq) if mine else None
    tags = {
        "digest": card.digest,
        "release": card.release,
        "night": card.night,
        "policy": card.policy_digest,
        "certificate": str((card.certificate or {}).get("word", "none")),
        "champion": str(mine.seq) if mine else "never",
        "serves": str(bool(mine and mine is history[0])).lower(),
        "override": f"{overruled.by}: {overruled.reason}" if overruled else "no",
    }
    return {f"foretaste.{name}": value[:_LONGEST] for name, value in tags.items()} | states


def export(
    files: Mapping[str, bytes], card: ModelCard, tags: Mapping[str, str], to: Registry
) -> Exported:
    """Register a model, or bring the tags of one that is there up to date.

    The version is made last: killed before, nothing but a run without a version is left.
    The alias ``champion`` moves to the model when it serves, and goes when it does not.

    Parameters
    ----------
    files
        As ``foretaste.models.registry.read_files`` gives them, verified.
    tags
        As ``tags_of`` gives them.

    Raises
    ------
    PolicyError
        If the extra ``mlflow`` is not installed.
    Unavailable, WorkspaceError
        If the registry is away, or says no.
    """
    with _client(to.check().uri) as client:
        known = _known(client, to.name, card.digest)
        version = known or _registered(client, files, card, to)
        for name, value in tags.items():
            client.set_model_version_tag(to.name, version, name, value)
        _point(client, to.name, version, serves=tags["foretaste.serves"] == "true")
    return Exported(to.name, int(version), known is None)


def load_exported(
    to: Registry, version: int | None, public: str, *, memory_mb: int = 2048
) -> Loaded:
    """Load a model from the registry once its signature and digest are verified.

    Parameters
    ----------
    version
        None: the one with the alias ``champion``.
    public
        The workspace's public key, as ``foretaste export`` prints it. Take it from there,
        never from the registry: who can write models there can write keys too.

    Raises
    ------
    Tampered
        If the model is not what the workspace signed.
    WorkspaceError, Unavailable, PolicyError
        As for ``load_model`` and ``export``.
    """
    key = _public(public)
    with _client(to.check().uri) as client, tempfile.TemporaryDirectory() as folder:
        if version is None:
            version = int(client.get_model_version_by_alias(to.name, ALIAS).version)
        source = client.get_model_version_download_uri(to.name, str(version))
        _downloaded(source, to.uri, folder)
        found = [place.name for place in Path(folder).iterdir()]
        if len(found) != 1:
            raise WorkspaceError(f"version {version} of {to.name} was not exported by foretaste")
        return load_model(Path(folder), found[0], key, memory_mb=memory_mb)


def _known(client: Any, name: str, digest: str) -> str | None:
    """Find the version of a model that was exported before."""
    wanted = f"name = '{name}' and tag.`foretaste.digest` = '{digest}'"
    found = client.search_model_versions(wanted)
    return str(max(int(one.version) for one in found)) if found else None


def _registered(client: Any, files: Mapping[str, bytes], card: ModelCard, to: Registry) -> str:
    run = client.create_run(
        _experiment(client, to),
        run_name=f"release {card.release}",
        tags={"foretaste.digest": card.digest},
    )
    run_id = run.info.run_id
    for name, value in card.metrics.items():
        if value is not None:
            client.log_metric(run_id, name, value)
    for name, said in (("rows", card.n_rows), ("seed", card.seed), *card.versions.items()):
        client.log_param(run_id, name, said)
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        client.log_artifacts(run_id, folder, card.digest)
    client.set_terminated(run_id)
    if not client.search_registered_models(f"name = '{to.name}'"):
        client.create_registered_model(to.name)
    version = client.create_model_version(
        to.name,
        f"{run.info.artifact_uri}/{card.digest}",
        run_id=run_id,
        tags={"foretaste.digest": card.digest},
        description=_told(card),
    )
    return str(version.version)


def _experiment(client: Any, to: Registry) -> str:
    found = client.get_experiment_by_name(to.name)
    if found is not None:
        return str(found.experiment_id)
    return str(client.create_experiment(to.name, artifact_location=to.artifacts or None))


def _point(client: Any, name: str, version: str, *, serves: bool) -> None:
    pointed = client.get_registered_model(name).aliases.get(ALIAS)
    if serves and str(pointed) != version:
        client.set_registered_model_alias(name, ALIAS, version)
    elif not serves and str(pointed) == version:
        client.delete_registered_model_alias(name, ALIAS)


def _told(card: ModelCard) -> str:
    lines = (f"Release {card.release}, night {card.night}, {card.n_rows} rows.", *card.limits)
    return "\n\n".join(lines)


def _downloaded(source: str, uri: str, folder: str) -> None:
    from mlflow.artifacts import download_artifacts

    download_artifacts(artifact_uri=source, dst_path=folder, tracking_uri=uri)


def _public(public: str) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    except ValueError:
        raise ContractError(
            "a public key is 64 hex digits", hint="`foretaste export --dry-run` prints it"
        ) from None


@contextmanager
def _client(uri: str) -> Iterator[Any]:
    """Give a client that phones nobody else, and tell its faults as ours."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    # Its own default asks a server that is away for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        raise PolicyError(
            "the export needs MLflow's client, which is not installed",
            hint="install the extra `mlflow`",
        ) from None
    try:
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)
    except MlflowException as error:
        kind = WorkspaceError if error.error_code in _REFUSED else Unavailable
        why = _without_password(str(error).partition("\n")[0])
        raise kind(f"the registry did not do it: {why}", hint="look at --to and --name") from None
    except (SQLAlchemyError, OSError) as error:
        why = type(error).__name__
        raise Unavailable(f"the registry cannot be reached: {why}", hint="look at --to") from None


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//…@", text)[:_TOLD]
