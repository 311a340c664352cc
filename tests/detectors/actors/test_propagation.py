"""Trust and blame along the edges of a graph."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import block_diag, csr_matrix, diags

from detectors.actors.graph.propagation import (
    Seeds,
    sybil_rank,
    sybil_scar,
    trust_deficit,
    trust_ratio,
)

METHODS = (trust_ratio, trust_deficit, sybil_rank, sybil_scar)
SEEDED = METHODS[1:]


def clique(n, weight=1.0):
    return csr_matrix(weight * (np.ones((n, n)) - np.eye(n)))


def seeds(n, trusted=(), confirmed=()):
    who = np.arange(n)
    return Seeds(np.isin(who, trusted), np.isin(who, confirmed))


@st.composite
def graphs(draw):
    """A small weighted graph, with zero weights and self-loops, and seeds of both kinds."""
    n = draw(st.integers(1, 9))
    weight = st.sampled_from([0.0, 0.0, 1.0, 2.5, 40.0])
    half = np.array(draw(st.lists(weight, min_size=n * n, max_size=n * n))).reshape(n, n)
    kind = np.array(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    return csr_matrix(half + half.T), Seeds(kind == 1, kind == 2)


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=60)
@given(given_graph=graphs(), random=st.randoms(use_true_random=False))
def test_relabelling_contributors_permutes_their_suspicion(method, given_graph, random):
    graph, known = given_graph
    order = np.array(random.sample(range(graph.shape[0]), graph.shape[0]))
    there = method(graph[order][:, order], Seeds(known.trusted[order], known.confirmed[order]))
    assert there == pytest.approx(method(graph, known)[order], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=60)
@given(given_graph=graphs())
def test_company_with_oneself_and_company_elsewhere_change_nothing(method, given_graph):
    graph, known = given_graph
    n = graph.shape[0]
    plain = method(graph, known)
    looped = method(graph + diags(np.arange(1.0, n + 1)), known)
    crowded = method(
        block_diag([graph, csr_matrix((3, 3))]),
        Seeds(np.r_[known.trusted, [False] * 3], np.r_[known.confirmed, [False] * 3]),
    )
    assert looped == pytest.approx(plain, rel=1e-6)
    assert crowded[:n] == pytest.approx(plain, rel=1e-6, abs=1e-9)
    assert (crowded[n:] == 0).all()
    assert np.isfinite(plain).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [0, 1, 5])
def test_without_an_edge_nobody_is_suspicious(method, n):
    assert method(csr_matrix((n, n)), Seeds.none(n)).tolist() == [0.0] * n


@pytest.mark.parametrize("method", METHODS)
def test_a_trusted_contributor_without_company_speaks_for_nobody(method):
    graph = block_diag([csr_matrix((1, 1)), clique(5)])
    alone = method(graph, seeds(6, trusted=[0]))[1:]
    assert alone == pytest.approx(method(graph, Seeds.none(6))[1:])


@pytest.mark.parametrize("method", METHODS)
def test_edges_of_weight_zero_are_no_edges(method):
    stored = clique(4)
    stored.data[:] = 0.0
    assert (method(stored, seeds(4, trusted=[1]))[[0, 2, 3]] == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_same_graph_gives_the_same_bytes(method):
    rng = np.random.default_rng(3)
    left, right = rng.integers(0, 200, (2, 900))
    half = csr_matrix((rng.random(900), (left, right)), shape=(200, 200))
    known = seeds(200, trusted=[1, 2], confirmed=[3])
    graph = half + half.T
    before = graph.toarray()
    shuffled = csr_matrix(graph.tocoo())
    assert method(graph, known).tobytes() == method(shuffled, known).tobytes()
    assert (graph.toarray() == before).all()


@pytest.mark.parametrize("method", SEEDED)
def test_without_seeds_the_seeded_methods_say_nothing(method):
    rng = np.random.default_rng(5)
    half = csr_matrix(np.triu(rng.random((30, 30)) < 0.2, 1).astype(float))
    assert (method(half + half.T, Seeds.none(30)) == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_when_everybody_is_trusted_equals_stay_equal(method):
    suspicion = method(clique(6), seeds(6, trusted=range(6)))
    assert suspicion == pytest.approx(np.full(6, suspicion[0]))


def test_a_heavy_clique_at_the_edge_of_a_light_crowd_is_suspicious_without_seeds():
    graph = block_diag([clique(40, 0.5), clique(6, 30.0)]).tolil()
    graph[0, 40] = graph[40, 0] = 0.5
    suspicion = trust_ratio(graph.tocsr(), Seeds.none(46))
    assert suspicion[40:].min() > suspicion[:40].max()


def test_a_closed_group_of_equals_gets_its_own_strength():
    suspicion = trust_ratio(block_diag([clique(5, 2.0), clique(3, 7.0)]), Seeds.none(8))
    assert suspicion == pytest.approx([8.0] * 5 + [14.0] * 3, rel=1e-6)


def test_the_restart_is_half_at_the_trusted():
    # In a closed component the rank is what the restart brings: half of an even one.
    graph = block_diag([clique(5), clique(5)])
    known = seeds(10, trusted=[0])
    assert trust_ratio(graph, known)[5:] == pytest.approx([8.0] * 5, rel=1e-6)
    assert trust_deficit(graph, known)[5:] == pytest.approx([np.log(2.0)] * 5, rel=1e-6)
    assert (trust_deficit(graph, known)[:5] < 0).all()


def test_it_is_pagerank():
    import networkx as nx

    rng = np.random.default_rng(8)
    half = csr_matrix(np.triu(rng.random((40, 40)) * (rng.random((40, 40)) < 0.3), 1))
    graph = half + half.T
    rank = nx.pagerank(nx.from_scipy_sparse_array(graph), alpha=0.85, tol=1e-12)
    strength = np.asarray(graph.sum(axis=1)).ravel()
    expected = strength / (40 * np.array([rank[i] for i in range(40)]))
    assert trust_ratio(graph, Seeds.none(40)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("method", [trust_deficit, sybil_rank, sybil_scar])
def test_a_community_behind_one_bridge_gets_less_trust(method):
    graph = block_diag([clique(20), clique(20)]).tolil()
    graph[19, 20] = graph[20, 19] = 1.0
    suspicion = method(graph.tocsr(), seeds(40, trusted=[2, 7]))
    assert suspicion[20:].min() > suspicion[:20].max()


def test_trust_that_cannot_arrive_is_the_same_everywhere():
    graph = block_diag([clique(4), clique(6), clique(3, 9.0)])
    suspicion = sybil_rank(graph, seeds(13, trusted=[0]))
    assert (suspicion[4:] == 0.5).all()
    assert (suspicion[:4] < 0.5).all()


def test_an_endless_walk_tells_nobody_apart():
    graph = block_diag([clique(5), clique(5)]).tolil()
    graph[4, 5] = graph[5, 4] = 1.0
    suspicion = sybil_rank(graph.tocsr(), seeds(10, trusted=[0]), steps=2000)
    assert suspicion == pytest.approx(np.zeros(10), abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 10), st.integers(3, 10), st.floats(0.1, 50.0))
def test_a_bad_seed_in_a_clique_raises_only_that_clique(n, others, weight):
    graph = block_diag([clique(n, weight), clique(others)])
    suspicion = sybil_scar(graph, seeds(n + others, confirmed=[1]))
    assert (suspicion[:n] > 0).all()
    assert suspicion[1] == suspicion.max()
    assert (suspicion[n:] == 0).all()


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_trust_is_blame_with_the_other_sign(given_graph):
    graph, known = given_graph
    turned = sybil_scar(graph, Seeds(known.confirmed, known.trusted))
    assert turned == pytest.approx(-sybil_scar(graph, known))
    assert (np.abs(turned) <= 0.5).all()


def test_blame_fades_with_distance():
    chain = diags([np.ones(9), np.ones(9)], [1, -1])
    suspicion = sybil_scar(chain, seeds(10, confirmed=[0]), strength=0.8)
    assert (np.diff(suspicion) < 0).all()
    assert suspicion[-1] > 0
