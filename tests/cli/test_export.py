"""Models in MLflow's registry: a database of MLflow's own, and what comes back from it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foretaste.core.errors import ContractError, Tampered
from foretaste.core.workspace import Workspace
from foretaste.models.mlflow_export import Registry, load_exported
from foretaste.models.predict import predictions
from foretaste.models.registry import load_model
from tests.cli.terminal import Answer, Terminal
from tests.models.worlds import numeric
from tests.views.judged import AT
from tests.views.served import save_candidate


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry: MLflow takes seconds to make its tables, so the tests share them."""
    folder = tmp_path_factory.mktemp("mlflow")
    loud = logging.getLogger("mlflow")
    before, loud.propagate = loud.propagate, False
    yield Registry(f"sqlite:///{folder / 'mlflow.db'}", "spam", (folder / "files").as_uri())
    loud.propagate = before


@pytest.fixture
def own(shelf: Registry, request: pytest.FixtureRequest) -> Registry:
    """A model name of the test's own there."""
    return Registry(shelf.uri, request.node.name, shelf.artifacts)


def _export(foretaste: Terminal, workspace: Workspace, to: Registry, *more: object) -> Answer:
    where = ("--to", to.uri, "--artifacts", to.artifacts, "--name", to.name)
    return foretaste("export", "mlflow", *where, *more, "--workspace", workspace.root, "--json")


def _client(to: Registry) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=to.uri, registry_uri=to.uri)


def _promoted(workspace: Workspace, model: str, release: int, override: str = "") -> None:
    with workspace.ledger() as ledger:
        ledger.promote(
            model,
            release=release,
            run_id=f"promote-{release}",
            by="ada",
            reason=override or "its gates passed",
            at=AT,
            override=bool(override),
        )


def test_the_champion_arrives_with_its_card_and_answers_the_same(
    foretaste: Terminal, judged: Workspace, own: Registry
) -> None:
    digest = save_candidate(judged, 1)
    _promoted(judged, digest, 1)
    done = _export(foretaste, judged, own)
    assert done.code == 0, done.err
    assert (done.json["model"], done.json["version"], done.json["new"]) == (digest, 1, True)
    kept = _client(own).get_model_version_by_alias(own.name, "champion")
    assert kept.tags["foretaste.release"] == "1"
    assert kept.tags["foretaste.gate.floor"] == "pass"
    assert (kept.tags["foretaste.champion"], kept.tags["foretaste.override"]) == ("1", "no")
    run = _client(own).get_run(kept.run_id)
    assert run.data.metrics == {"accuracy": 0.9}
    loaded = load_exported(own, None, done.json["public_key"])
    here = load_model(judged.layout.models, digest, judged.key)
    rows = numeric(50, 9)
    assert predictions(loaded, rows).equals(predictions(here, rows))
    assert loaded.card == here.card


def test_exporting_again_moves_tags_and_alias_and_makes_no_second_version(
    foretaste: Terminal, judged: Workspace, own: Registry
) -> None:
    first, second = save_candidate(judged, 1), save_candidate(judged, 2, fails="floor")
    _promoted(judged, first, 1)
    assert _export(foretaste, judged, own).json["version"] == 1
    _promoted(judged, second, 2, override="the floor is wrong")
    assert _export(foretaste, judged, own).json["version"] == 2
    again = _export(foretaste, judged, own, "--model", first[:10])
    assert (again.json["version"], again.json["new"]) == (1, False)
    versions = {int(v.version): v for v in _client(own).search_model_versions(f"name='{own.name}'")}
    assert sorted(versions) == [1, 2]
    assert versions[1].tags["foretaste.serves"] == "false"
    assert versions[2].tags["foretaste.digest"] == second
    assert versions[2].tags["foretaste.override"] == "ada: the floor is wrong"
    assert int(_client(own).get_model_version_by_alias(own.name, "champion").version) == 2


def test_what_was_changed_in_the_registry_does_not_load(
    foretaste: Terminal, judged: Workspace, own: Registry
) -> None:
    digest = save_candidate(judged, 1)
    public = _export(foretaste, judged, own, "--model", "1").json["public_key"]
    assert load_exported(own, 1, public).card.digest == digest
    with pytest.raises(Tampered):
        load_exported(own, 1, "00" * 31 + "01")
    source = _client(own).get_model_version_download_uri(own.name, "1")
    kept = Path(source.removeprefix("file://")) / "card.json"
    kept.write_bytes(kept.read_bytes().replace(b'"accuracy": 0.9', b'"accuracy": 1.0'))
    with pytest.raises(Tampered):
        load_exported(own, 1, public)
    with pytest.raises(ContractError):
        load_exported(own, 1, "no key")


def test_a_tampered_model_never_leaves(
    foretaste: Terminal, judged: Workspace, own: Registry
) -> None:
    digest = save_candidate(judged, 1)
    with (judged.layout.models / digest / "model.skops").open("r+b") as file:
        file.seek(40)
        file.write(b"x")
    assert _export(foretaste, judged, own, "--model", "1").code == 5
    assert not _client(own).search_registered_models(f"name = '{own.name}'")


def test_trying_it_asks_no_registry_and_tells_no_password(
    foretaste: Terminal, judged: Workspace
) -> None:
    save_candidate(judged, 1)
    to = Registry("postgresql://ada:s3cret@nowhere.invalid/mlflow", "spam", "s3://somewhere")
    tried = _export(foretaste, judged, to, "--model", "latest", "--dry-run")
    assert tried.code == 0, tried.err
    assert tried.json["tags"]["foretaste.champion"] == "never"
    assert "s3cret" not in tried.out + tried.err


@pytest.mark.parametrize(
    ("to", "code"),
    [
        (Registry("mlruns", "spam"), 2),
        (Registry("file:///tmp/x", "spam", "file:///tmp/y"), 2),
        (Registry("sqlite:///x.db", "spam"), 2),
        (Registry("http://localhost:1", "a'b"), 2),
        (Registry("http://localhost:1", "spam"), 1),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    foretaste: Terminal, judged: Workspace, to: Registry, code: int
) -> None:
    answer = _export(foretaste, judged, to)
    assert answer.code == code
    assert answer.json["error"]["message"]


def test_a_server_that_is_away_is_unavailable_and_its_password_stays_secret(
    foretaste: Terminal, judged: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    save_candidate(judged, 1)
    answer = _export(foretaste, judged, Registry("http://ada:s3cret@127.0.0.1:1", "spam"),
                     "--model", "1")  # fmt: skip
    assert answer.code == 75, answer.err
    assert "s3cret" not in answer.out + answer.err


def test_without_the_extra_it_says_what_to_install(
    foretaste: Terminal, judged: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_candidate(judged, 1)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    answer = _export(foretaste, judged, Registry("http://127.0.0.1:1", "spam"), "--model", "1")
    assert answer.code == 2
    assert "extra `mlflow`" in answer.json["error"]["hint"]
