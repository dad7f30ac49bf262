"""How long the decoupled gradient flow is the training, and what it leaves out where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyses.running.command_line import Result, analyse, parser, whole_number_from

if TYPE_CHECKING:
    import pandas as pd

    from analyses.loading.trained_network import Network

UNTIL = 6_000
"""The step up to which the paper has the flow and the training agree."""
WORDS = {
    "flow": "training − flow",
    "softmax": "softmax not uniform",
    "steps": "finite steps, float32",
    "warm_up": "clock without warm-up",
}
"""Contrasts as people read them."""


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    about = (
        "Amplitudes and misalignment of every neuron against the decoupled flow from its start: networks on "
        "one-hot inputs with σ = x², by gradient descent on all pairs."
    )
    p = parser("flow", about, steps=False)
    p.add_argument(
        "--until",
        type=whole_number_from(1),
        default=UNTIL,
        metavar="STEP",
        help="compare checkpoints up to here (default: 6000)",
    )
    args = p.parse_args(argv)
    return analyse("flow", args, lambda _, networks: measure(networks, args.until))


def measure(networks: list[Network], until: int) -> Result:
    """Every network beside the flow, and where the difference comes from."""
    from analyses.flow.tables import tables_of_run
    from analyses.tables.long_format import records
    from training.cli.parser import format_table

    tables = tables_of_run(networks, until)
    worst, drifts = _worst(tables[""], "contrast"), _worst(tables["_invariants"], "course")
    ends = records(tables["_networks"])
    text = [
        f"Largest difference to step {tables['']['step'].max():,}, of the median neuron and of all, largest "
        "of the seeds:",
        format_table([_row(row, WORDS[row["contrast"]]) for row in worst]),
        "Second and third make up the first: the flow of the network's own loss − the decoupled one, and",
        "training − that. Time is the sum of the learning rates; the last is what learning rate × step would",
        "have shifted. Amplitudes in units of the weights, D in radians.",
        "\nDrift of the invariants, relative to α² + 2β² and α²β at the start:",
        format_table([_drift(row) for row in drifts]),
        "\nThe first neuron of the decoupled flow is at infinity, where it is no longer followed:",
        format_table([_end(row) for row in ends]),
    ]
    summary = {"until": until, "differences": worst, "invariants": drifts, "networks": ends}
    return Result(tables, summary, "\n".join(text))


def _worst(table: pd.DataFrame, kind: str) -> list[dict[str, Any]]:
    """The largest of every number over steps and seeds, per arm."""
    from analyses.tables.long_format import groups

    numbers = [name for name in table.columns if name.endswith(("_median", "_max"))]
    return [
        {"arm": arm, kind: name, "n_seeds": own["seed"].nunique()} | {n: float(own[n].max()) for n in numbers}
        for (arm, name), own in groups(table, ["arm", kind])
    ]


def _row(row: dict[str, Any], words: str) -> dict[str, Any]:
    from analyses.tables.long_format import arm_words, number

    columns = {"α": "input_amplitude", "β": "output_amplitude", "D": "D"}
    shown = {
        f"{sign} {part}": number(row[f"{name}_{part}"])
        for sign, name in columns.items()
        for part in ("median", "max")
    }
    return {"arm": arm_words(row["arm"]), "seeds": row["n_seeds"], "difference": words} | shown


def _drift(row: dict[str, Any]) -> dict[str, Any]:
    from analyses.tables.long_format import arm_words

    titles = {"α² − 2β²": "difference", "α²β sin D": "product"}
    return {"arm": arm_words(row["arm"]), "of": row["course"]} | {
        f"{title} {part}": f"{row[f'{name}_{part}']:.1e}"
        for title, name in titles.items()
        for part in ("median", "max")
    }


def _end(row: dict[str, Any]) -> dict[str, Any]:
    from analyses.tables.long_format import arm_words

    end = {"arm": arm_words(row["arm"]), "seed": row["seed"]}
    return end | {"time": f"{row['blowup_time']:,.1f}", "step": f"{row['blowup_step']:,.0f}"}
