"""Groups of accounts that act as one, and how likely each is a campaign.

What a group does together is compared with groups of known towns; networks, devices,
registrations, names and hours add what they have to say, and people's knowledge of the
members weighs for or against. A group says nothing about poison below odds of nine to one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detectors.actors.accounts.facts import Accounts, Burst, shared_names, shared_places
from detectors.actors.accounts.pools import place_word
from detectors.actors.accounts.registrations import Calendar
from detectors.actors.groups.behaviour import Behaviours
from detectors.actors.groups.reference import log_likelihood_ratio
from foretaste.core.actor import ActorKind

CAMPAIGN = float(np.log(9.0))
"""Log-odds from which a group is called a campaign."""

PRIOR = -4.0
"""Log-odds that a group which the co-visits show is a campaign: about one in fifty-five."""

_BURST_PRIOR = -7.0
_NATS = float(np.log(10.0))
_PER_CONFIRMED, _MOST_CONFIRMED = 2.0, 6.0
_PER_TRUSTED, _MOST_TRUSTED = -3.0, -9.0
_TOGETHER = 0.35


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that stand together.

    Parameters
    ----------
    members
        Sorted codes of contributors.
    log_odds
        Nats for "campaign" against "honest people together".
    surprise
        -log10 of the probability of what they share.
    reason
        Code and numbers for a person; names nobody.
    close
        True when the members are surprisingly close; what is neither close nor a campaign
        is a gathering by chance.
    """

    members: np.ndarray
    log_odds: float
    surprise: float
    reason: str
    close: bool = True

    @property
    def kind(self) -> ActorKind:
        """Campaign or honest group."""
        return ActorKind.CAMPAIGN if self.log_odds >= CAMPAIGN else ActorKind.HONEST_GROUP


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of contributors from elsewhere.

    Parameters
    ----------
    trusted, confirmed
        (n,) bool: company that speaks for a group, and against it.
    company
        (n,) float64 nats that the graph carries from them to others.
    hours
        (n,) float64 nats of hours that no people keep, the same for all of a group.
    injected
        (n,) float64 nats that a contributor's sessions are injected.
    """

    trusted: np.ndarray
    confirmed: np.ndarray
    company: np.ndarray
    hours: np.ndarray
    injected: np.ndarray

    def of(self, members: np.ndarray) -> float:
        """Nats that people's knowledge of the members adds."""
        bad = min(_MOST_CONFIRMED, _PER_CONFIRMED * int(self.confirmed[members].sum()))
        good = max(_MOST_TRUSTED, _PER_TRUSTED * int(self.trusted[members].sum()))
        return bad + good + float(self.company[members].mean())

    def beside(self, members: np.ndarray) -> float:
        """Nats of the members' hours and sessions."""
        return float(self.hours[members].mean() + self.injected[members].mean())


def ring(burst: Burst, known: Knowledge) -> Group:
    """Judge a burst of throw-away accounts.

    Registrations in honest life are not independent (word of mouth, an office, a course):
    each further account counts at most one nat, however improbable. How rare throw-away
    accounts are elsewhere adds up to 4, and how much of the place's pool they make up to 3.
    """
    more = burst.members.size - 1
    together = min(8.0, more, _NATS * burst.surprise)
    thin = min(4.0, more * max(0.0, float(np.log(0.95 / max(burst.base, 0.05)))))
    alone = 3.0 * min(1.0, more / 6.0) * burst.members.size / burst.pool
    members = np.sort(burst.members)
    shown = (
        f"{members.size} accounts, one {place_word(burst.place)}, registered within "
        f"{burst.hours:.1f} h, surprise {burst.surprise:.0f}"
    )
    log_odds = _BURST_PRIOR + together + thin + alone + known.of(members)
    return Group(members, log_odds, burst.surprise, _reason("ring", log_odds, shown))


def weighed(
    label: np.ndarray,
    found: Behaviours,
    accounts: Accounts | None,
    known: Knowledge,
    unheard: frozenset[str] = frozenset(),
) -> list[Group]:
    """Judge the groups of the co-visit graph, chance gatherings included."""
    ratio = log_likelihood_ratio(found, unheard)
    calendar = None if accounts is None else Calendar.of(accounts)
    # One cause, a school or an event, explains shared networks and hours as well.
    unexplained = np.clip((found.choices - 1) / 2, 0.0, 1.0)
    groups = []
    for g, mine in enumerate(split(label, found.size.size)):
        nats, extra = _beside(mine, accounts, calendar)
        beside = unexplained[g] * (nats + known.beside(mine))
        log_odds = PRIOR + float(ratio[g] + beside) + known.of(mine)
        shown = "; ".join([_shown(found, g), *extra])
        close = bool(found.margin[g] > 0 and found.density[g] >= _TOGETHER)
        surprise = max(float(found.margin[g]), 0.0)
        reason = _reason("campaign", log_odds, shown)
        groups.append(Group(mine, log_odds, surprise, reason, close))
    return groups


def apart(groups: list[Group], n: int, min_size: int) -> list[Group]:
    """Give every contributor to its most suspicious group; what is left over is dropped.

    Gatherings by chance are dropped too.
    """
    taken = np.zeros(n, dtype=bool)
    kept = []
    telling = (g for g in groups if g.close or g.kind is ActorKind.CAMPAIGN)
    ranked = sorted(telling, key=lambda g: (-g.log_odds, -g.surprise, g.members.tolist()))
    for group in ranked:
        free = group.members[~taken[group.members]]
        if free.size < max(min_size, group.members.size / 2):
            continue
        taken[free] = True
        kept.append(replace(group, members=free))
    return kept


def split(label: np.ndarray, n_groups: int) -> list[np.ndarray]:
    """Members by group, sorted; -1 is no group."""
    order = np.argsort(label, kind="stable")
    bounds = np.searchsorted(label[order], np.arange(n_groups + 1))
    return [order[bounds[g] : bounds[g + 1]] for g in range(n_groups)]


def _beside(
    members: np.ndarray, accounts: Accounts | None, calendar: Calendar | None
) -> tuple[float, list[str]]:
    """Nats of networks, registrations and names, and their words; names only beside others."""
    if accounts is None or calendar is None:
        return 0.0, []
    places, registered = shared_places(accounts, members), calendar.together(members)
    said = [(places.nats, places.reason), (registered.nats, registered.reason)]
    if places.nats + registered.nats > 0:
        names = shared_names(accounts, members)
        said.append((names.nats, names.reason))
    return sum(nats for nats, _ in said), [words for nats, words in said if nats > 0]


def _shown(found: Behaviours, g: int) -> str:
    return (
        f"{found.size[g]} accounts, {found.targets[g]:.0f} shared targets "
        f"({found.coverage[g]:.2f} of the accounts at each), {found.choices[g]} choices, "
        f"inward {found.inward[g]:.2f}, margin {found.margin[g]:.1f}"
    )


def _reason(code: str, log_odds: float, shown: str) -> str:
    return f"{code if log_odds >= CAMPAIGN else 'together'}: {shown}"
