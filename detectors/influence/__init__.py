"""How much anyone may move the model: volume, caps on shares, track records."""

from detectors.influence.caps import cap_shares, effective_caps, share_table
from detectors.influence.validity import (
    VALIDITY_SCHEMA,
    credible_interval,
    prior_llr,
    update_validity,
)
from detectors.influence.weights import base_weights

__all__ = [
    "VALIDITY_SCHEMA",
    "base_weights",
    "cap_shares",
    "credible_interval",
    "effective_caps",
    "prior_llr",
    "share_table",
    "update_validity",
]
