import numpy as np
import pytest

from detectors.content.rules import Rules
from foretaste.core.errors import PolicyError
from foretaste.core.evidence import MICRO
from foretaste.core.policy import Rule
from tests.detectors.worlds import make_batch

TEXTS = ["buy now", "hello", "'; DROP TABLE rows; --", "12"]


def batch():
    return make_batch(np.zeros((4, 0)), ["spam", "ham", "ham", "ham"], list("abcd"), texts=TEXTS)


def rule(name, where, llr):
    return Rule(name=name, where=where, llr=llr)


def test_hits_add_up_and_name_their_rules():
    opinion = Rules(
        rules=(
            rule("drop", "text LIKE '%DROP%'", 3.5),
            rule("quiet", "length(text) < 6", -1.0),
            rule("ham", "label = 'ham'", 0.25),
        )
    ).fit_evidence(batch())
    assert opinion.llr.tolist() == [0, -750_000, 3_750_000, -750_000]
    assert opinion.reason == [
        "",
        "rule:quiet rule:ham",
        "rule:drop rule:ham",
        "rule:quiet rule:ham",
    ]
    assert opinion.flagged.tolist() == [False, False, True, False]
    assert opinion.family == "rules"


def test_a_rule_may_come_as_a_mapping():
    opinion = Rules(rules=({"name": "x", "where": "label = 'spam'", "llr": 2},)).fit_evidence(
        batch()
    )
    assert opinion.llr.tolist() == [2 * MICRO, 0, 0, 0]


def test_hostile_text_cannot_break_a_rule():
    opinion = Rules(rules=(rule("n", "CAST(text AS INTEGER) = 12", 1.0),)).fit_evidence(batch())
    assert opinion.llr.tolist() == [0, 0, 0, MICRO]


def test_a_bad_rule_stops_with_its_name():
    with pytest.raises(PolicyError, match="my_rule"):
        Rules(rules=(rule("my_rule", "nosuch = 1", 1.0),)).fit_evidence(batch())


def test_without_rules_it_abstains():
    assert Rules().fit_evidence(batch()).abstained == "there are no rules"
