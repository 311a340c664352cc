"""The benchmark of actors: its scores on worlds small enough to count by hand, and its tables."""

import json
import re
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.actors import curves, graphs, report, speed
from benchmarks.actors.__main__ import main
from benchmarks.actors.peers import PEERS
from benchmarks.actors.picture import picture
from benchmarks.actors.scores import (
    Line,
    actors,
    calling,
    gain,
    ranking,
    reliability,
    threshold,
)
from benchmarks.actors.town import Town
from benchmarks.actors.worlds import KINDS, World, campaigns, codes, plan_of
from foretaste.core.actor import ActorKind


def group(members, log_odds=5.0):
    kind = ActorKind.CAMPAIGN if log_odds >= np.log(9.0) else ActorKind.HONEST_GROUP
    return SimpleNamespace(members=np.array(members), log_odds=log_odds, kind=kind)


def world(kinds, actor, visits=(), trusted=(), confirmed=()):
    """Accounts by kind and actor; visits are (who, item)."""
    rows = list(visits) or [(0, 0)]
    times = pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(range(len(rows)), unit="h")
    frame = pd.DataFrame(rows, columns=["contributor_id", "item_id"]).assign(visited_at=times)
    town = Town(frame, np.array(kinds, dtype=object), np.array(actor))
    known = [np.isin(np.arange(len(kinds)), who) for who in (trusted, confirmed)]
    return World(town, codes(town), *known, seed=1)


def said(measured):
    return {(about, measure): value for about, measure, value in measured}


@pytest.fixture
def street():
    """Four honest people, two pupils, and campaigns of three and of two."""
    kinds = ["honest"] * 4 + ["class"] * 2 + ["drip"] * 3 + ["sleeper"] * 2
    return world(kinds, [-1] * 4 + [0] * 2 + [10_000] * 3 + [10_001] * 2)


class TestRanking:
    def test_a_perfect_score_finds_all_and_a_reversed_one_nobody(self, street):
        score = street.sybil.astype(float)
        best, worst = said(ranking(score, street)), said(ranking(-score, street))
        for kind in ("drip", "sleeper", "all"):
            assert best[kind, "ROC-AUC"] == 1.0
            assert best[kind, "recall at 1 %"] == 1.0
            assert worst[kind, "ROC-AUC"] == 0.0
            assert worst[kind, "recall at 1 %"] == 0.0

    def test_a_constant_score_is_a_coin_and_finds_nobody(self, street):
        got = said(ranking(np.full(11, 3.0), street))
        assert got["all", "ROC-AUC"] == 0.5
        assert got["all", "recall at 1 %"] == 0.0

    def test_kinds_that_are_absent_are_not_told(self, street):
        assert ("lockstep", "ROC-AUC") not in said(ranking(np.arange(11.0), street))

    def test_pupils_are_honest_and_cost_recall(self, street):
        score = np.array([0, 0, 0, 0, 9, 9, 1, 1, 1, 1, 1], dtype=float)
        got = said(ranking(score, street))
        assert got["all", "recall at 1 %"] == 0.0
        assert got["all", "ROC-AUC"] == pytest.approx(4 / 6)

    def test_given_away_accounts_are_not_scored(self):
        kinds = ["honest"] * 3 + ["drip"] * 2
        told = world(kinds, [-1] * 3 + [10_000] * 2, trusted=[0], confirmed=[3])
        score = np.array([9.0, 0.0, 0.0, 0.0, 1.0])
        got = said(ranking(score, told))
        assert got["drip", "ROC-AUC"] == 1.0
        assert got["drip", "recall at 1 %"] == 1.0

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.integers(0, 5), min_size=1, max_size=300), st.floats(0.001, 0.5))
    def test_never_more_honest_accounts_are_lost_than_stated(self, levels, lost):
        score = np.array(levels, dtype=float)
        least = threshold(score, np.ones(score.size, dtype=bool), lost)
        assert (score > least).mean() <= lost + 1e-12


class TestActors:
    def test_one_actor_per_campaign_is_pure_and_complete(self, street):
        got = said(actors([group([6, 7, 8]), group([9, 10]), group([4, 5], -3.0)], street))
        assert got["all", "completeness"] == 1.0
        assert got["all", "purity"] == 1.0
        assert got["all", "actors"] == 1.0

    def test_strangers_take_purity_and_missing_members_completeness(self, street):
        got = said(actors([group([6, 7, 0, 1])], street))
        assert got["drip", "completeness"] == pytest.approx(2 / 3)
        assert got["drip", "purity"] == 0.5

    def test_a_campaign_outside_every_group_is_an_actor_an_account(self, street):
        got = said(actors([], street))
        assert got["drip", "completeness"] == pytest.approx(1 / 3)
        assert ("drip", "purity") not in got
        assert got["drip", "actors"] == 0.0


class TestCalling:
    def test_only_groups_called_campaigns_count(self, street):
        groups = [group([6, 7]), group([4, 5], log_odds=0.0), group([0], log_odds=9.0)]
        got = said(calling(groups, street))
        assert got["drip", "called"] == pytest.approx(2 / 3)
        assert got["class", "called"] == 0.0
        assert got["honest", "called"] == 0.25

    def test_reliability_counts_groups_by_what_most_members_are(self, street):
        groups = [group([6, 7, 8], 3.0), group([0, 1, 6], 3.0), group([4, 5], -5.0)]
        got = said(reliability(groups, street))
        posterior = 1 / (1 + np.exp(-3.0))
        assert got["0.9 to 0.99", "groups"] == 2.0
        assert got["0.9 to 0.99", "said"] == pytest.approx(2 * posterior)
        assert got["0.9 to 0.99", "campaigns"] == 1.0
        assert got["0 to 0.1", "campaigns"] == 0.0


class TestGain:
    def test_only_visits_to_targets_by_accounts_not_called_are_gained(self):
        # Item 99 is what everybody visits; 50 is the target; the others are private.
        honest = [(who, item) for who in range(30) for item in (99, 100 + who)] + [(0, 50)]
        sybils = [(who, 50) for who in (30, 31, 32)] + [(30, 50), (30, 99), (31, 99), (32, 99)]
        town = world(["honest"] * 30 + ["drip"] * 3, [-1] * 30 + [10_000] * 3, honest + sybils)
        assert town.pushed()[30:].tolist() == [2, 1, 1]
        got = said(gain([group([30, 31])], town))
        assert got["drip", "pushed"] == pytest.approx(4 / 3)
        assert got["drip", "gained"] == pytest.approx(1 / 3)

    def test_a_campaign_pushes_what_its_fields_say(self):
        plan = plan_of(50_000)
        full = World.of(plan, campaigns(plan), seed=3)
        half = World.of(plan, campaigns(plan, intensity=0.5), seed=3)
        pushed = {n: said(gain([], w)) for n, w in (("full", full), ("half", half))}
        assert pushed["full"]["lockstep", "pushed"] == pytest.approx(10, abs=0.5)
        assert pushed["half"]["lockstep", "pushed"] == pytest.approx(5, abs=0.5)
        assert pushed["full"]["covisit_injection", "pushed"] == pytest.approx(8, abs=0.5)


class TestWorlds:
    @pytest.mark.parametrize("sybils", [0.01, 0.025, 0.1])
    def test_campaigns_are_the_stated_share_of_the_accounts(self, sybils):
        plan = plan_of(1_000_000)
        made = campaigns(plan, sybils=sybils)
        assert sum(one.accounts for one in made) == pytest.approx(sybils * 50_000, rel=0.02)
        assert {one.name for one in made} == set(KINDS)

    def test_five_campaigns_of_fifty_of_each_kind_in_the_standard_town(self):
        made = campaigns(plan_of(1_000_000))
        assert len(made) == 25
        assert {one.accounts for one in made} == {50}

    def test_seeds_are_honest_when_trusted_and_of_every_other_campaign_when_confirmed(self):
        plan = plan_of(20_000)
        town = World.of(plan, campaigns(plan), seed=1, trusted=0.2, confirmed=1)
        assert not town.sybil[town.trusted].any()
        assert town.trusted.sum() == pytest.approx(0.2 * 1000, rel=0.3)
        assert [town.confirmed[who].sum() for _, who in town.campaigns()] == [1, 0, 1, 0, 1]

    def test_codes_keep_every_visit_and_account(self):
        plan = plan_of(20_000)
        made = World.of(plan, campaigns(plan), seed=1)
        assert made.visits.n_who == len(made.town.kind)
        assert made.visits.who.tolist() == made.town.visits["contributor_id"].tolist()
        assert made.visits.seconds.min() == 0


class TestTables:
    def test_figures_hold_our_targets_and_spread_over_seeds(self):
        lines = [
            Line("table", "standard", method, "drip", "ROC-AUC", seed, value)
            for method, values in ((curves.OURS, (0.98, 1.0)), ("a peer", (0.5, 0.6)))
            for seed, value in enumerate(values)
        ]
        found = {f.name: f for f in report.table_figures(lines) if "drip, ROC-AUC" in f.name}
        ours = found[f"{curves.OURS}: drip, ROC-AUC"]
        assert ours.value == pytest.approx(0.99)
        assert ours.spread == pytest.approx(0.02)
        assert ours.target == report.TARGETS["drip"][0]
        assert found["a peer: drip, ROC-AUC"].target is None

    def test_growth_is_the_slope_of_the_logarithms(self):
        timed = [
            speed.Timed(n, n, 0.0, 5.0, 1.0, 7.0, 2.0 * (n / 100) ** 1.5, 0.1, None, None, None)
            for n in (100, 1_000, 10_000)
        ]
        assert speed.growth(timed) == pytest.approx(1.5)

    def test_the_command_measures_prints_and_writes(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr(curves, "CURVES", curves.CURVES[:1])
        monkeypatch.setattr(curves, "PEERS", {"most co-visits": PEERS["most co-visits"]})
        path = tmp_path / "actors.json"
        parts = [f"--part={part}" for part in ("table", "curves", "graphs")]
        main([*parts, "--visits=20000", "--seeds", "1", "2", f"--results={path}"])
        shown = capsys.readouterr().out
        assert "most co-visits" in shown
        assert "over seeds 1, 2" in shown
        assert "no folder was given" in shown
        written = json.loads(path.read_text(encoding="utf-8"))
        assert written["seeds"] == [1, 2]
        names = {f["name"] for f in written["figures"]}
        assert f"{curves.OURS}: all, ROC-AUC" in names
        assert "most co-visits: all, ROC-AUC" in names
        assert set(written["means"]) == {"table", "intensity"}
        drip = written["means"]["table"]["standard"][curves.OURS]["drip"]
        assert 0 <= drip["recall at 1 %"] <= 1

    def test_a_size_is_timed_in_a_process_of_its_own(self):
        (one,) = speed.measure([5_000], 1, lambda line: None)
        assert one.visits >= 5_000
        assert one.peak_gb > 0
        assert one.seconds >= one.search > 0


class TestGraphs:
    def test_only_ours_with_the_given_seeds_has_a_target(self, monkeypatch, tmp_path):
        measured = pd.DataFrame(
            {"both": [0.99, 0.98], "trusted only": [0.9, 0.8]},
            index=["trust deficit", "SybilRank"],
        )
        monkeypatch.setattr(graphs.facebook, "measure", lambda folder: measured)
        found = list(graphs.facebook_figures(tmp_path))
        assert [f.value for f in found] == [0.99, 0.98, 0.9, 0.8]
        assert [f.target is not None for f in found] == [True, False, False, False]


class TestPicture:
    def test_the_surest_campaign_of_a_town_is_drawn_whole(self):
        drawn = picture(plan_of(100_000), seed=1)
        assert ElementTree.fromstring(drawn).tag.endswith("svg")
        accounts = re.search(r": (\d+) accounts", drawn)
        assert accounts is not None
        assert int(accounts[1]) == pytest.approx(25, abs=5)

    def test_nothing_is_drawn_where_no_campaign_is_found(self, monkeypatch):
        monkeypatch.setattr(
            "benchmarks.actors.picture.search_world", lambda world: SimpleNamespace(groups=[])
        )
        assert picture(plan_of(20_000), seed=1) is None
