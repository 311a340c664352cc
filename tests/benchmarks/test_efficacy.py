"""The efficacy benchmark: its small version with loose floors, then what its numbers mean."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.efficacy import cheapest, cost, guests
from benchmarks.efficacy.__main__ import SMALL, cells, main
from benchmarks.efficacy.abroad.client import ask, environment
from benchmarks.efficacy.cell import ORACLE, OURS, UNDEFENDED, Cell
from benchmarks.efficacy.corpora import CORPORA, Corpus, Size
from benchmarks.efficacy.downstream import removed
from benchmarks.efficacy.frames import beaten, better, holm, long, paired, pooled
from benchmarks.efficacy.peers import PEERS
from benchmarks.efficacy.scores import Truth, decided, ranked, recall
from benchmarks.efficacy.store import Store, measured
from benchmarks.efficacy.strength import NONE, attacks_on, strike
from benchmarks.efficacy.targets import figures


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small run's page, figures and cells."""
    folder = tmp_path_factory.mktemp("efficacy")
    main(["--small", f"--folder={folder}", f"--results={folder / 'page.md'}"])
    return folder


@pytest.fixture(scope="module")
def store(small: Path) -> Store:
    (path,) = small.glob("cells-*.jsonl")
    return Store(small, path.stem.removeprefix("cells-"))


@pytest.fixture(scope="module")
def lines(store: Store) -> dict[str, dict[str, Any]]:
    return {line["attack"]: line for line in store.lines().values()}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return CORPORA["synthetic"](SMALL, 0.1, 1)


class TestSmall:
    def test_random_flips_are_found(self, lines: dict[str, dict[str, Any]]) -> None:
        ours = lines["random_flips"]["columns"][OURS]
        assert ours["ROC-AUC"] >= 0.95
        assert ours["recall at 5%"] >= 0.80
        assert ours["honest contributors lost"] <= 0.05

    def test_boundary_skew_is_found_better_than_by_any_peer(
        self, lines: dict[str, dict[str, Any]]
    ) -> None:
        columns = lines["boundary_skew"]["columns"]
        assert columns[OURS]["ROC-AUC"] >= 0.80
        assert columns[OURS]["ROC-AUC"] > max(columns[peer]["ROC-AUC"] for peer in PEERS)

    def test_the_mean_holds_over_the_attacks(self, lines: dict[str, dict[str, Any]]) -> None:
        struck = [line["columns"][OURS] for name, line in lines.items() if name != NONE]
        assert np.mean([said["ROC-AUC"] for said in struck]) >= 0.93
        assert np.mean([said["recall at 5%"] for said in struck]) >= 0.75
        assert max(said["honest rows lost"] for said in struck) <= 0.04

    def test_a_clean_night_keeps_its_rows(self, lines: dict[str, dict[str, Any]]) -> None:
        columns = lines[NONE]["columns"]
        assert columns[OURS]["honest rows lost"] <= 0.03
        assert columns[OURS]["accuracy against oracle"] >= -0.05
        assert "ROC-AUC" not in columns[OURS]

    def test_the_oracle_leaves_nothing_of_an_attack(self, lines: dict[str, dict[str, Any]]) -> None:
        columns = lines["random_flips"]["columns"]
        assert columns[ORACLE]["poison held"] == 1
        assert columns[ORACLE]["honest rows lost"] == 0
        assert columns[UNDEFENDED]["poison held"] == 0

    def test_the_page_names_every_column_and_the_seed(self, small: Path) -> None:
        page = (small / "page.md").read_text(encoding="utf-8")
        assert all(peer in page for peer in PEERS)
        assert "seeds 1," in page
        figures = json.loads((small / "page.json").read_text(encoding="utf-8"))
        assert {"rows: mean ROC-AUC", "clean synthetic: honest rows lost"} <= {
            f["name"] for f in figures["figures"]
        }

    def test_the_picture_names_every_attack(self, small: Path) -> None:
        drawn = (small / "page.svg").read_text(encoding="utf-8")
        assert "boundary skew" in drawn
        assert "random flips" in drawn

    def test_what_was_measured_is_not_measured_again(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(cell: Cell) -> dict[str, Any]:
            raise AssertionError(cell.key)

        monkeypatch.setattr(Cell, "measure", refuse)
        wanted = cells(("synthetic",), ("random_flips", NONE), [1], SMALL, ())
        found = list(measured(wanted, store, 1))
        assert [line["attack"] for line in found] == ["random_flips", NONE]


class TestStore:
    def test_a_line_cut_short_is_measured_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = Store(tmp_path, "code")
        wanted = [Cell("a", "b", 0.1, seed, Size()) for seed in (1, 2)]
        store.add(_line(wanted[0]))
        path = next(tmp_path.glob("*.jsonl"))
        path.write_bytes(path.read_bytes() + json.dumps(_line(wanted[1])).encode()[:-3])
        monkeypatch.setattr(Cell, "measure", _line)
        assert [line["n"] for line in measured(wanted, Store(tmp_path, "code"), 1)] == [1, 2]
        assert set(Store(tmp_path, "code").lines()) == {cell.key for cell in wanted}

    def test_a_small_cell_is_not_taken_for_a_large_one(self) -> None:
        keys = {Cell("a", "b", 0.1, 1, size).key for size in (Size(), SMALL)}
        assert len(keys) == 2


def _line(cell: Cell) -> dict[str, Any]:
    return {"key": cell.key, "n": cell.seed}


class TestCorpora:
    @pytest.mark.parametrize("name", sorted(CORPORA))
    def test_one_label_in_fifty_is_a_mistake_and_volumes_are_heavy_tailed(self, name: str) -> None:
        made = CORPORA[name](Size(1_500, 100), 0.1, 2)
        rows = made.contributions
        wrong = (rows["label"] != rows["true_label"]).mean()
        assert 0.005 < wrong < 0.05
        volume = rows["contributor_id"].value_counts()
        assert volume.iloc[: len(volume) // 10].sum() > 0.25 * len(rows)
        assert rows["contribution_id"].is_unique
        assert set(made.test["label"]) == set(rows["true_label"])

    def test_stronger_styles_set_people_apart(self) -> None:
        def apart(style: float) -> float:
            rows = CORPORA["synthetic"](Size(1_500, 30), style, 2).contributions
            names = [c for c in rows if str(c).startswith("f_")]
            mean = rows.groupby("contributor_id")[names].mean()
            return float(mean.std().mean())

        assert apart(0.6) > 1.2 * apart(0.1)


class TestStrength:
    def test_level_2_is_a_twentieth_of_the_people_and_at_most_8_percent_of_the_rows(
        self, corpus: Corpus
    ) -> None:
        for name in ("backdoor_pattern", "boundary_skew", "collusion", "feature_outliers"):
            _, done = strike(corpus, name, 1)
            poison = done.truth[done.truth["poison"]]
            assert poison["contributor_id"].nunique() == pytest.approx(0.05 * 60, abs=1)
            assert 0 < len(poison) <= 0.085 * len(done.contributions)

    def test_every_attack_on_content_can_be_carried_out(self, corpus: Corpus) -> None:
        struck = {name: strike(corpus, name, 1)[1] for name in attacks_on(corpus)}
        assert len(struck) >= 15
        assert all(done.truth["poison"].any() for done in struck.values())


def truth_of(poison: list[int], contributors: list[int] | None = None) -> Truth:
    bad = np.array(poison, dtype=bool)
    who = np.zeros(bad.size, int) if contributors is None else np.array(contributors)
    return Truth(bad, ~bad, ~bad, who, np.zeros(bad.size, int))


class TestScores:
    def test_ties_never_help(self) -> None:
        truth = truth_of([0] * 50 + [1] * 50)
        assert recall(np.zeros(100), truth, 0.05) == 0
        assert ranked(np.zeros(100), truth)["ROC-AUC"] == 0.5

    @given(st.lists(st.integers(-5, 5), min_size=30, max_size=60), st.floats(0.01, 0.3))
    def test_no_more_clean_rows_are_lost_than_said(self, clean: list[int], loss: float) -> None:
        score = np.array([*clean, 100], dtype=float)
        truth = truth_of([0] * len(clean) + [1])
        assert recall(score, truth, loss) == 1
        threshold = np.quantile(score[:-1], 1 - loss, method="higher")
        assert (score[:-1] > threshold).mean() <= loss

    def test_an_attacker_is_caught_by_half_of_the_poison_and_needs_five_rows(self) -> None:
        who = [0] * 6 + [1] * 6 + [2] * 3 + [3] * 6
        poison = [1, 1, 0, 0, 0, 0] + [1] * 6 + [1] * 3 + [0] * 6
        held = np.array([1, 0, 0, 0, 0, 0] + [1, 1, 0, 0, 0, 0] + [1] * 3 + [1] * 6, dtype=bool)
        found = decided(held, truth_of(poison, who))
        assert found["attackers caught"] == 0.5
        assert found["honest contributors lost"] == 1.0

    def test_the_effect_removed_is_told_only_where_there_is_one(self) -> None:
        assert removed(0.3, 0.5, 0.1) == pytest.approx(0.5)
        assert removed(0.9, 0.5, 0.1) == -1
        assert np.isnan(removed(0.1, 0.11, 0.1))


class TestTests:
    def frame(self, ours: float, theirs: float, seeds: int) -> pd.DataFrame:
        def rows() -> Iterator[dict[str, Any]]:
            for seed in range(seeds):
                said = {OURS: {"ROC-AUC": ours + seed / 100}, "cleanlab": {"ROC-AUC": theirs}}
                place = {"corpus": "digits", "attack": "collusion", "style": 0.1, "seed": seed}
                yield {**place, "columns": said}

        return long(rows())

    @pytest.mark.parametrize(("ours", "theirs", "lost"), [(0.5, 0.9, 1), (0.9, 0.5, 0)])
    def test_a_column_that_is_always_better_beats_us(
        self, ours: float, theirs: float, lost: int
    ) -> None:
        tests = paired(self.frame(ours, theirs, 5), "ROC-AUC")
        assert len(tests) == 1
        assert len(beaten(tests)) == lost

    def test_under_five_seeds_nothing_is_claimed(self) -> None:
        tests = paired(self.frame(0.5, 0.9, 4), "ROC-AUC")
        assert tests["p"].isna().all()
        assert beaten(tests).empty

    def test_equal_columns_do_not_beat_each_other(self) -> None:
        assert better(np.ones(5), np.ones(5)) == 1

    def test_holm_is_never_milder_and_keeps_the_order(self) -> None:
        p = np.array([0.01, np.nan, 0.04, 0.03])
        assert np.allclose(holm(p), [0.03, np.nan, 0.06, 0.06], equal_nan=True)

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
    def test_holm_lies_between_none_and_bonferroni(self, p: list[float]) -> None:
        raw = np.array(p)
        corrected = holm(raw)
        assert (corrected >= raw).all()
        assert (corrected <= np.minimum(raw * raw.size, 1) + 1e-12).all()

    @pytest.mark.parametrize(
        ("ours", "theirs", "where"), [(0.5, 0.9, "above"), (0.9, 0.5, "below")]
    )
    def test_all_places_together_say_who_is_better(
        self, ours: float, theirs: float, where: str
    ) -> None:
        frame = pd.concat(
            [self.frame(ours, theirs, 5).assign(corpus=name) for name in ("digits", "mail")]
        )
        whole = pooled(frame, "ROC-AUC").loc["cleanlab"]
        assert whole[where] == 2
        assert (whole["holm"] < 0.05) == (where == "below")

    def test_figures_count_where_a_peer_is_above(self) -> None:
        found = {f.name: f for f in figures(self.frame(0.5, 0.9, 2))}
        name = "targeted attacks x corpora where a peer's ROC-AUC is above"
        assert found[name].value == 1
        assert found[name].ok is False


class TestGuests:
    @pytest.fixture
    def python(self, tmp_path: Path) -> Path:
        """An interpreter for the scripts: those that need no guest run in any."""
        (tmp_path / "bin").mkdir()
        python = tmp_path / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        found = environment(tmp_path)
        assert found is not None
        return found

    def test_a_missing_environment_is_said_to_be_missing(self, tmp_path: Path) -> None:
        assert environment(tmp_path) is None
        assert guests.text([]).startswith("Not measured")

    def test_a_method_answers_for_every_row(self, python: Path) -> None:
        rng = np.random.default_rng(0)
        y = np.arange(80) % 2
        x = rng.normal(size=(80, 3)) + 3 * y[:, None]
        wrong = np.arange(80) < 6
        rows = {"x": x, "y": np.where(wrong, 1 - y, y), "who": np.where(wrong, 9, y)}
        trusted = {"x_val": x[40:], "y_val": y[40:]}
        said = ask(python, "art_defences.py", "provenance as published", rows | trusted)
        assert said["score"].shape == said["held"].shape == (80,)
        assert said["score"][wrong].min() >= said["score"][~wrong].max()

    def test_a_failure_is_told_in_its_own_words(self, python: Path) -> None:
        with pytest.raises(RuntimeError, match="no such method"):
            ask(python, "art_defences.py", "no such method", {"x": np.zeros(1)})


def tried(attack: str, level: float, gain: float) -> dict[str, Any]:
    spent = {"accounts": int(4 * level), "rows": int(40 * level), "poison": 1, "days": 3}
    place = {"attack": attack, "level": level, "seed": 1}
    return {**place, **spent, "gain": gain, "gain undefended": 0.5}


class TestCheapest:
    def test_the_lowest_level_that_gains_ten_points_is_told(self) -> None:
        lines = [tried("a", 1, 0.02), tried("a", 2, 0.2), tried("a", 4, 0.4), tried("b", 1, 0.0)]
        found = cheapest.cheapest(lines)
        assert found.loc["a", "rows"] == 80
        assert np.isnan(found.loc["b", "rows"])
        assert found.loc["b", "rows without a defence"] == 40

    def test_a_try_tells_what_was_spent_and_what_it_gained(self) -> None:
        line = cheapest.Try("boundary_skew", 1.0, 1, Size(600, 40)).measure()
        assert line["accounts"] == 2
        assert 0 < line["poison"] <= line["rows"] <= 0.085 * (600 + line["rows"])
        assert line["gain"] <= line["gain undefended"] + 0.05
        assert json.loads(json.dumps(line)) == line

    def test_more_strength_is_more_rows(self, corpus: Corpus) -> None:
        rows = [strike(corpus, "collusion", 1, level)[1].truth for level in (0.5, 1, 2)]
        assert len(rows[0]) < len(rows[1]) < len(rows[2])


class TestCost:
    def test_a_detector_is_measured_after_the_votes_that_it_reads(self) -> None:
        line = cost.Cost(rows=400, features=4, only=("contributor_shift",)).measure()
        assert list(line["parts"]) == ["actors", "votes", "contributor_shift"]
        assert all(part["seconds"] >= 0 for part in line["parts"].values())
        assert cost.figure(line).target == 60
        assert "contributor shift" in cost.text([line])
