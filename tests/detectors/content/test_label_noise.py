"""Confident learning lists wrong labels, quietly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detectors.content.label_noise import LabelNoise, confident_learning
from tests.detectors.worlds import world


def test_wrong_labels_are_listed_and_honest_ones_hardly() -> None:
    attacked = world("digits", "flip")
    opinion = LabelNoise().fit_evidence(attacked.batch)
    assert opinion.flagged[attacked.poison].mean() > 0.8
    assert opinion.flagged[attacked.honest].mean() < 0.05
    assert 0 <= opinion.llr.min() <= opinion.llr.max() <= 300_000
    assert not opinion.llr[~opinion.flagged].any()


def test_a_label_that_nobody_gave_is_no_obstacle() -> None:
    attacked = world("digits", "flip").batch
    wider = replace(attacked, classes=(*attacked.classes, "nobody"))
    assert LabelNoise().fit_evidence(wider).flagged.any()


def test_quality_is_the_confidence_in_the_given_label() -> None:
    p = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]] * 20)
    _, quality = confident_learning(p, np.array([0, 1] * 20))
    np.testing.assert_allclose(quality, [0.9, 0.8] * 20, atol=1e-6)
