"""When neurons settle on a frequency, which ones a ticket has from its dense network, and what told them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyses.running.command_line import Result, analyse, parser

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network

STAGES = {
    "dense_start": "dense, start",
    "dense_t_gen": "dense, at t_gen",
    "dense_end": "dense, end",
    "pruned": "dense, pruned",
    "start": "own start",
    "end": "own end",
}
SOURCES = {
    "mask": "mask alone",
    "mask_doubled": "mask, read at 2k",
    "signs": "mask and signs",
    "start": "own start",
    "unmasked": "start, unpruned",
}
RULES = {"max_magnitude": "largest α", "min_blowup_time": "least T"}
"""Of the four rules, those that are printed."""


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    about = (
        "Tickets and the mechanism of modular addition: when neurons settle on their frequencies, which "
        "frequencies survive pruning, and whether a mask alone tells them."
    )
    args = parser("mechanism", about, steps=False).parse_args(argv)
    return analyse("mechanism", args, lambda _, networks: measure(networks))


def measure(networks: list[Network]) -> Result:
    """All tables of the networks, and what came of them per arm."""
    from analyses.mechanism.tables import half_settled, inherited, pooled, tables_of_run
    from analyses.tables.long_format import plain_means
    from training.cli.parser import format_table

    tables = tables_of_run(networks)
    means, halves = plain_means(tables[""], by=["arm"]), half_settled(tables[""])
    stages, rules = inherited(tables["_stages"]), pooled(tables["_winners"])
    text = [
        "Means over seeds, first → last checkpoint. Settled: share of the neurons that have their last",
        "frequency (by chance); half by: step from which neurons with half of the energy have it; cos D:",
        "phase alignment, weighted; keys: the last key frequencies' share of the energy.",
        format_table([_settling(row, halves) for row in means]),
    ]
    if stages:
        text += [
            "\nAgainst the dense network of the same start, and the own end: overlap of as many of the",
            "strongest frequencies as that uses; neurons with the frequency they have there (by chance):",
            format_table([_inheritance(row) for row in stages]),
        ]
    shown = [(arm, source) for arm, source in dict.fromkeys((row["arm"], row["source"]) for row in rules)]
    text += [
        "\nShare of the neurons whose last frequency is told (dealt out to the same neurons at random):",
        format_table([_telling(arm, source, rules) for arm, source in shown]),
        "Mask alone: every kept weight the same; at 2k, since a mask does not know signs. T: blow-up time.",
        "Interval: Wilson, 95 %, of each network's neurons; over seeds, least to largest.",
    ]
    return Result(
        tables, {"arms": means, "half_settled": halves, "stages": stages, "rules": rules}, "\n".join(text)
    )


def _settling(row: dict[str, Any], halves: list[dict[str, Any]]) -> dict[str, Any]:
    from analyses.tables.long_format import arm_words, change, number, step_range

    return {
        "arm": arm_words(row["arm"]),
        "seeds": row["n_seeds"],
        "settled at first": f"{number(row['settled_first'], 2)} ({number(row['settled_chance_first'], 2)})",
        "half by": step_range([half["step"] for half in halves if half["arm"] == row["arm"]]),
        "in = out": change(row["same_frequency_first"], row["same_frequency_last"]),
        "cos D": change(row["weighted_cos_first"], row["weighted_cos_last"]),
        "keys": change(row["key_share_first"], row["key_share_last"]),
    }


def _inheritance(row: dict[str, Any]) -> dict[str, Any]:
    from analyses.tables.long_format import arm_words, number

    shown = {"arm": arm_words(row["arm"]), "stage": STAGES[row["stage"]]}
    for reference, words in (("dense_end", "dense"), ("end", "own end")):
        for measure, chance in (("overlap", "chance"), ("same", "shuffled_chance")):
            value, by_chance = (number(row[f"{reference}_{name}"], 2) for name in (measure, chance))
            shown[f"{'keys' if measure == 'overlap' else 'neurons'}, {words}"] = f"{value} ({by_chance})"
    return shown


def _telling(arm: str, source: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    from analyses.tables.long_format import arm_words, number

    shown: dict[str, Any] = {"arm": arm_words(arm), "told by": SOURCES[source]}
    for rule, words in RULES.items():
        (row,) = (r for r in rules if (r["arm"], r["source"], r["rule"]) == (arm, source, rule))
        shown["neurons"] = row["n"]
        shown[words] = f"{number(row['share'], 2)} ({number(row['shuffled_chance'], 2)})"
    return shown | {"95 %, " + words: f"{number(row['low'], 2)}–{number(row['high'], 2)}"}
