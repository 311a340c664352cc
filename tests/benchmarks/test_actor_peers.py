"""Each peer finds what its paper says it finds, on tables that fit on a page."""

from itertools import chain, combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.actors import facebook
from benchmarks.actors.peers import PEERS
from benchmarks.actors.peers.fraudar import densest_block
from detectors.actors.graph.visits import Visits

HOUR = 3600
DAY = 24 * HOUR
NOBODY = ()


def table(rows, n_who, n_items=None):
    """Visits from (who, item, seconds)."""
    who, item, seconds = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Visits(who, item, seconds, n_who, n_items or int(item.max(initial=0)) + 1)


def run(name, visits, trusted=NOBODY, confirmed=NOBODY):
    everybody = np.arange(visits.n_who)
    return PEERS[name](visits, np.isin(everybody, trusted), np.isin(everybody, confirmed), 7)


def strangers(count, first_item, visits_each=4):
    """People who never go where somebody else goes."""
    return [
        (who, first_item + who * visits_each + i, (who + 3 * i) * HOUR)
        for who in range(count)
        for i in range(visits_each)
    ]


def together(members, items, every=DAY, apart=60):
    """Members who visit each item within minutes of each other."""
    return [
        (who, item, 10 * HOUR + i * every + at * apart)
        for i, item in enumerate(items)
        for at, who in enumerate(members)
    ]


RING = range(6, 11)


@pytest.fixture
def ring_of_five():
    """Six strangers, and five accounts in lockstep at six items, three days apart."""
    return table(strangers(6, 10) + together(RING, range(6), every=3 * DAY), 11)


@pytest.mark.parametrize(
    "name", ["most co-visits", "PageRank (networkx)", "FRAUDAR", "SynchroTrap"]
)
def test_a_ring_in_lockstep_is_found_without_seeds(name, ring_of_five):
    suspicion = run(name, ring_of_five)
    assert suspicion[RING].min() > suspicion[:6].max()


@pytest.mark.parametrize("name", ["SybilRank", "SybilSCAR"])
def test_trust_reaches_whom_trusted_people_meet_and_not_the_ring(name):
    crowd = range(6)
    visits = table(
        together(crowd, range(6))
        + together(RING, range(10, 16))
        + [(0, 20, 0), (6, 20, 0)],  # one attack edge
        11,
    )
    suspicion = run(name, visits, trusted=[2])
    assert suspicion[RING].min() > suspicion[:6].max()


@pytest.mark.parametrize("name", ["PageRank (networkx)", "SybilSCAR"])
def test_a_confirmed_account_raises_the_ones_it_meets(name):
    visits = table(together(range(6), range(6)) + together(RING, range(10, 16)), 11)
    suspicion = run(name, visits, confirmed=[6])
    assert suspicion[RING].min() > suspicion[:6].max()


@pytest.mark.parametrize("name", ["SybilRank", "SybilSCAR"])
def test_without_seeds_the_seeded_peers_say_nothing(name, ring_of_five):
    assert (run(name, ring_of_five) == 0).all()


def test_co_visits_are_counted_exactly_and_not_with_oneself():
    visits = table([(0, 0, 0), (0, 0, 60), (1, 0, 12 * HOUR), (2, 0, 24 * HOUR + 1), (3, 1, 0)], 4)
    assert run("most co-visits", visits).tolist() == [2.0, 2.0, 0.0, 0.0]


def test_fraudar_finds_a_block_behind_camouflage():
    rng = np.random.default_rng(2)
    honest = [(who, int(item), 0) for who in range(200) for item in rng.integers(0, 60, 5)]
    ring = range(200, 212)
    pushed = [(who, item, 0) for who in ring for item in range(60, 72)]
    # As many visits to popular items as to pushed ones.
    camouflage = [(who, int(item), 0) for who in ring for item in rng.integers(0, 60, 12)]
    suspicion = run("FRAUDAR", table(honest + pushed + camouflage, 212))
    assert suspicion[ring].min() > suspicion[:200].max()


@settings(deadline=None, max_examples=60)
@given(st.sets(st.tuples(st.integers(0, 4), st.integers(5, 8)), min_size=1))
def test_a_peeled_block_has_at_least_half_of_the_best_density(edges):
    left, right = np.array(sorted(edges)).T
    weight = 1.0 / np.log(np.bincount(right)[right] + 5.0)

    def density(nodes):
        inside = np.isin(left, nodes) & np.isin(right, nodes)
        return weight[inside].sum() / len(nodes)

    subsets = chain.from_iterable(combinations(range(9), k) for k in range(1, 10))
    best = max(density(nodes) for nodes in subsets)
    block, found = densest_block(left, right, 9)
    assert density(np.flatnonzero(block)) == pytest.approx(found)
    assert best / 2 - 1e-9 <= found <= best + 1e-9


def test_the_same_items_on_other_days_are_not_in_lockstep():
    apart = [(who, item, (3 * who + 20 * item) * DAY) for who in RING for item in range(6)]
    visits = table(strangers(6, 10) + apart, 11)
    assert (run("SynchroTrap", visits) == 0).all()


def test_synchrotrap_ranks_the_larger_group_first_and_forgives_busy_people():
    large, small, busy = range(8), range(8, 11), range(11, 14)
    own = [(who, 1000 + 100 * who + i, i * DAY) for who in busy for i in range(90)]
    visits = table(
        together(large, range(6))
        + together(small, range(6, 12))
        + together(busy, range(12, 15))
        + own,
        14,
    )
    suspicion = run("SynchroTrap", visits)
    assert suspicion[large].min() > suspicion[small].max() > 0
    assert (suspicion[busy] == 0).all()


@pytest.mark.parametrize("name", PEERS)
def test_nobody_and_nothing_are_judged_without_fuss(name):
    assert run(name, table([], 0)).tolist() == []
    nothing = run(name, table([], 3))
    assert nothing == pytest.approx(np.full(3, nothing[0]))


@pytest.mark.parametrize("name", PEERS)
def test_the_order_of_visits_changes_nothing(name, ring_of_five):
    order = np.random.default_rng(1).permutation(ring_of_five.who.size)
    shuffled = Visits(
        ring_of_five.who[order],
        ring_of_five.item[order],
        ring_of_five.seconds[order],
        ring_of_five.n_who,
        ring_of_five.n_items,
    )
    known = {"trusted": [0], "confirmed": [7]}
    assert run(name, shuffled, **known).tobytes() == run(name, ring_of_five, **known).tobytes()


@pytest.mark.parametrize("name", PEERS)
def test_an_item_that_everybody_visits_does_not_cost_all_pairs(name):
    # All pairs would be 1.25e9.
    crowd = [(who, 0, 0) for who in range(50_000)]
    visits = table(crowd + together(range(5), range(1, 8)), 50_000)
    suspicion = run(name, visits, trusted=[100], confirmed=[0])
    assert suspicion.shape == (50_000,)
    assert np.isfinite(suspicion).all()


@pytest.fixture
def social_graph(tmp_path):
    """Two circles of twenty with one bridge; one of each is in the train split."""
    n = 20
    pairs = [(a, b) for a, b in combinations(range(2 * n), 2) if (a < n) == (b < n)]
    edges = pd.DataFrame([*pairs, (n - 1, n)], columns=["src", "dst"])
    pd.DataFrame(
        {
            "contributor_id": [f"n{i}" for i in range(2 * n)],
            "bad_contributor": [0] * n + [1] * n,
            "split": ["train" if i % n == 0 else "test" for i in range(2 * n)],
        }
    ).to_parquet(tmp_path / "sybil_facebook_nodes.parquet")
    edges.map(lambda i: f"n{i}").to_parquet(tmp_path / "sybil_facebook_edges.parquet")
    return tmp_path


def test_propagation_tells_two_circles_apart_by_their_seeds(social_graph):
    figures = facebook.measure(social_graph)
    assert set(figures.columns) == {"both", "trusted only", "confirmed only"}
    assert (figures["both"] == 1.0).all()
    assert figures.loc["SybilSCAR", "confirmed only"] == 1.0
    assert figures.loc["SybilRank", "confirmed only"] == 0.5
