import numpy as np
import pytest

from detectors.content.contributor_shift import ContributorShift
from detectors.content.shift import shifted_cells
from detectors.content.telling import spelled
from foretaste.core.evidence import MICRO
from tests.detectors.worlds import make_batch, world


def people(n_people=40, rows=30, d=8, seed=0):
    """Honest people: features, labels and ids."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(n_people), rows)
    style = rng.normal(0, 0.1, (n_people, d))
    label = rng.integers(0, 2, who.size)
    x = rng.normal(size=(who.size, d)) + style[who] + label[:, None]
    return x, [f"class{c}" for c in label], [f"c{w:03d}" for w in who]


def test_honest_people_with_a_style_of_their_own_have_no_evidence():
    x, labels, who = people()
    opinion = ContributorShift().fit_evidence(make_batch(x, labels, who))
    assert opinion.abstained == ""
    assert not opinion.llr.any()


@pytest.mark.parametrize(("rows", "d"), [(15, 1), (15, 5), (60, 36)])
def test_pure_noise_is_no_shift_whatever_its_shape(rows, d):
    accused = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        who = [f"c{i % 40}" for i in range(40 * rows)]
        labels = [f"l{i}" for i in rng.integers(0, 3, len(who))]
        batch = make_batch(rng.normal(size=(len(who), d)), labels, who)
        accused.append((ContributorShift().fit_evidence(batch).llr > 0).mean())
    assert np.mean(accused) < 0.02


def test_a_trigger_stands_out_in_the_mean_though_not_in_the_row():
    x, labels, who = people()
    mine = np.asarray(who) == "c007"
    x[mine, :3] += 2.0
    batch = make_batch(x, labels, who)
    opinion = ContributorShift().fit_evidence(batch)
    accused = batch.rows["contributor_id"] == "c007"
    assert (opinion.llr[accused] > 3 * MICRO).all()
    assert not opinion.llr[~accused].any()
    row = int(np.flatnonzero(accused)[0])
    assert opinion.reason[row].startswith("shift: label=class")


@pytest.mark.parametrize(("data", "attack"), [("digits", "skew"), ("synth", "backdoor")])
def test_it_sees_what_row_detectors_do_not(data, attack):
    scene = world(data, attack)
    opinion = ContributorShift().fit_evidence(scene.batch)
    assert (opinion.llr[scene.poison] > 0).mean() > 0.9
    assert (opinion.llr[scene.honest] > 2 * MICRO).mean() < 0.03


def test_a_sleeper_is_judged_by_tonight_too():
    x, labels, who = people(rows=60)
    order = np.tile(np.arange(60), 40)
    tonight = order >= 50
    sleeper = (np.asarray(who) == "c011") & tonight
    x[sleeper, :3] += 2.5
    batch = make_batch(x, labels, who, tonight=tonight)
    opinion = ContributorShift().fit_evidence(batch)
    accused = (batch.rows["contributor_id"] == "c011").to_numpy() & batch.tonight
    one_view = ContributorShift().fit_evidence(make_batch(x, labels, who))
    assert opinion.score[accused].mean() > one_view.score[accused].mean()
    assert (opinion.llr[accused] > 0).all()


def test_accounts_of_one_actor_are_judged_together():
    x, labels, who = people(n_people=60, rows=12)
    ring = [f"c{i:03d}" for i in range(8)]
    x[np.isin(who, ring), :3] += 0.9
    batch = make_batch(x, labels, who)
    actors = np.where(
        np.isin(batch.contributor_ids[batch.contributors], ring), 0, batch.contributors
    )
    alone = ContributorShift().fit_evidence(batch)
    joined = ContributorShift().fit_evidence(batch.with_actors(actors))
    mine = actors == 0
    assert joined.score[mine].min() > alone.score[mine].mean()
    assert (joined.llr[mine] > 0).all()


def test_whoever_cannot_be_judged_has_exactly_nothing():
    x, labels, who = people()
    x = np.vstack([x, np.full((2, x.shape[1]), 9.0)])
    batch = make_batch(x, [*labels, "class0", "class0"], [*who, "new", "new"])
    opinion = ContributorShift().fit_evidence(batch)
    new = (batch.rows["contributor_id"] == "new").to_numpy()
    assert not opinion.llr[new].any()
    assert not opinion.score[new].any()


def test_too_few_groups_are_not_judged():
    x, labels, who = people(n_people=7)
    cells = shifted_cells(
        x.astype(np.float32),
        np.unique(who, return_inverse=True)[1],
        np.unique(labels, return_inverse=True)[1],
    )
    assert cells.z.size == 0
    opinion = ContributorShift().fit_evidence(make_batch(x, labels, who))
    assert "7 contributors" in opinion.abstained
    assert not opinion.llr.any()


def test_a_label_that_is_text_stays_out_of_the_reason():
    x, _, who = people()
    mine = np.asarray(who) == "c007"
    x[mine, :3] += 2.0
    opinion = ContributorShift().fit_evidence(make_batch(x, ["<b>bad</b>"] * len(who), who))
    said = {reason for reason in opinion.reason if reason}
    assert said
    assert not any("<" in reason for reason in said)


def test_the_words_that_a_shift_is_made_of_are_named_by_id():
    x, labels, who = people()
    mine = np.asarray(who) == "c007"
    x[mine, :3] += 2.0
    texts = [f"words about number {i}" for i in range(len(who))]
    texts = [f"{t} harbour walk" if m else t for t, m in zip(texts, mine, strict=True)]
    batch = make_batch(x, labels, who, texts=texts)
    opinion = ContributorShift().fit_evidence(batch)
    said = {r for r, micro in zip(opinion.reason, opinion.llr, strict=True) if micro}
    assert said
    assert all(spelled(reason, texts[int(mine.argmax())], batch.salt) for reason in said)
    assert not any("harbour" in reason for reason in said)
