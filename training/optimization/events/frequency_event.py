"""Base class of events on frequencies of weights, and the choice of these frequencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.optimization.events.base import ArmInputs, Event, Target, check_weights
from training.optimization.events.residue_weights import key_frequencies_of, residue_axes
from training.schema.validation import ConfigError, require


@dataclass(frozen=True, kw_only=True)
class FrequencyEvent(Event):
    """Event on Fourier components along the residues of weights.

    The frequencies are named, or they are the key frequencies of another arm at its last checkpoint: those
    whose norm is at least half of the largest, in one of `weights` or more.
    """

    weights: tuple[str, ...]
    """Weights with an axis of residues: the first matrix, the last, or both."""
    frequencies: tuple[int, ...] = ()
    """Frequencies, from 1 to (p − 1) / 2; none beside `keys_of`."""
    keys_of: str | None = None
    """Arm of the same seed whose key frequencies are meant, in place of named ones."""
    others: bool = False
    """True: as many other frequencies, at random, as that arm has key frequencies; all others if fewer."""

    def arms_read(self) -> tuple[str, ...]:
        """Return the arm of the key frequencies too."""
        return (*super().arms_read(), *([] if self.keys_of is None else [self.keys_of]))

    def last_checkpoints_read(self) -> tuple[str, ...]:
        """Return the arm of the key frequencies."""
        return () if self.keys_of is None else (self.keys_of,)

    def check(self, target: Target, others: Mapping[str, Target]) -> None:
        """Raise a `ConfigError` about a weight, frequency or arm that is not there, or does not fit."""
        super().check(target, others)
        if target.residues is None:
            raise ConfigError("frequencies: expected a task on residues mod p, got another")
        require(len(self.weights) > 0, "weights", "one or more weights", "none")
        check_weights("weights", self.weights, list(residue_axes(target.shapes, target.residues)))
        if self.keys_of is None:
            require(not self.others, "others", "false without keys_of", self.others)
            self._check_named((target.residues - 1) // 2)
            return
        require(not self.frequencies, "frequencies", "none beside keys_of", list(self.frequencies))
        check_giver("keys_of", self.keys_of, others[self.keys_of], target, self.weights)

    def _check_named(self, most: int) -> None:
        chosen = self.frequencies
        expected = f"one or more different whole numbers from 1 to {most}"
        fits = all(1 <= k <= most for k in chosen) and len({*chosen}) == len(chosen) > 0
        require(fits, "frequencies", expected, list(chosen))

    def claimed(self) -> frozenset[int] | None:
        """Return the frequencies that the event decides on; None if another arm's training tells them."""
        return None if self.keys_of is not None else frozenset(self.frequencies)

    def chosen(self, inputs: ArmInputs) -> tuple[int, ...]:
        """Return the frequencies, in ascending order."""
        if self.keys_of is None:
            return tuple(sorted(self.frequencies))
        import numpy as np

        p = inputs.target.residues
        assert p is not None
        axes = residue_axes(inputs.target.shapes, p)
        given = inputs.weights(self.keys_of)
        keys = key_frequencies_of(given, {name: axes[name] for name in self.weights}, p)
        if not self.others:
            return tuple(sorted(keys))
        free = sorted({*range(1, (p - 1) // 2 + 1)} - keys)
        drawn = np.random.default_rng(inputs.seed).permutation(free)[: len(keys)]
        return tuple(sorted(map(int, drawn)))


def check_giver(field: str, arm: str, giver: Target, target: Target, weights: Sequence[str]) -> None:
    """Raise a `ConfigError` unless another arm's weights and residues are like the target's."""
    for name in weights:
        expected = f"an arm whose {name} has the shape {target.shapes[name]}"
        got = giver.shapes.get(name)
        require(got == target.shapes[name], field, expected, f"{arm}, {got}")
    same = giver.residues == target.residues
    require(same, field, f"an arm on residues mod {target.residues}", f"{arm}, mod {giver.residues}")
