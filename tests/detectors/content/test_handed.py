from dataclasses import replace

import numpy as np
import pytest

from detectors.content.handed import HANDED, handed
from detectors.content.outliers import Outliers
from detectors.content.slice_outliers import SliceOutliers
from detectors.content.spectral import Spectral
from tests.detectors.content.crowds import crowd_world
from tests.detectors.worlds import world


def handed_out(share=1.0):
    """A crowd that labels items with content, some of them odd; the others bring their own."""
    batch = crowd_world(n_items=300).batch
    _, item = np.unique(batch.rows["item_id"], return_inverse=True)
    rng = np.random.default_rng(1)
    looks = (
        rng.normal(size=(item.max() + 1, 6))
        * np.where(rng.random(item.max() + 1) < 0.03, 9, 1)[:, None]
    )
    own = rng.random(item.size) > share
    x = np.where(own[:, None], rng.normal(size=(item.size, 6)), looks[item])
    rows = batch.rows.assign(item_id=batch.rows["item_id"].mask(own))
    return replace(batch, rows=rows, features=x.astype(np.float32))


@pytest.mark.parametrize(
    "detector", [Outliers(), SliceOutliers(), Spectral()], ids=lambda d: d.name
)
def test_odd_content_that_people_were_handed_is_held_against_nobody(detector):
    assert detector.fit_evidence(handed_out()).abstained == HANDED


def test_a_minority_of_shared_items_silences_nobody():
    assert not handed(handed_out(share=0.4))


@pytest.mark.parametrize("data", ["digits", "synth"])
def test_items_that_are_places_hand_out_nothing(data):
    assert not handed(world(data).batch)
