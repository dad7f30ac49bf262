"""Summary of progress measures: arms, key frequencies, losses' half falls."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analyses.progress.loss_falls import half_falls
from analyses.progress.schema import RESTRICTED
from analyses.tables.key_frequency_rows import printed_key_frequencies, rule_differences
from analyses.tables.labels import arm_label
from analyses.tables.long_format import plain_means
from analyses.tables.number_text import change, number, step_range
from training.cli.printed_table import PrintedTable

FIRST_AND_LAST = {
    "test loss": "test_loss",
    "restricted": "restricted_sum2",
    "excluded": "excluded",
    "Gini": "gini_embedding",
    "L2 norm": "l2",
}
"""Measures that are printed at the first and last checkpoint, by header."""
LAST = {
    "fit R²": "trig_r2",
    "key share": "key_share",
    "large waves": "ffd",
    "cosine/sine": "fcr",
    "symmetricity": "gradient_symmetricity",
    "irrelevance": "distance_irrelevance",
    "circularity": "circularity",
    "attention": "attention_share",
    "Gini of output map": "gini_logit_map",
}
"""Measures that are printed at the last checkpoint, by header."""
LAST_LEGEND = (
    "Fit: of the logits, by cosines of label − class at the key frequencies. Key share: of the key "
    "frequencies in the embedding's variance. Large waves: share of the embedding's cosines and sines above "
    "half of the largest. Cosine/sine: ratio of their norms, 1 for circles. Symmetricity: cosine of a "
    "logit's gradients by the two embeddings, 1 where these are added. Irrelevance: of the inputs' distance "
    "for the right logit, near 1 for the Clock algorithm, low for the Pizza. Circularity, attention: share "
    "of one frequency in the embedding's main components, in each head."
)
NO_CIRCULARITY = " With p = 3 there is no circularity: it averages four main components, and there are two."
EXPLAINED = 0.5
"""R² above which cosines explain most of the logits."""


def summarise(
    measures: pd.DataFrame, key_frequencies: Sequence[Mapping[str, Any]], rule: str, p: int
) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables.

    Parameters
    ----------
    measures : DataFrame
        Table of measures, of every checkpoint.
    key_frequencies : sequence of mapping
        Those of every final network: "arm", "seed", and a list per rule.
    rule : str
        Rule of the key frequencies that the losses keep or leave out.
    p : int
        Number of residues.
    """
    means = plain_means(measures.drop(columns="operation"), by=["arm"])
    moves = half_falls(measures)
    summary = {
        "rules_disagree": rule_differences(key_frequencies),
        "rule": rule,
        "arms": means,
        "key_frequencies": list(key_frequencies),
        "moves": moves,
    }
    printed = [
        printed_key_frequencies(key_frequencies, p // 2),
        PrintedTable(
            "Losses (nats) and weights at the first → last checkpoint, mean over seeds.",
            [_change_row(row) for row in means],
            f"{_worse_than_guessing(means, p)} Restricted: logits keep only the waves of a + b at the key "
            f"frequencies of the final network (rule {rule}); all pairs. Excluded: logits lose these waves; "
            "training pairs. Gini: of the embedding's norms over frequencies.",
        ),
        PrintedTable(
            "Logits, embedding and attention at the last checkpoint, mean over seeds.",
            [_last_row(row) for row in means],
            f"{_explained_by_cosines(means)} {LAST_LEGEND}{NO_CIRCULARITY if p == 3 else ''}",
        ),
        PrintedTable(
            "Step by which test and restricted loss have half fallen, and excluded loss has half risen, in "
            "log loss.",
            [_half_row(row) for row in moves],
            _earlier(moves),
        ),
        PrintedTable(
            "Half falls of other restricted losses (step), and sizes in powers of ten.",
            [_other_row(row) for row in moves],
            "Kept of the logits: products, waves of a times waves of b at a key frequency; single waves, "
            "those of a or of b alone; in neurons, waves of a + b of the activations.",
            details=True,
        ),
    ]
    return summary, printed


def _change_row(row: Mapping[str, Any]) -> dict[str, Any]:
    changes = {
        header: change(row[f"{name}_first"], row[f"{name}_last"]) for header, name in FIRST_AND_LAST.items()
    }
    return {"arm": arm_label(row["arm"]), "seeds": row["n_seeds"]} | changes


def _last_row(row: Mapping[str, Any]) -> dict[str, Any]:
    last = {header: number(_last(row, name)) for header, name in LAST.items()}
    if _last(row, "gradient_symmetricity") == 1:
        last["symmetricity"] = "by construction"
    return {"arm": arm_label(row["arm"])} | last


def _last(row: Mapping[str, Any], measure: str) -> float:
    return row[f"{measure}_last"]


def _explained_by_cosines(means: Sequence[Mapping[str, Any]]) -> str:
    arms = [arm_label(row["arm"]) for row in means if _last(row, "trig_r2") > EXPLAINED]
    return f"Cosines explain most of the logits (R² above {EXPLAINED:g}) in: {', '.join(arms) or 'no arm'}."


def _worse_than_guessing(means: Sequence[Mapping[str, Any]], p: int) -> str:
    """Return the sentence about arms that need their key frequencies."""
    if all(math.isnan(_last(row, "excluded")) for row in means):
        return "No arm has an excluded loss: no operation is a sum or difference."
    needed = [arm_label(row["arm"]) for row in means if _last(row, "excluded") > math.log(p)]
    return (
        f"Without its key frequencies, the last network does worse than guessing (ln p = {math.log(p):.2f} "
        f"nats) in: {', '.join(needed) or 'no arm'}."
    )


def _half_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "arm": arm_label(row["arm"]),
        "seed": row["seed"],
        "test": step_range([row["test_half_step"]]),
        "restricted": step_range([row["restricted_sum2_half_step"]]),
        "excluded": step_range([row["excluded_half_step"]]),
        "restricted earlier": _yes_or_no(row["restricted_sum2_earlier"]),
        "excluded earlier": _yes_or_no(row["excluded_earlier"]),
    }


def _other_row(row: Mapping[str, Any]) -> dict[str, Any]:
    others = {name: words for name, words in RESTRICTED.items() if name != "restricted_sum2"}
    sizes = {"test": "test", "restricted": "restricted_sum2", "excluded": "excluded"}
    return (
        {"arm": arm_label(row["arm"]), "seed": row["seed"]}
        | {words: step_range([row[f"{name}_half_step"]]) for name, words in others.items()}
        | {f"size, {words}": number(row[f"{name}_moves"], 2) for words, name in sizes.items()}
    )


def _yes_or_no(earlier: bool | None) -> str:
    return {None: "-", True: "yes", False: "no"}[earlier]


def _earlier(moves: Sequence[Mapping[str, Any]]) -> str:
    """Return the sentence that counts the losses that move before the test loss."""
    counts = []
    for words, name in (("restricted", "restricted_sum2"), ("excluded", "excluded")):
        verdicts = [row[f"{name}_earlier"] for row in moves if row[f"{name}_earlier"] is not None]
        counts.append(f"{words} loss in {sum(verdicts)} of {len(verdicts)} networks")
    return f"Earlier than the test loss: {' and '.join(counts)} where both move."
