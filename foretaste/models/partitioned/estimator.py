"""A scikit-learn classifier whose base models each learn from a few accounts.

Import it inside functions: it loads scikit-learn.
"""

from __future__ import annotations

import logging
from typing import Any, Final, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import InvalidParameterError

from foretaste.core.errors import ContractError, GateRefused
from foretaste.models.factory import weight_argument
from foretaste.models.partitioned.certificate import (
    Certificates,
    plurality_radius,
    run_off_radius,
)
from foretaste.models.partitioned.digests import NOTHING, digest_of
from foretaste.models.partitioned.hashing import cells, fingerprint, readers
from foretaste.models.partitioned.votes import ABSENT, Ballots, plurality, run_off

log = logging.getLogger(__name__)

LEAST_SALT: Final = 16
"""Bytes below which a salt could be tried out."""


class PartitionedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Hash accounts into cells, fit a base model per few cells, and let the models vote.

    An account reaches ``spread`` models and no other, whatever it sends; the count of votes
    then says how many hostile accounts a prediction withstands. A model without rows, or
    whose rows cannot be fitted, abstains. Rows of a model are fitted in the order given,
    their weights brought to a mean of 1 among them.

    Parameters
    ----------
    base
        Unfitted classifier, seeds set; everything fitted belongs inside, steps that learn
        nothing may stand before the ensemble.
    n_partitions
        A model learns from about one in so many accounts. Odd, five to eight times the
        number of hostile accounts to withstand.
    salt
        Secret, at least 16 bytes. It is never written with the model.
    spread
        Models that read each account: 1 is Deep Partition Aggregation (Levine & Feizi, ICLR
        2021), more is Finite Aggregation (Wang, Levine & Feizi, ICML 2022) with ``spread``
        times the models and the cost.
    vote
        ``plurality``, or ``run_off`` between the first two (Rezaei et al., ICML 2023).

    Attributes
    ----------
    classes_
        Labels, sorted.
    members_
        Fitted base models, None for one that abstains.
    readers_
        (cells, spread) models that read each cell.
    salt_id_
        Fingerprint of the salt.
    digests_
        What each base model follows from; see ``foretaste.models.partitioned.digests``.
    fitted_anew_
        Base models that the last call fitted; the others were taken over.

    References
    ----------
    Keyed by who contributes, not by row: Cao, Jia & Gong, AAAI 2021.
    """

    def __init__(
        self,
        base: Any,
        n_partitions: int = 41,
        salt: bytes = b"",
        *,
        spread: int = 1,
        vote: Literal["plurality", "run_off"] = "plurality",
    ) -> None:
        self.base = base
        self.n_partitions = n_partitions
        self.salt = salt
        self.spread = spread
        self.vote = vote

    def fit(
        self,
        X: Any,
        y: np.ndarray,
        groups: np.ndarray,
        sample_weight: np.ndarray | None = None,
        before: PartitionedClassifier | None = None,
    ) -> Self:
        """Fit every base model on the rows of its accounts.

        Parameters
        ----------
        X, y
            (n, ...) rows as the base takes them, and their labels.
        groups
            (n,) id of the account that sent each row.
        sample_weight
            (n,) at least 0; the proof asks that each depends on its own account alone.
        before
            An earlier ensemble, one's own and verified: base models that would come out the
            same are taken over from it instead of being fitted again.

        Raises
        ------
        ContractError
            If the salt is too short or a parameter makes no sense.
        GateRefused
            If there are fewer than two classes, or no base model could be fitted.
        """
        self._check()
        data = _Rows(X, np.asarray(y), np.asarray(groups), sample_weight).usable()
        n_cells = self.n_partitions * self.spread
        self.readers_ = readers(n_cells, self.spread, self.salt)
        self.salt_id_ = fingerprint(self.salt)
        self.members_: list[Any] = [None] * n_cells
        self.digests_: list[str] = [NOTHING] * n_cells
        self._refit(data, np.arange(n_cells), _known(before))
        return self

    def forget(
        self,
        accounts: np.ndarray,
        X: Any,
        y: np.ndarray,
        groups: np.ndarray,
        sample_weight: np.ndarray | None = None,
    ) -> int:
        """Unlearn accounts by fitting anew only the models that read them.

        The result equals a fit without them from scratch (SISA: Bourtoule et al., IEEE S&P
        2021, with one shard a model and no slices).

        Parameters
        ----------
        accounts
            Ids to forget.
        X, y, groups, sample_weight
            What the ensemble was fitted on, with the accounts' rows or without.

        Returns
        -------
        int
            Models that were fitted anew.

        Raises
        ------
        ContractError
            If the salt is not the one of the fit: set it with ``set_params`` after loading.
        GateRefused
            If fewer than two classes would be left.
        """
        self._check()
        if fingerprint(self.salt) != self.salt_id_:
            raise ContractError("the salt is not the one that the ensemble was fitted with")
        data = _Rows(X, np.asarray(y), np.asarray(groups), sample_weight).usable()
        gone = np.asarray(accounts).astype(str)
        data = data.take(~np.isin(data.groups.astype(str), gone))
        touched = np.unique(self.readers_[cells(gone, len(self.readers_), self.salt)])
        self._refit(data, touched)
        return len(touched)

    def predict(self, X: Any) -> np.ndarray:
        """Give the winner of each row's vote, ties to the smaller label."""
        return self._winners(self.predict_proba(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Give shares of votes, no calibrated probabilities; (n, classes), rows sum to 1."""
        return self._shares(self.ballots(X))

    def certify(self, X: Any) -> Certificates:
        """Predict, and say how many hostile accounts each prediction withstands.

        It is a proof only where ``foretaste.models.partitioned.conditions`` hold.
        """
        ballots = self.ballots(X)
        won = self._shares(ballots).argmax(axis=1)
        radius = run_off_radius if self.vote == "run_off" else plurality_radius
        return Certificates(self.classes_[won], radius(ballots, self.readers_, won))

    def ballots(self, X: Any) -> Ballots:
        """Ask every base model."""
        n, k = _length(X), len(self.classes_)
        choice = np.full((len(self.members_), n), ABSENT, dtype=np.int64)
        scores = None if self.vote == "plurality" else np.full((*choice.shape, k), -np.inf)
        for i, member in enumerate(self.members_):
            if member is None or not n:
                continue
            choice[i] = np.searchsorted(self.classes_, member.predict(X))
            if scores is not None:
                known = np.searchsorted(self.classes_, member.classes_)
                scores[i][:, known] = _scores(member, X)
        return Ballots(choice, scores, k)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the salt, and how a fit went, out of whatever is written."""
        state = {**super().__getstate__(), "salt": b""}
        state.pop("fitted_anew_", None)
        return state

    def _check(self) -> None:
        if len(self.salt) < LEAST_SALT:
            raise ContractError(
                f"the salt of a partitioned model needs at least {LEAST_SALT} secret bytes",
                hint="derive it from the workspace key; a loaded model does not carry it",
            )
        if self.n_partitions < 1 or self.spread < 1 or self.vote not in {"plurality", "run_off"}:
            raise ContractError("partitions and spread count from 1; vote: plurality or run_off")

    def _refit(self, data: _Rows, models: np.ndarray, known: dict[str, Any] | None = None) -> None:
        classes = np.unique(data.y)
        if len(classes) < 2:
            raise GateRefused("a partitioned model needs two classes to learn from")
        home = cells(data.groups, len(self.readers_), self.salt)
        fitted, known = {}, known or {}
        digests = list(getattr(self, "digests_", [NOTHING] * len(self.readers_)))
        for model in models:
            own = np.flatnonzero((self.readers_ == model).any(axis=1))
            part = data.take(np.isin(home, own))
            digest = digest_of(self.base, part.X, part.y, part.weight, self.salt)
            fitted[model] = known[digest] if digest in known else self._member(part)
            digests[model] = digest
        members = [fitted.get(i, old) for i, old in enumerate(self.members_)]
        if all(member is None for member in members):
            raise GateRefused("no partition has rows that its model could be fitted on")
        self.classes_, self.members_, self.digests_ = classes, members, digests
        self.fitted_anew_ = sum(digests[model] not in known for model in models)

    def _member(self, data: _Rows) -> Any:
        """Fit one base model; what fails on hostile rows must not stop the others."""
        from sklearn.dummy import DummyClassifier

        n_classes = len(np.unique(data.y))
        if not n_classes:
            return None
        model = clone(self.base) if n_classes > 1 else DummyClassifier(strategy="prior")
        weight = {}
        if data.weight is not None:
            # Among its own rows only: a mean over all would carry others' weights in here.
            weight[weight_argument(model)] = data.weight / data.weight.mean()
        try:
            return model.fit(data.X, data.y, **weight)
        except InvalidParameterError:
            raise
        except ValueError as error:
            why = str(error).partition("\n")[0]
            log.warning("a partition of %d rows abstains: %s", len(data.y), why)
            return None

    def _shares(self, ballots: Ballots) -> np.ndarray:
        return run_off(ballots) if self.vote == "run_off" else plurality(ballots)

    def _winners(self, shares: np.ndarray) -> np.ndarray:
        winners: np.ndarray = self.classes_[shares.argmax(axis=1)]
        return winners


class _Rows:
    """Rows, each with its label, its account and its weight."""

    def __init__(self, X: Any, y: np.ndarray, groups: np.ndarray, weight: Any) -> None:
        self.X, self.y, self.groups = X, y, groups
        self.weight = None if weight is None else np.asarray(weight, dtype=np.float64)
        if not len(y) == len(groups) == _length(X):
            raise ContractError("rows, labels and accounts differ in number")

    def usable(self) -> _Rows:
        """Choose the rows with a weight above 0."""
        return self if self.weight is None else self.take(self.weight > 0)

    def take(self, kept: np.ndarray) -> _Rows:
        """Choose rows."""
        at = np.flatnonzero(kept)
        weight = None if self.weight is None else self.weight[at]
        return _Rows(_safe_indexing(self.X, at), self.y[at], self.groups[at], weight)


def _known(before: PartitionedClassifier | None) -> dict[str, Any]:
    """Give the base models of an earlier ensemble, by what they follow from."""
    digests = getattr(before, "digests_", [])
    members = before.members_ if before is not None else []
    known = dict(zip(digests, members, strict=False))
    known.pop(NOTHING, None)
    return known


def _length(X: Any) -> int:
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def _scores(member: Any, X: Any) -> np.ndarray:
    """Score the member's own classes, the larger the likelier; (n, its classes)."""
    if not hasattr(member, "decision_function"):
        return np.asarray(member.predict_proba(X), dtype=np.float64)
    said = np.asarray(member.decision_function(X), dtype=np.float64)
    return said if said.ndim == 2 else np.stack([-said, said], axis=1)
