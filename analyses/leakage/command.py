"""How much of a ReLU neuron's growth leaks into harmonics of its frequency, beside what theory says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyses.running.command_line import Result, analyse, parser

if TYPE_CHECKING:
    import pandas as pd

    from analyses.loading.trained_network import Network


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    about = (
        "Harmonics in the gradient and the weights of ReLU neurons that begin with one frequency each, "
        "relative to that frequency; and how far the ideal neuron is from the limit of large p."
    )
    args = parser("leakage", about, steps=False).parse_args(argv)
    return analyse("leakage", args, lambda _, networks: measure(networks))


def measure(networks: list[Network]) -> Result:
    """Every network's ratios beside the limits, and the ideal neuron's."""
    from analyses.leakage.tables import ideal, tables_of_run
    from analyses.tables.long_format import groups, number, records
    from training.cli.parser import format_table

    tables = tables_of_run(networks) | {"_ideal": ideal()}
    means = [
        {"arm": arm, "map": name, "harmonic": r} | _ends(own)
        for (arm, name, r), own in groups(tables[""], ["arm", "map", "harmonic"])
        if r > 1
    ]
    start = tables["_start"]
    off = float((start["gradient"] - start["ideal"]).abs().max())
    text = [
        "Amplitude at harmonic r over that at r = 1, of aligned neurons, mean of the seeds:",
        format_table([_row(row) for row in means]),
        f"Aligned: the {int(tables['']['n_aligned'].iloc[0])} neurons of least |D| at the start; medians.",
        "Limit: of a pure aligned neuron, for large p. Growth: of the weights, between the two",
        "first or last checkpoints.",
        f"Gradient of any neuron at the start, against an ideal neuron of its phases: within {number(off)}.",
        "\nThe ideal aligned neuron, largest distance of any harmonic from the limit, over phases:",
        format_table(records(tables["_ideal"])),
    ]
    return Result(
        tables,
        {"ratios": means, "start_against_ideal": off, "ideal": records(tables["_ideal"])},
        "\n".join(text),
    )


def _ends(own: pd.DataFrame) -> dict[str, Any]:
    """Means over seeds at the start, up to the second checkpoint, and at the end."""
    steps = sorted(own["step"].unique())
    when = {"first": steps[0], "second": steps[min(1, len(steps) - 1)], "last": steps[-1]}
    wanted = ("gradient_first", "growth_second", "gradient_last", "growth_last", "weights_last")
    found = {}
    for name in wanted:
        measure, _, at = name.partition("_")
        found[name] = float(own.loc[own["step"] == when[at], measure].mean())
    return {"n_seeds": own["seed"].nunique(), "limit": float(own["limit"].iloc[0])} | found


def _row(row: dict[str, Any]) -> dict[str, Any]:
    from analyses.tables.labels import arm_label
    from analyses.tables.long_format import number

    titles = {
        "limit": "limit",
        "gradient_first": "start: gradient",
        "growth_second": "growth",
        "gradient_last": "end: gradient",
        "growth_last": "growth to it",
        "weights_last": "weights",
    }
    found = {title: number(row[name]) for name, title in titles.items()}
    return {"arm": arm_label(row["arm"]), "map": row["map"], "r": row["harmonic"]} | found
