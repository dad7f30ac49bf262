"""The three stages of grokking, and which pairs a network knows in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyses.running.command_line import Result, analyse, parser

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from analyses.loading.trained_network import Network
    from training.runs.run_directory import RunDir


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    about = (
        "Stages of grokking, and what is known of pairs met in both orders, in one, in the other, in none."
    )
    return analyse("stages", parser("stages", about).parse_args(argv), measure)


def measure(run: RunDir, networks: list[Network]) -> Result:
    """Every checkpoint, its classes of pairs, and when the stages of each network end."""
    from analyses.tables.long_format import gather, records

    parts = [_network(network) for network in networks]
    tables = {suffix: gather([part[suffix] for part in parts]) for suffix in parts[0]}
    rows = records(tables["_ends"])
    return Result(tables, {"networks": rows}, _text(rows))


def _network(network: Network) -> dict[str, pd.DataFrame]:
    import numpy as np
    import pandas as pd

    from analyses.logits.command import labels_of_pairs
    from analyses.tables.long_format import long_table
    from interp.dynamics.memorization import PAIR_CLASSES, class_means, pair_classes
    from interp.masks.topk import GLOBAL
    from interp.masks.weight_norms import weight_norm
    from interp.mechanism.logit_fit import cross_entropy, logit_margin
    from interp.mechanism.phase_alignment import misalignment
    from interp.mechanism.two_layer_forward import pair_logits
    from interp.spectra.concentration import inverse_participation_ratio
    from interp.spectra.weight_spectrum import mean_over_neurons

    weights = network.weights()
    input_map, output_map = network.maps_of_sums(weights)  # (T, m, p)
    labels, activation = labels_of_pairs(network), getattr(network.setting.model, "activation", "relu")
    train = trained_pairs(network)
    classes = pair_classes(train)
    right, loss = np.empty((2, len(network.steps), *labels.shape))  # (T, p, p)
    norm = np.empty(len(network.steps))
    for t, (read, written) in enumerate(zip(input_map, output_map, strict=True)):
        logits = pair_logits(read, written, activation)
        right[t], loss[t] = logit_margin(logits, labels) > 0, cross_entropy(logits, labels)
        norm[t] = weight_norm({name: w[t] for name, w in weights.items()}, 2)[GLOBAL]
    alignment = misalignment(input_map, output_map)
    columns = {
        f"{part}_{name}": of_pairs[:, chosen].mean(axis=-1)
        for name, of_pairs in (("acc", right), ("loss", loss))
        for part, chosen in (("train", train), ("test", ~train))
    }
    columns |= {
        "l2": norm,
        "ipr_input": mean_over_neurons(inverse_participation_ratio(input_map))[0],
        "ipr_output": mean_over_neurons(inverse_participation_ratio(output_map))[0],
        "mean_abs_sin": alignment.mean_abs_sin,
        "mean_cos": alignment.mean_cos,
    }
    of_pairs = {"accuracy": right, "loss": loss, "probability": np.exp(-loss)}
    by_class = {name: np.stack([*class_means(x, classes).values()], axis=1) for name, x in of_pairs.items()}
    by_class["n_pairs"] = np.array([np.count_nonzero(getattr(classes, name)) for name in PAIR_CLASSES])
    checkpoints = long_table(network, {"step": network.steps}, columns)
    known = long_table(network, {"step": network.steps, "class": list(PAIR_CLASSES)}, by_class)
    ends = _ends(network, checkpoints, known) | {"plateau": classes.memorization_plateau}
    return {"": checkpoints, "_classes": known, "_ends": pd.DataFrame([ends])}


def trained_pairs(network: Network) -> np.ndarray:
    """Whether each ordered pair is trained on, (p, p).

    Raises
    ------
    RunError
        If pairs have no order, or there is no test set.
    """
    import numpy as np

    from training.runs.atomic_files import RunError

    task = network.setting.task
    data = task.build()
    expected = f"{network.files.path}: expected a task of ordered pairs with a test set"
    if getattr(task, "pairs", None) != "ordered":
        raise RunError(f"{expected}: what is known of a pair's other order is asked, and these have none")
    if data.n_train == len(data.inputs):
        raise RunError(f"{expected}, and this one trains on all pairs")
    train = np.zeros((network.p, network.p), dtype=bool)
    x, y = data.inputs[: data.n_train].T
    train[x, y] = True
    return train


def _ends(network: Network, checkpoints: pd.DataFrame, known: pd.DataFrame) -> dict[str, Any]:
    """When the stages end and classes are memorised, and where the weights are largest.

    Stages by the curves of the training where there are any; of the norm and the classes only checkpoints
    are known.
    """
    from interp.dynamics.threshold_crossings import first_crossing
    from interp.dynamics.training_stages import grokking_stages

    metrics = network.metrics()
    curves = checkpoints
    if metrics is not None:
        norms = checkpoints[["step", "l2"]]
        curves = metrics[["step", "train_acc", "test_acc"]].merge(norms, how="left", on="step")
    level = network.setting.threshold
    step, train, test, norm = (curves[name].to_numpy() for name in ("step", "train_acc", "test_acc", "l2"))
    stages = grokking_stages(step, train, test, norm, level)
    accuracy = known.pivot(index="step", columns="class", values="accuracy")
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
        "test_acc": checkpoints["test_acc"].iloc[-1],
        "test_true": accuracy["test_true"].iloc[-1],
    }


def _text(rows: list[dict[str, Any]]) -> str:
    from training.cli.parser import format_table

    notes = (
        "Stage 1 ends as train accuracy, stage 2 as test accuracy is at its threshold. common, rare: when",
        "pairs trained on in both orders, in one, are memorised (checkpoints). plateau: share of the test",
        "pairs whose other order is trained on. test-true: the accuracy on the others.",
    )
    return "\n".join([format_table([_shown(row) for row in rows]), "", *notes])


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    from analyses.tables.long_format import arm_words, number

    return {
        "arm": arm_words(row["arm"]),
        "seed": row["seed"],
        "stage 1": row["stage_1_end_interval"],
        "stage 2": row["stage_2_end_interval"],
        "top norm": row["norm_peak_step"],
        "common": row.get("common_interval", "-"),
        "rare": row.get("rare_interval", "-"),
        "plateau": number(row["plateau"], 4),
        "test": number(row["test_acc"], 4),
        "test-true": number(row["test_true"]),
    }
