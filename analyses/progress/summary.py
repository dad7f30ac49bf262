"""What the progress tables say: measures per arm, key frequencies, what moves before the test loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyses.tables.key_frequencies import show_keys
from analyses.tables.long_format import arm_words, change, groups, number, plain_means, step_range
from interp.dynamics.threshold_crossings import half_decrease_step
from training.cli.parser import format_table

RESTRICTED = {
    "restricted_sum2": "sum2",
    "restricted_block4": "block4",
    "restricted_block8": "block8",
    "restricted_neuron_sum2": "neurons",
}
"""Restricted losses and how their operators are called in print."""
CHANGES = {
    "test loss": "test_loss",
    "restricted": "restricted_sum2",
    "excluded": "excluded",
    "Gini": "gini_embedding",
    "L2": "l2",
}
ENDS = {
    "fit R²": "trig_r2",
    "keys": "key_share",
    "Gini W_L": "gini_logit_map",
    "FFD": "ffd",
    "FCR": "fcr",
    "symmetric": "gradient_symmetricity",
    "distance": "distance_irrelevance",
    "circular": "circularity",
    "attention": "attention_share",
}

PHASES = ("memorised", "clean_up_from", "clean_up_to")
"""Ends of the phases, in steps."""


def summarise(
    table: pd.DataFrame, keys: Sequence[Mapping[str, Any]], rule: str, n_frequencies: int
) -> tuple[dict[str, Any], str]:
    """The summary for JSON, and its text."""
    means = plain_means(table, by=["arm"])
    moved = [
        _moves(own) | dict(zip(("arm", "seed"), key, strict=True))
        for key, own in groups(table, ["arm", "seed"])
    ]
    text = [
        "Means over seeds, first → last checkpoint; restricted (sum2, all pairs) and excluded (training",
        f"pairs) loss by the final network's key frequencies ({rule}), Gini of the embedding's:",
        format_table([_changes(row) for row in means]),
        "\nAt the last checkpoint (fit: of the trigonometric logits; keys: their share of the embedding's",
        "variance; symmetric: gradients, 1 by construction where embeddings are added; distance: its",
        "irrelevance; attention: one frequency's share of each head's):",
        format_table([_ends(row) for row in means]),
        "\nKey frequencies of the final network, by rule:",
        show_keys(keys, n_frequencies),
        "\nStep by which half the fall (in log loss) of test and restricted losses is done, and half the",
        "rise of the excluded loss from its lowest value. Decades: those of test, sum2 and excluded.",
        "Earlier than the test loss: how many of the restricted losses, and whether the excluded loss.",
        format_table([_shown(row) for row in moved]),
    ]
    return {"rule": rule, "arms": means, "key_frequencies": list(keys), "moves": moved}, "\n".join(text)


def phases(table: pd.DataFrame) -> pd.DataFrame:
    """When each network's phases end: memorisation, circuit formation, clean-up; NaN for what it has not.

    Memorisation ends where the excluded loss is lowest. Clean-up is from the step by which a tenth of the
    test loss' fall from its highest value is done, on a log scale, to the step by which nine tenths are;
    circuit formation lies between.
    """
    rows = []
    for (arm, seed), own in groups(table, ["arm", "seed"]):
        steps, excluded, test = own["step"].to_numpy(), _decades(own["excluded"]), _decades(own["test_loss"])
        row: dict[str, Any] = {"arm": arm, "seed": seed, **dict.fromkeys(PHASES, np.nan)}
        if not np.isnan(excluded).all():
            row["memorised"] = steps[np.nanargmin(excluded)]
        if not np.isnan(test).all():
            highest = int(np.nanargmax(test))
            for name, fraction in (("clean_up_from", 0.1), ("clean_up_to", 0.9)):
                at = half_decrease_step(steps[highest:], test[highest:], fraction).at
                row[name] = np.nan if at is None else at
        rows.append(row)
    return pd.DataFrame(rows).astype(dict.fromkeys(PHASES, float))


def _changes(row: dict[str, Any]) -> dict[str, Any]:
    shown = {title: change(row[f"{name}_first"], row[f"{name}_last"]) for title, name in CHANGES.items()}
    return {"arm": arm_words(row["arm"]), "seeds": row["n_seeds"]} | shown


def _ends(row: dict[str, Any]) -> dict[str, Any]:
    return {"arm": arm_words(row["arm"])} | {
        title: number(row[f"{name}_last"]) for title, name in ENDS.items()
    }


def _moves(own: pd.DataFrame) -> dict[str, Any]:
    """Of one network: falls and half falls of its test and restricted losses, rise of its excluded loss.

    In decades; `…_earlier` compares half falls with the test loss', and is None where either never falls.
    """
    steps = own["step"].to_numpy()
    losses = {"test": "test_loss"} | {name: name for name in RESTRICTED}
    found = {name: _fall(steps, _decades(own[loss])) for name, loss in losses.items()}
    excluded = _decades(own["excluded"])
    lowest = 0 if np.isnan(excluded).all() else int(np.nanargmin(excluded))
    found["excluded"] = _fall(steps[lowest:], -excluded[lowest:])
    row: dict[str, Any] = {}
    for name, fall in found.items():
        row |= {f"{name}_{key}": value for key, value in fall.items()}
        if name != "test":
            pair = fall["half_step"], found["test"]["half_step"]
            row[f"{name}_earlier"] = None if None in pair else pair[0] < pair[1]
    return row


def _decades(losses: pd.Series) -> np.ndarray:
    with np.errstate(divide="ignore"):  # a loss of 0 has no logarithm, and is left out
        level = np.log10(losses.to_numpy())
    return np.where(np.isfinite(level), level, np.nan)


def _fall(steps: np.ndarray, level: np.ndarray) -> dict[str, Any]:
    """How far a curve falls, and the interval in which half of that is done."""
    known = level[~np.isnan(level)]
    if not len(known):
        return {"moves": None, "half_after": None, "half_step": None}
    half = half_decrease_step(steps, level)
    return {"moves": known[0] - known.min(), "half_after": half.last_before, "half_step": half.at}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    titles = {"test": "test", **RESTRICTED, "excluded": "excluded"}
    moves = [number(row[f"{name}_moves"], 2) for name in ("test", "restricted_sum2", "excluded")]
    earlier = [row[f"{name}_earlier"] for name in RESTRICTED]
    rises = {None: "-", True: "yes", False: "no"}[row["excluded_earlier"]]
    shown = {"arm": arm_words(row["arm"]), "seed": row["seed"]}
    shown |= {title: step_range([row[f"{name}_half_step"]]) for name, title in titles.items()}
    shown["decades"] = ", ".join(moves)
    return shown | {"earlier": f"{earlier.count(True)}/{len(earlier) - earlier.count(None)}, {rises}"}
