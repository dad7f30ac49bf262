"""Key frequencies of a network by the rule of events on frequencies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interp.mechanism.key_frequency_rules import logit_key_frequencies
from training.inspection.trained_network import Network
from training.optimization.events.base import Event
from training.optimization.events.frequency_event import FrequencyEvent
from training.optimization.events.residue_weights import key_frequencies_of, residue_axes
from training.runs.atomic_files import RunError


def event_weights(network: Network, event: Event) -> tuple[str, ...]:
    """Return the weights in which an event's key frequencies are sought.

    They are those of an event on frequencies, else all with an axis of residues; none without residues.
    """
    p = getattr(network.setting.task, "p", None)
    if p is None:
        return ()
    return event.weights if isinstance(event, FrequencyEvent) else tuple(residue_axes(shapes_of(network), p))


def shapes_of(network: Network) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a network's weights by name."""
    return {name: tuple(shape) for name, shape in network.setting.shapes().items()}


def keys_in(network: Network, weights: Sequence[str]) -> set[int] | None:
    """Return the last key frequencies of some weights.

    A frequency may be one in a single weight. The rule is that of events, `key_frequencies_of`. None if a
    weight has no axis of residues.
    """
    p = network.p
    axes = residue_axes(shapes_of(network), p)
    if not weights or not set(weights) <= axes.keys():
        return None
    last = {name: network.weights(name)[-1] for name in weights}
    return key_frequencies_of(last, {name: axes[name] for name in weights}, p)


def logit_keys(network: Network) -> set[int] | None:
    """Return the last key frequencies by the rule logit_map; None without neurons."""
    last = {name: w[-1] for name, w in network.weights().items()}
    try:
        output = network.setting.model.neuron_maps(last)["output"]
    except RunError:
        return None
    return set(logit_key_frequencies(output).tolist())


def frequency_columns(
    network: Network, event: Event, changed: Sequence[int] | None, reference: Network | None
) -> dict[str, Any]:
    """Return the numbers of changed, key and shared frequencies of one event.

    Parameters
    ----------
    network : Network
        The network that the event changed.
    event : Event
        Its settings.
    changed : sequence of int, optional
        Frequencies that it changed; None for an event on none.
    reference : Network, optional
        The network whose key frequencies are compared.
    """
    names = ("n_frequencies", "n_again", "n_again_logit", "n_keys", "n_reference_keys", "n_shared")
    row: dict[str, Any] = dict.fromkeys(names)
    weights = event_weights(network, event)
    keys = keys_in(network, weights) if weights else None
    if changed is not None and keys is not None:
        by_logits = logit_keys(network)
        again_logit = None if by_logits is None else len(by_logits & set(changed))
        row |= {"n_frequencies": len(changed), "n_again": len(keys & set(changed))}
        row["n_again_logit"] = again_logit
    if keys is None:
        return row
    row["n_keys"] = len(keys)
    others = None
    if reference is not None and getattr(reference.setting.task, "p", None) == network.p:
        others = keys_in(reference, weights)
    if others is not None:
        row |= {"n_reference_keys": len(others), "n_shared": len(keys & others)}
    return row
