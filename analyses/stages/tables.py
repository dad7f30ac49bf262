"""Tables of one network's curves, classes and stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.loading.needs import lacks
from analyses.loading.neuron_maps import neuron_maps, second_input_map
from analyses.loading.pairs import labels_of_pairs, trained_pairs
from analyses.stages.schema import CLASSES, CURVES, ENDS
from analyses.tables.long_format import long_table
from interp.dynamics.memorization import PAIR_CLASSES, PairClasses, class_means, pair_classes
from interp.dynamics.threshold_crossings import first_crossing
from interp.dynamics.training_stages import grokking_stages
from interp.masks.topk import GLOBAL
from interp.masks.weight_norms import weight_norm
from interp.mechanism.logit_fit import cross_entropy, logit_margin
from interp.mechanism.phase_alignment import misalignment
from interp.mechanism.two_layer_forward import pair_logits
from interp.spectra.concentration import inverse_participation_ratio
from interp.spectra.weight_spectrum import mean_over_neurons

if TYPE_CHECKING:
    from analyses.tables.schema import Table
    from training.inspection.trained_network import Network


def network_tables(network: Network) -> dict[Table, pd.DataFrame]:
    """Return one network's rows of every table."""
    weights = network.weights()
    input_map, output_map = neuron_maps(network, weights)  # (T, m, p)
    labels, activation = labels_of_pairs(network), getattr(network.setting.model, "activation", "relu")
    train = trained_pairs(network)
    right, loss = np.empty((2, len(network.steps), *labels.shape))  # (T, p, p)
    norm = np.empty(len(network.steps))
    for t, (input_weights, output_weights) in enumerate(zip(input_map, output_map, strict=True)):
        logits = pair_logits(input_weights, output_weights, activation)
        right[t], loss[t] = logit_margin(logits, labels) > 0, cross_entropy(logits, labels)
        norm[t] = weight_norm({name: w[t] for name, w in weights.items()}, 2)[GLOBAL]
    alignment = misalignment(input_map, output_map, second_map=second_input_map(network, weights))
    columns = {
        "train_acc": right[:, train].mean(axis=-1),
        "test_acc": right[:, ~train].mean(axis=-1),
        "train_loss": loss[:, train].mean(axis=-1),
        "test_loss": loss[:, ~train].mean(axis=-1),
        "l2": norm,
        "ipr_input": mean_over_neurons(inverse_participation_ratio(input_map))[0],
        "ipr_output": mean_over_neurons(inverse_participation_ratio(output_map))[0],
        "mean_abs_sin": alignment.mean_abs_sin,
        "mean_cos": alignment.mean_cos,
        "n_silent": alignment.n_silent,
    }
    if lacks(network, "addition") is not None:
        columns |= dict.fromkeys(("mean_abs_sin", "mean_cos"), np.array(np.nan))
    curves, pairs = long_table(network, {"step": network.steps}, columns), pair_classes(train)
    classes = _classes(network, right, loss, pairs)
    ends = _ends(network, curves, classes) | {"plateau": pairs.memorization_plateau}
    return {CURVES: curves, CLASSES: classes, ENDS: pd.DataFrame([ends])}


def _classes(network: Network, right: np.ndarray, loss: np.ndarray, pairs: PairClasses) -> pd.DataFrame:
    """Return means over each class of values (T, p, p)."""
    by_pair = {"accuracy": right, "loss": loss, "probability": np.exp(-loss)}
    columns = {name: np.stack([*class_means(x, pairs).values()], axis=1) for name, x in by_pair.items()}
    columns["n_pairs"] = np.array([np.count_nonzero(getattr(pairs, name)) for name in PAIR_CLASSES])
    return long_table(network, {"step": network.steps, "class": list(PAIR_CLASSES)}, columns)


def _ends(network: Network, curves: pd.DataFrame, classes: pd.DataFrame) -> dict[str, Any]:
    """Return the row of stages, memorisation and norm.

    The stages are those of the training's own curves, if there are any: they are denser than the checkpoints,
    at which alone the norm and the classes are known.
    """
    metrics = network.metrics
    measured = curves
    if metrics is not None:
        norms = curves[["step", "l2"]]
        measured = metrics[["step", "train_acc", "test_acc"]].merge(norms, how="left", on="step")
    level = network.setting.threshold
    step, train, test, norm = (measured[name].to_numpy() for name in ("step", "train_acc", "test_acc", "l2"))
    stages = grokking_stages(step, train, test, norm, level)
    accuracy = classes.pivot(index="step", columns="class", values="accuracy")
    crossings = {"stage_1_end": stages.stage_1_end, "stage_2_end": stages.stage_2_end}
    crossings |= {
        name: first_crossing(network.steps, accuracy[name].to_numpy(), level)
        for name in ("common", "rare")
        if accuracy[name].notna().all()
    }
    row = {"arm": network.arm, "seed": network.seed, "threshold": level}
    for name, crossing in crossings.items():
        row |= {name: crossing.at, f"{name}_after": crossing.lower, f"{name}_interval": str(crossing)}
    return row | {
        "norm_peak_step": stages.norm_peak_step,
        "norm_peak": stages.norm_peak,
        "test_acc": curves["test_acc"].iloc[-1],
        "test_true": accuracy["test_true"].iloc[-1],
    }
