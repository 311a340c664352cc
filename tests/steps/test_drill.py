"""The drill: real steps over a copy of a release, with an attack in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from foretaste.attacks.registry import ATTACKS
from foretaste.core.contract import contribution_schema
from foretaste.core.errors import ContractError, WorkspaceError
from foretaste.core.history import read_release_table
from foretaste.core.release import release
from foretaste.core.workspace import Workspace
from foretaste.steps.drill import (
    Drill,
    Size,
    Trial,
    World,
    copy_release,
    drill,
    replay,
    small_drill,
    warnings_of,
)
from foretaste.steps.drill.raw import Attacked, attacked, raw_rows
from foretaste.steps.drill.search import LEAST_ROWS
from foretaste.steps.drill.sizes import has_rows, ordinary, rows_each, sized
from tests.steps.drills import NIGHTS, policy, publish
from tests.workspaces import copy_workspace, fingerprint, isolate

CAN = ("boundary_skew", "camouflaged_boundary", "collusion", "feature_outliers", "sybil_scattered")


@pytest.fixture(scope="module")
def folder(blank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a published workspace; to be copied."""
    made = tmp_path_factory.mktemp("drilled")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, made / "home")
        publish(copy_workspace(blank, made), policy(rule=True))
    return made


@pytest.fixture
def published(folder: Path, tmp_path: Path) -> Workspace:
    """Two releases in a workspace of the test's own; its rule sees every wrong label."""
    return copy_workspace(folder, tmp_path)


@pytest.fixture
def world(published: Workspace, tmp_path: Path) -> World:
    """The last night of them."""
    return copy_release(published, 1, tmp_path / "world")


def blinded(published: Workspace, folder: Path, *, label_shift: float = 0.25) -> World:
    """The last night under a policy without the rule."""
    said = policy(rule=False, label_shift=label_shift)
    published.layout.params.write_text(yaml.safe_dump(said))
    return copy_release(Workspace.open(published.root), 1, folder)


def play(world: World, folder: Path, *names: str, small: bool = False) -> Drill:
    return drill(world, names, Size(12, 6, 1), folder, seed=3, small=small)


def put(world: World, name: str, size: Size | None = None) -> Attacked:
    return attacked(world, sized(ATTACKS[name], size or Size(4, 5, 1), raw_rows(world)), 3)


def test_the_copy_is_what_the_release_accepted(published: Workspace, world: World) -> None:
    last = release(published, "latest")
    theirs = read_release_table(published, last, "accepted", nights=[NIGHTS[1]]).to_pandas()
    assert world.nights == NIGHTS[1:]
    assert set(world.rows["row_id"]) == set(theirs["row_id"])
    assert (world.folder / "data" / "accepted" / f"night={NIGHTS[0]}" / "part-0.parquet").exists()
    assert not (world.folder / "data" / "accepted" / f"night={NIGHTS[1]}").exists()


def test_a_workspace_without_a_release_says_so(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="no release"):
        copy_release(workspace, 1, tmp_path / "world")


def test_what_the_rule_sees_is_kept_out_and_nobody_honest_is_lost(
    published: Workspace, world: World, tmp_path: Path
) -> None:
    before = fingerprint(published)
    found = play(world, tmp_path / "trials", "boundary_skew")
    (tried,) = found.tried
    assert tried.smallest is None
    assert 2 <= len(tried.trials) <= world.policy.drill.runs
    assert [trial.learnt for trial in tried.trials] == [0.0] * len(tried.trials)
    assert found.recall == 1.0
    assert found.base.honest_lost == tried.trials[0].honest_lost == 0.0
    assert tried.trials[0].loss == pytest.approx(0.0, abs=0.02)
    assert fingerprint(published) == before


def test_what_nothing_sees_gets_through_at_the_smallest_size(
    published: Workspace, tmp_path: Path
) -> None:
    found = play(blinded(published, tmp_path / "blind"), tmp_path / "trials", "boundary_skew")
    smallest = found.tried[0].smallest
    assert smallest is not None
    assert smallest.learnt == 1.0
    assert (smallest.accounts, smallest.rows) == (2, 10)
    assert found.recall == 0.0


def test_poison_that_is_learnt_moves_the_model(published: Workspace, tmp_path: Path) -> None:
    world, base = blinded(published, tmp_path / "blind", label_shift=0.9), tmp_path / "base"
    calm = replay(world, None, Size(0, 0, 0), 3, base, None)
    size = Size(20, 4, 1)
    attack = sized(ATTACKS["collusion"], size, raw_rows(world))
    trial = replay(world, attack, size, 3, tmp_path / "trial", base)
    assert calm.metric is not None
    assert calm.metric >= 0.95
    assert calm.loss == calm.moved == 0.0
    assert trial.learnt == 1.0
    assert trial.loss is not None
    assert trial.loss >= 0.05
    assert trial.moved is not None
    assert trial.moved >= 0.05


def test_a_night_that_a_suite_holds_teaches_nothing(published: Workspace, tmp_path: Path) -> None:
    world = blinded(published, tmp_path / "blind")
    size = Size(20, 4, 1)
    attack = sized(ATTACKS["collusion"], size, raw_rows(world))
    trial = replay(world, attack, size, 3, tmp_path / "trial", None)
    assert trial.rows == 80
    assert (trial.learnt, trial.metric, trial.loss) == (0.0, None, None)
    assert any("label_shift" in reason for reason in trial.held)


def test_the_same_drill_twice_finds_the_same(world: World, tmp_path: Path) -> None:
    first, again = (
        play(world, tmp_path / name, "sybil_scattered", small=True) for name in ("one", "two")
    )
    assert first.to_json() == again.to_json()
    assert first.tried[0].trials[0].rows == 12


def test_the_order_of_a_releases_rows_changes_nothing(world: World) -> None:
    shuffled = replace(world, rows=world.rows.sample(frac=1, random_state=5))
    ours, theirs = put(world, "boundary_skew"), put(shuffled, "boundary_skew")
    columns = ["row_id", "label", "contributor_id", "contributed_at", "f_x"]
    pd.testing.assert_frame_equal(ours.rows[columns], theirs.rows[columns])


def test_an_attack_that_does_not_fit_says_why(world: World, tmp_path: Path) -> None:
    found = play(world, tmp_path / "trials", "backdoor_phrase", "shilling", small=True)
    assert [one.trials for one in found.tried] == [(), ()]
    assert "text" in found.tried[0].why_not
    assert "ratings" in found.tried[1].why_not
    assert found.recall is None


def test_more_than_the_corpus_holds_says_why(world: World, tmp_path: Path) -> None:
    size = Size(200, 6, 1)
    found = drill(world, ["boundary_skew"], size, tmp_path / "trials", seed=3)
    largest = max(trial.rows for trial in found.tried[0].trials)
    assert 12 <= largest < size.total


def searched(
    world: World, patch: pytest.MonkeyPatch, through: range, runs: int
) -> tuple[int | None, list[int]]:
    """Smallest ring found and rings tried, where those of ``through`` accounts get through."""

    def played(_world: World, _attack: object, size: Size, *_: object) -> Trial:
        learnt = float(size.accounts in through)
        return Trial(size, size.accounts, size.total, learnt, 0.0)

    patch.setattr("foretaste.steps.drill.search.replay", played)
    limits = world.policy.drill.model_copy(update={"runs": runs})
    bounded = replace(world, policy=world.policy.model_copy(update={"drill": limits}))
    (tried,) = drill(bounded, ["sybil_random"], Size(80, 1, 1), world.folder, seed=3).tried
    found = None if tried.smallest is None else tried.smallest.accounts
    return found, [trial.accounts for trial in tried.trials]


@pytest.mark.parametrize("least", [1, 10, 11, 29, 80])
def test_the_search_finds_the_smallest_ring(
    least: int, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, tried = searched(world, monkeypatch, range(least, 1000), 30)
    assert found == max(least, 10)
    assert len(tried) == len(set(tried))


def test_the_search_looks_between_when_neither_end_gets_through(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, tried = searched(world, monkeypatch, range(20, 40), 30)
    assert found == 20
    assert {10, 80} <= set(tried)
    assert searched(world, monkeypatch, range(0), 30) == (None, [10, 80, 28])


@pytest.mark.parametrize("runs", [1, 2, 3])
def test_the_search_is_bounded(runs: int, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for through in (range(0), range(25, 1000), range(1000)):
        found, tried = searched(world, monkeypatch, through, runs)
        assert len(tried) <= runs
        assert found is None or found in through


def test_a_budget_below_what_counts_is_told(world: World, tmp_path: Path) -> None:
    (tried,) = drill(world, ["sybil_scattered"], Size(3, 6, 1), tmp_path, seed=3).tried
    assert tried.trials == ()
    assert tried.why_not.startswith("the budget pays for 3 rows")


def test_sleepers_ask_for_a_night_to_sleep(world: World, tmp_path: Path) -> None:
    (tried,) = play(world, tmp_path / "trials", "label_flip_sleeper", small=True).tried
    assert "a night to sleep" in tried.why_not


def test_a_small_drill_sends_rows_enough_to_be_told_from_noise(
    world: World, tmp_path: Path
) -> None:
    (tried,) = play(world, tmp_path / "trials", "slow_drip", small=True).tried
    assert tried.trials[0].rows >= LEAST_ROWS


def test_an_unknown_attack_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no attack 'nonsense'"):
        play(world, tmp_path / "trials", "nonsense")


def test_several_nights_are_played_one_after_the_other(
    published: Workspace, tmp_path: Path
) -> None:
    world = copy_release(published, 2, tmp_path / "world")
    assert world.nights == NIGHTS
    names, size = ["camouflaged_boundary"], Size(6, 4, 2)
    found = drill(world, names, size, tmp_path / "trials", seed=3, small=True)
    (trial,) = found.tried[0].trials
    assert trial.rows == 24
    assert trial.learnt == 0.0
    came = put(world, "camouflaged_boundary", size)
    sent = came.rows[came.rows["row_id"].isin(came.truth["row_id"])]
    assert set(sent["night"]) == set(NIGHTS)


@pytest.mark.parametrize("name", CAN)
def test_an_attacks_rows_look_like_rows_that_came_in(name: str, world: World) -> None:
    came = put(world, name)
    columns = world.policy.columns
    schema = contribution_schema(columns.features, columns.attributes)
    table = pa.Table.from_pandas(
        came.rows.drop(columns="night"), schema=schema, preserve_index=False
    )
    table.validate(full=True)
    assert came.rows["row_id"].is_unique
    assert set(came.truth["row_id"]) <= set(came.rows["row_id"])
    mine = came.rows[came.rows["row_id"].isin(came.truth["row_id"])]
    theirs = came.rows[~came.rows["row_id"].isin(came.truth["row_id"])]
    assert mine["contributor_id"].str.fullmatch(r"c[0-9a-f]{16}").all()
    assert not set(mine["contributor_id"]) & set(theirs["contributor_id"])
    for column in ("device_id", "name_sketch"):
        assert not set(mine[column].dropna()) & set(world.rows[column])
    homes = mine.drop_duplicates(["contributor_id", "network_id"])
    assert homes["contributor_id"].is_unique


@pytest.mark.parametrize("name", CAN)
def test_honest_rows_keep_their_names_and_values(name: str, world: World) -> None:
    came = put(world, name)
    rest = came.rows[~came.rows["row_id"].isin(came.truth["row_id"])]
    both = rest.merge(world.rows, on="row_id", suffixes=("", "_before"))
    assert len(both) == len(rest)
    for column in ("contributor_id", "label", "network_id", "device_id", "f_x", "a_relay"):
        assert both[column].equals(both[f"{column}_before"]), column


def test_a_ring_shares_the_subnet_that_its_address_lies_in(world: World) -> None:
    came = put(world, "sybil_ring", Size(12, 1, 1))
    ring = came.rows[came.rows["row_id"].isin(came.truth["row_id"])]
    assert ring["contributor_id"].nunique() == 12
    assert set(ring["subnet_id"]) == {world.key.pseudonym("subnet", "198.18.77.0/24")}
    assert set(ring["a_relay"]) == {"ip5c0ffee0198018", "ip5c0ffee0198019"}


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_every_attack_can_be_made_of_any_size(
    name: str, published: Workspace, tmp_path: Path
) -> None:
    world = copy_release(published, 2, tmp_path / "world")
    kind, most = ATTACKS[name], Size(9, 4, 2)
    size = ordinary(kind, most)
    assert 1 <= size.accounts <= most.accounts
    assert 1 <= rows_each(kind, most.rows) <= most.rows
    made = sized(kind, size, raw_rows(world))
    assert getattr(made, "accounts", size.accounts) == size.accounts
    pushed = {getattr(made, field, None) for field in ("source", "target")} - {None}
    assert pushed <= {"a", "b"}


@pytest.mark.parametrize("size", [Size(3, 2, 1), Size(5, 4, 1)])
def test_what_an_attacker_pays_is_what_comes(size: Size, world: World) -> None:
    names = [name for name in CAN if has_rows(ATTACKS[name])]
    came = {name: int(put(world, name, size).truth["poison"].sum()) for name in names}
    assert came == dict.fromkeys(CAN[:-1], size.total)


def test_a_night_ends_with_one_drill_drawn_by_its_name(
    published: Workspace, tmp_path: Path
) -> None:
    found = small_drill(published, tmp_path)
    assert found is not None
    assert len(found.tried) == len(found.tried[0].trials) == 1
    assert found.tried[0].why_not == ""
    assert found.nights == NIGHTS[1:]
    assert found.seed == published.policy.seed


def test_a_drill_warns_when_too_little_is_kept_out(published: Workspace, tmp_path: Path) -> None:
    world = blinded(published, tmp_path / "blind")
    found = play(world, tmp_path / "trials", "boundary_skew", small=True)
    limits = world.policy.drill
    (warning,) = warnings_of(found, limits)
    assert "boundary_skew" in warning
    assert warnings_of(found, limits.model_copy(update={"min_recall": 0.0})) == ()
    assert len(warnings_of(None, limits)) == 1


def test_the_seed_moves_the_attack(world: World) -> None:
    kind = sized(ATTACKS["collusion"], Size(4, 5, 1), raw_rows(world))
    one, other = (set(attacked(world, kind, seed).truth["row_id"]) for seed in (1, 2))
    assert not np.array_equal(sorted(one), sorted(other))
