"""Rounds of iterative magnitude pruning, written as one arm: `rounds` and `prune_per_round`."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.config.shorthand.dotted_fields import Content
from training.schema.validation import ConfigError, build, require

METHOD = "imp"
"""Pruning method that has rounds."""
MOST_ROUNDS = 1000
"""Rounds of one arm at most."""
DIGITS = 10
"""Decimals of a round's sparsity."""


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """Rounds of iterative pruning, an arm each."""

    rounds: int
    """Rounds of method `imp`; each is an arm, NAME_1 to NAME_n, whose source is the round before."""
    prune_per_round: float | None = None
    """Share of the remaining weights that a round removes; by default, the sparsity is the last round's."""

    def __post_init__(self) -> None:
        fits = 1 <= self.rounds <= MOST_ROUNDS
        require(fits, "rounds", f"a whole number from 1 to {MOST_ROUNDS:,}", self.rounds)
        share = self.prune_per_round
        require(share is None or 0 < share < 1, "prune_per_round", "a number in (0, 1)", share)

    def sparsities(self, last: float) -> list[float]:
        """Return the sparsity after each round, as a share of all weights.

        After round k a share (1 − q)ᵏ of the weights is left, where q is removed per round.

        Parameters
        ----------
        last : float
            Sparsity after the last round, unless `prune_per_round` is set.

        References
        ----------
        .. [1] Frankle and Carbin, arXiv:1803.03635, Sec. 1 (a share of the survivors per round, p^(1/n) % for
           a target of p %; here q solves (1 − q)ⁿ = 1 − s, so that the target is met).

        Examples
        --------
        >>> Rounds(rounds=3, prune_per_round=0.2).sparsities(0.6)
        [0.2, 0.36, 0.488]
        >>> Rounds(rounds=2).sparsities(0.64)
        [0.4, 0.64]
        """
        n, q = self.rounds, self.prune_per_round
        kept = (1 - last) ** (1 / n) if q is None else 1 - q
        sparsities = [round(1 - kept**k, DIGITS) for k in range(1, n + 1)]
        return sparsities if q is not None else [*sparsities[:-1], last]


FIELDS = tuple(field.name for field in dataclasses.fields(Rounds))
"""Fields of an arm that stands for rounds, beside those of every arm."""


def n_rounds(arm: Content) -> int:
    """Return the number of arms that an arm's table stands for, 1 if it names no rounds."""
    n = arm.get("rounds", 1)
    return n if type(n) is int and n > 0 else 1  # others are refused by `expand_rounds`


def expand_rounds(content: Content, sparsity: float) -> dict[str, Any]:
    """Return a recipe's content with every arm of rounds replaced by an arm per round.

    The masks are nested: the source of a round is the round before, that of the first is the arm's. An arm
    whose source is the arm of rounds reads its last round.

    Parameters
    ----------
    sparsity : float
        Default of the recipe's `pruning.sparsity`.

    Raises
    ------
    ConfigError
        If the method is not `imp`, share and sparsity are both set or are impossible, or a round's name is
        taken.

    Examples
    --------
    >>> imp = {"method": "imp", "source": "dense", "rounds": 2, "prune_per_round": 0.2}
    >>> arms = expand_rounds({"arms": {"dense": {}, "imp": imp}}, 0.6)["arms"]
    >>> {name: (arm.get("source"), arm.get("sparsity")) for name, arm in arms.items()}
    {'dense': (None, None), 'imp_1': ('dense', 0.2), 'imp_2': ('imp_1', 0.36)}
    """
    arms = content.get("arms")
    if not isinstance(arms, Mapping):
        return dict(content)
    pruning = content.get("pruning")
    if isinstance(pruning, Mapping):
        sparsity = pruning.get("sparsity", sparsity)
    expanded: dict[str, Any] = {}
    last_rounds: dict[str, str] = {}
    for name, arm in arms.items():
        if isinstance(arm, Mapping) and any(field in arm for field in FIELDS):
            of_arm = _round_arms(name, arm, sparsity)
            last_rounds[name] = list(of_arm)[-1]
            for taken in of_arm.keys() & (arms.keys() | expanded.keys()):
                raise ConfigError(f"arms.{taken}: expected another name, got that of a round of {name}")
            expanded |= of_arm
        else:
            expanded[name] = arm
    for name, arm in expanded.items():
        source = arm.get("source") if isinstance(arm, Mapping) else None
        if isinstance(source, str) and source in last_rounds:
            expanded[name] = {**arm, "source": last_rounds[source]}
    return {**content, "arms": expanded}


def _round_arms(name: str, arm: Content, sparsity: Any) -> dict[str, dict[str, Any]]:
    """Return the arms of one arm of rounds, by name.

    Parameters
    ----------
    sparsity : float
        Sparsity of arms that set none.
    """
    where, method = f"arms.{name}", arm.get("method", "none")
    if "rounds" not in arm:
        raise ConfigError(f"{where}.rounds: expected the number of rounds beside prune_per_round, got none")
    require(method == METHOD, f"{where}.method", f"{METHOD!r} for an arm of rounds", method)
    rounds = build(Rounds, {field: arm[field] for field in FIELDS if field in arm}, where)
    if rounds.prune_per_round is not None and "sparsity" in arm:
        raise ConfigError(f"{where}: expected prune_per_round or sparsity, got both; delete one")
    last = arm.get("sparsity", sparsity)
    is_share = type(last) in (int, float) and 0 < last < 1
    require(is_share, f"{where}.sparsity", "a number in (0, 1)", last)
    sparsities = rounds.sparsities(last)
    if not (sparsities[0] > 0 and sparsities[-1] < 1 and len(set(sparsities)) == len(sparsities)):
        raise ConfigError(
            f"{where}: expected each of {rounds.rounds} rounds to remove weights and to leave some, got the "
            f"sparsities {sparsities[0]} to {sparsities[-1]}; change rounds, prune_per_round or sparsity"
        )
    table = {field: value for field, value in arm.items() if field not in FIELDS}
    arms: dict[str, dict[str, Any]] = {}
    for k, of_round in enumerate(sparsities, start=1):
        source = {"source": f"{name}_{k - 1}"} if k > 1 else {}
        arms[f"{name}_{k}"] = {**copy.deepcopy(table), **source, "sparsity": of_round}
    return arms
