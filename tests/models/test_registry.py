"""The registry: what was signed loads, and nothing else does."""

from __future__ import annotations

import shutil
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretaste.core.errors import PolicyError, Tampered, WorkspaceError
from foretaste.core.gate import Gate, GateState
from foretaste.core.keys import WorkspaceKey
from foretaste.core.policy import Policy
from foretaste.models.card import ModelCard
from foretaste.models.packing import pack
from foretaste.models.predict import predictions
from foretaste.models.registry import load_model, read_card, save_model
from foretaste.models.train import Trained, train
from tests.models.worlds import mail, numeric

KEY = WorkspaceKey(b"k" * 32)
FILES = ("model.skops", "card.json", "signature")


def _card(trained: Trained, **changes: Any) -> ModelCard:
    gate = Gate("floor", GateState.PASS, 0.9, 0.8, float("nan"), ">= 0.60", "metric", "")
    card = ModelCard(
        release="3",
        night="2026-01-02",
        policy_digest=Policy().digest(),
        metrics={"accuracy": 0.9, "ece": None},
        gates=(gate,),
        n_rows=trained.n_rows,
        classes=trained.classes,
        inputs=trained.inputs,
        seed=trained.seed,
        bootstrap=True,
    )
    return replace(card, **changes)


@pytest.fixture(scope="module")
def boosted() -> Trained:
    return train(numeric(300, 1, classes=3), Policy(), 7)


@pytest.fixture(scope="module")
def kept(boosted: Trained, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with one saved model, and its digest."""
    folder = tmp_path_factory.mktemp("models")
    return folder, save_model(folder, pack(boosted), _card(boosted), KEY)


@pytest.fixture
def own(kept: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    """A copy of it to damage."""
    shutil.copytree(kept[0], tmp_path / "models")
    return tmp_path / "models", kept[1]


def test_a_saved_model_gives_the_same_answers(boosted: Trained, kept: tuple[Path, str]) -> None:
    loaded = load_model(*kept, KEY)
    rows = numeric(100, 2)
    assert predictions(loaded, rows).equals(predictions(boosted, rows))


def test_a_text_model_gives_the_same_answers(tmp_path: Path) -> None:
    rows = mail(400, 3)
    trained = train(rows.assign(f_n=rows["text"].str.len().astype(float)), Policy(), 7)
    loaded = load_model(tmp_path, save_model(tmp_path, pack(trained), _card(trained), KEY), KEY)
    fresh = mail(100, 4).assign(f_n=40.0)
    assert predictions(loaded, fresh).equals(predictions(trained, fresh))


def test_the_card_comes_back_and_nan_becomes_none(kept: tuple[Path, str], boosted: Trained) -> None:
    card = read_card(*kept, KEY)
    assert card.digest == kept[1]
    assert card.model_bytes == (kept[0] / kept[1] / "model.skops").stat().st_size
    assert card.inputs == boosted.inputs
    assert card.gates[0].state is GateState.PASS
    assert card.gates[0].high is None
    assert card.versions["scikit-learn"].startswith("1.")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(FILES),
    at=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 7),
)
def test_any_flipped_bit_is_found(own: tuple[Path, str], name: str, at: float, bit: int) -> None:
    path = own[0] / own[1] / name
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[int(at * len(whole))] ^= 1 << bit
    path.write_bytes(changed)
    with pytest.raises(Tampered):
        load_model(*own, KEY)
    path.write_bytes(whole)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", ["cut", "longer", "empty", "gone"])
def test_a_file_of_another_length_is_found(own: tuple[Path, str], name: str, change: str) -> None:
    path = own[0] / own[1] / name
    whole = path.read_bytes()
    contents = {"cut": whole[:-1], "longer": whole + b"\0", "empty": b""}
    path.unlink()
    if change in contents:
        path.write_bytes(contents[change])
    with pytest.raises(Tampered):
        load_model(*own, KEY)


def test_another_models_card_and_signature_do_not_fit(
    own: tuple[Path, str], boosted: Trained
) -> None:
    folder, digest = own
    other = save_model(folder, pack(boosted), _card(boosted, release="4"), KEY)
    for name in ("card.json", "signature"):
        shutil.copyfile(folder / other / name, folder / digest / name)
    with pytest.raises(Tampered, match="another model"):
        load_model(folder, digest, KEY)


def test_a_renamed_model_is_found(own: tuple[Path, str]) -> None:
    folder, digest = own
    (folder / digest).rename(folder / ("0" * 64))
    with pytest.raises(Tampered, match="another model"):
        load_model(folder, "0" * 64, KEY)


def test_a_signature_made_for_something_else_does_not_fit(own: tuple[Path, str]) -> None:
    place = own[0] / own[1]
    bare = KEY.signing_key().sign((place / "card.json").read_bytes())
    (place / "signature").write_bytes(bare)
    with pytest.raises(Tampered, match="signature"):
        load_model(*own, KEY)


def test_another_key_does_not_verify(own: tuple[Path, str]) -> None:
    with pytest.raises(Tampered, match="signature"):
        load_model(*own, WorkspaceKey(b"x" * 32))


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "extra.py"])
def test_a_foreign_file_beside_the_model_is_refused(own: tuple[Path, str], name: str) -> None:
    (own[0] / own[1] / name).write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(Tampered):
        load_model(*own, KEY)


def test_a_link_in_place_of_the_model_is_refused(own: tuple[Path, str], tmp_path: Path) -> None:
    path = own[0] / own[1] / "model.skops"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Tampered):
        load_model(*own, KEY)


@pytest.mark.parametrize("digest", ["../../etc", "", "A" * 64, "a" * 63 + "\n"])
def test_only_a_digest_names_a_model(own: tuple[Path, str], digest: str) -> None:
    with pytest.raises(WorkspaceError, match="not a model digest"):
        load_model(own[0], digest, KEY)


def test_a_model_that_is_not_there_is_no_tampering(own: tuple[Path, str]) -> None:
    with pytest.raises(WorkspaceError, match="is not in") as caught:
        load_model(own[0], "0" * 64, KEY)
    assert not isinstance(caught.value, Tampered)


def test_a_model_of_another_library_is_not_loaded(tmp_path: Path, boosted: Trained) -> None:
    card = _card(boosted, versions={"scikit-learn": "1.2.0"})
    digest = save_model(tmp_path, pack(boosted), card, KEY)
    with pytest.raises(WorkspaceError, match=r"1\.2\.0"):
        load_model(tmp_path, digest, KEY)


def test_a_signed_model_that_outgrows_its_limits_kills_only_the_child(
    kept: tuple[Path, str],
) -> None:
    with pytest.raises(WorkspaceError, match="not fit for use"):
        load_model(*kept, KEY, memory_mb=0)


def test_a_save_that_died_leaves_nothing_behind(
    own: tuple[Path, str], boosted: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, digest = own

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", die)
        with pytest.raises(KeyboardInterrupt):
            save_model(folder, pack(boosted), _card(boosted), KEY)
    second = save_model(folder, pack(boosted), _card(boosted), KEY)
    assert {p.name for p in folder.iterdir()} == {digest, second}
    assert read_card(folder, second, KEY).digest == second


def test_a_type_outside_the_allow_list_is_never_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.linear_model import LogisticRegression

    class Sly(LogisticRegression):  # type: ignore[misc]
        pass

    module = types.ModuleType("sly_models")
    Sly.__module__ = "sly_models"
    vars(module)["Sly"] = Sly
    monkeypatch.setitem(sys.modules, "sly_models", module)
    policy = Policy.model_validate({"model": {"factory": "sly_models:Sly"}})
    with pytest.raises(PolicyError, match="allow-list"):
        pack(train(numeric(60, 5), policy, 7))
