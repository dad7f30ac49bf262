"""Activations of one checkpoint put from clean into corrupted runs.

n  pairs of runs      p  residues      m  neurons
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from analyses.loading.judged_pairs import JudgedPairs
from analyses.loading.residue_network import Activations, ResidueNetwork, Transformer
from interp.interventions.patching import sampled_pairs

POST = "blocks.0.mlp.hook_post"
MOST_SINGLE = 128
"""Largest number of neurons that are patched one by one."""


class Runs(NamedTuple):
    """Clean and corrupted pairs of residues, with their answers."""

    clean: np.ndarray
    """(n, 2)"""
    corrupted: np.ndarray
    right: np.ndarray
    """(n,): answers to the clean pairs."""
    other: np.ndarray
    """(n,): answers to the corrupted pairs."""

    @classmethod
    def drawn(cls, judged: JudgedPairs, n: int, seed: int) -> Runs:
        """Draw n runs from the judged pairs.

        Raises
        ------
        ValueError
            If n is below 2, or all pairs have one answer.
        """
        first, second = sampled_pairs(judged.labels, n, np.random.default_rng(seed)).T
        return cls(judged.pairs[first], judged.pairs[second], judged.labels[first], judged.labels[second])


class Patch(NamedTuple):
    """Logits of the corrupted runs after a patch."""

    site: str
    unit: int
    hook: str
    neurons: np.ndarray
    """Neurons that are patched; none if the site is another."""
    logits: np.ndarray
    """(n, p)"""


NONE = np.array([], dtype=np.int64)


def patches(
    network: ResidueNetwork,
    runs: Runs,
    groups: Mapping[int, np.ndarray],
    rest: np.ndarray,
    single: bool = False,
) -> tuple[Activations, Activations, Iterator[Patch]]:
    """Return clean and corrupted activations, and the patches of all sites.

    Parameters
    ----------
    groups : mapping
        Neurons of each frequency.
    rest : array
        Neurons of no key frequency.
    single : bool
        Whether neurons are patched one by one too, if they are few.
    """
    x_clean, x_corrupted = network.inputs(runs.clean), network.inputs(runs.corrupted)
    clean, corrupted = network.run(x_clean), network.run(x_corrupted)

    def all_sites() -> Iterator[Patch]:
        is_transformer = isinstance(network, Transformer)
        hook = "blocks.0.hook_resid_pre" if is_transformer else "hook_parts"
        for position in range(x_clean.shape[1]):
            mixed = x_corrupted.copy()
            mixed[:, position] = x_clean[:, position]
            yield Patch("input", position, hook, NONE, network.run(mixed).logits)
        if isinstance(network, Transformer):
            yield from _stream_patches(network, x_clean, x_corrupted, clean, corrupted)
        yield from _neuron_patches(network, clean, corrupted, groups, rest, single)

    return clean, corrupted, all_sites()


def _stream_patches(
    network: Transformer,
    x_clean: np.ndarray,
    x_corrupted: np.ndarray,
    clean: Activations,
    corrupted: Activations,
) -> Iterator[Patch]:
    """Yield patches of heads, attention and the residual stream.

    Nothing reads the stream of other positions than the last after attention.
    """
    given, own = network.last_position(x_clean), network.last_position(x_corrupted)
    stream = own.before + own.attention
    for h in range(own.heads.shape[1]):
        mixed = stream + given.heads[:, h] - own.heads[:, h]
        yield Patch("head", h, "blocks.0.attn.hook_z", NONE, network.after(mixed).logits)
    logits = network.after(own.before + given.attention).logits
    yield Patch("attention", 0, "blocks.0.hook_attn_out", NONE, logits)
    n_positions = x_clean.shape[1]
    for site, hook in (("stream", "blocks.0.hook_resid_mid"), ("output", "blocks.0.hook_resid_post")):
        for position in range(n_positions):
            is_last = position == n_positions - 1
            yield Patch(site, position, hook, NONE, clean.logits if is_last else corrupted.logits)


def _neuron_patches(
    network: ResidueNetwork,
    clean: Activations,
    corrupted: Activations,
    groups: Mapping[int, np.ndarray],
    rest: np.ndarray,
    single: bool,
) -> Iterator[Patch]:
    """Yield patches of neurons, which the logits read linearly."""
    change, m = clean.hidden - corrupted.hidden, len(network.output_map)
    chosen = [("neurons", 0, np.arange(m)), *(("frequency", k, own) for k, own in groups.items())]
    chosen.append(("rest", 0, rest))
    if single and m <= MOST_SINGLE:
        chosen += [("neuron", i, np.array([i])) for i in range(m)]
    for site, unit, own in chosen:
        logits = corrupted.logits + change[:, own] @ network.output_map[own]
        yield Patch(site, unit, POST, own, logits)
