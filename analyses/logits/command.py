"""How close a network's logits are to the flawed indicator, and how many of its neurons must vote."""

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
    about = "Fit of the flawed indicator at every checkpoint; vote of the neurons at the last one."
    figures = ("logits", "output_logits", "vote_subsets")
    return analyse("logits", parser("logits", about).parse_args(argv), measure, figures)


def measure(run: RunDir, networks: list[Network]) -> Result:
    """All tables of the networks, and what came of them per arm."""
    from analyses.logits.majority_vote import N_ORDERS, ideal_tables
    from analyses.tables.long_format import gather, plain_means
    from training.cli.parser import format_table

    parts = [_network(network) for network in networks]
    tables = {suffix: gather([part[suffix] for part in parts]) for suffix in parts[0]}
    tables |= ideal_tables(networks[0].p)
    means = plain_means(tables[""], by=["arm"])
    swaps = tables["_swaps"].groupby(["arm", "activation"], sort=False)["accuracy"].mean()
    text = [
        "logits ≈ constant + main × [label] + ghost × ([label of (x, x)] + [label of (y, y)]), means over",
        "seeds (first → last checkpoint):",
        format_table([_fit(row) for row in means]),
        "R²: share of the logits' variance over classes. ghost/main: 1/2 in ideal neurons. half vote:",
        f"accuracy of half of the neurons at the last checkpoint, mean over {N_ORDERS} random choices.",
        "\nAccuracy at the last checkpoint with another activation function:",
        format_table([_swap(row["arm"], swaps[row["arm"]]) for row in means]),
    ]
    return Result(tables, {"arms": means}, "\n".join(text))


def _network(network: Network) -> dict[str, pd.DataFrame]:
    import numpy as np

    from analyses.logits.majority_vote import vote_tables
    from analyses.tables.long_format import gather, long_table
    from interp.mechanism.flawed_indicator import indicator_fit
    from interp.mechanism.logit_fit import logit_margin
    from interp.mechanism.two_layer_forward import ACTIVATIONS, activation_swap, pair_logits

    input_map, output_map = network.maps_of_sums(network.weights())  # (T, m, p)
    labels, activation = labels_of_pairs(network), getattr(network.setting.model, "activation", "relu")
    rows = []
    for read, written in zip(input_map, output_map, strict=True):
        logits = pair_logits(read, written, activation)
        fit, margins = indicator_fit(logits, labels), logit_margin(logits, labels)
        row = {"main": fit.main, "ghost": fit.ghost, "ratio": fit.ratio, "r2": fit.r2}
        rows.append(row | {"accuracy": (margins > 0).mean(), "margin": margins.mean()})
    votes = vote_tables(network, input_map[-1], output_map[-1], labels, activation)
    curve = votes["_votes"]
    swaps = {name: activation_swap(input_map[-1], output_map[-1], labels, name) for name in ACTIVATIONS}
    measured = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    measured["half_vote"] = np.full(len(rows), np.nan)
    measured["half_vote"][-1] = np.interp(input_map.shape[1] / 2, curve["n_neurons"], curve["accuracy"])
    last = {"step": network.steps[-1:]}
    return {
        "": long_table(network, {"step": network.steps}, measured),
        **votes,
        "_slice": _slice(network, logits, labels, float(rows[-1]["main"])),
        "_swaps": gather(
            [
                long_table(network, last | {"activation": [name]}, {"accuracy": s.accuracy, "loss": s.loss})
                for name, s in swaps.items()
            ]
        ),
    }


def _slice(network: Network, logits: np.ndarray, labels: np.ndarray, main: float) -> pd.DataFrame:
    """Logits (p, p, p) of the pairs with one x, less their mean over classes; and the ideal ones' beside.

    These are what neurons with the same main part would give if each of the two ghosts had half of it.
    """
    import numpy as np

    from analyses.tables.long_format import long_table

    p = network.p
    x, one_hot = p // 4, np.eye(p)
    ideal = main * (one_hot[labels[x]] + (one_hot[labels[x, x]] + one_hot[np.diagonal(labels)]) / 2)
    values = {"logit": logits[x][None], "ideal": ideal[None]}
    centred = {name: values - values.mean(axis=-1, keepdims=True) for name, values in values.items()}
    axes = {"x": [x], "y": range(p), "class": range(p)}
    return long_table(network, axes, centred | {"label": labels[x][None, :, None]})


def labels_of_pairs(network: Network) -> np.ndarray:
    """Class of every ordered pair, (p, p); an unordered pair's label stands at both orders."""
    import numpy as np

    from training.runs.atomic_files import RunError

    task = network.setting.task
    data = task.build()
    assert data.labels is not None
    x, y = data.inputs.T
    table = np.full((network.p, network.p), -1)
    table[x, y] = data.labels
    if getattr(task, "pairs", None) == "unordered":
        table[y, x] = data.labels
    if (table < 0).any():
        raise RunError(f"{network.files.path}: expected a task of all pairs, and {task.name} leaves out some")
    return table


def _fit(row: dict[str, Any]) -> dict[str, Any]:
    from analyses.tables.long_format import arm_words, change, number

    titles = {"r2": "R²", "ratio": "ghost/main", "accuracy": "accuracy", "margin": "margin"}
    return (
        {"arm": arm_words(row["arm"]), "seeds": row["n_seeds"]}
        | {title: change(row[f"{name}_first"], row[f"{name}_last"]) for name, title in titles.items()}
        | {"half vote": number(row["half_vote_last"])}
    )


def _swap(arm: str, accuracy: pd.Series) -> dict[str, Any]:
    from analyses.tables.long_format import arm_words, number

    return {"arm": arm_words(arm)} | {str(name): number(value) for name, value in accuracy.items()}
