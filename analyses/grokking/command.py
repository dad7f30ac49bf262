"""When each network memorised and generalised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyses.running.command_line import Result, analyse, parser

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network
    from training.runs.run_directory import RunDir


FIGURES = ("grokking", "outcomes")


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    about = "Grokking times of every arm and seed, censored ones included; analyses.speed compares the arms."
    args = parser("grokking", about, steps=False).parse_args(argv)
    return analyse("grokking", args, lambda run, networks: measure(run, networks, args.arms), FIGURES)


def measure(run: RunDir, networks: list[Network], arms_wanted: list[str] | None) -> Result:
    """A row per arm and seed, and the curves they come from."""
    import pandas as pd

    from analyses.loading.outcomes import read_outcomes
    from analyses.tables.long_format import gather

    rows, curves = read_outcomes(run, networks, arms_wanted)
    recipe, parts = networks[0].recipe, []
    for (arm, seed), metrics in curves.items():
        criterion = recipe.setting(arm).criterion
        metrics = metrics.assign(train=metrics[criterion.train], test=metrics[criterion.test])
        metrics = metrics.assign(judged_by=criterion.quantity, threshold=criterion.level)
        parts.append(metrics.assign(arm=arm, seed=seed))
    table = gather(parts)
    return Result({"": pd.DataFrame(rows), "_curves": table}, {"networks": rows}, _text(rows))


def _text(rows: list[dict[str, Any]]) -> str:
    from training.cli.parser import format_table

    notes = sorted({f"{row['arm']} seed {row['seed']}: {row['note']}" for row in rows if row.get("note")})
    lines = [format_table([_shown(row) for row in rows]), *(["", *notes] if notes else [])]
    lines += [
        "",
        "Times are (last step before the threshold, first step at it]; '> 30,000': never within so many.",
        "last: accuracies, or losses of tasks without classes.",
    ]
    return "\n".join(lines)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """One arm and seed as it is printed."""
    from analyses.tables.long_format import arm_words, number

    tau = number(row["tau"]) if row.get("tau") else "-"
    if tau == "-" and row.get("tau_lower"):
        tau = f"> {number(row['tau_lower'])}"
    done = row["status"] == "done"
    return {
        "arm": arm_words(row["arm"]),
        "seed": row["seed"],
        "memorised": row.get("t_mem_interval") or "-",
        "generalised": row["t_gen_interval"] if done else row["status"],
        "tau": tau,
        "last train": _last(row, "train"),
        "last test": _last(row, "test"),
    }


def _last(row: dict[str, Any], part: str) -> str:
    """The accuracy at the end; without classes, the loss."""
    from analyses.tables.long_format import number

    accuracy, loss = number(row.get(f"{part}_acc")), number(row.get(f"{part}_loss"))
    return accuracy if accuracy != "-" or loss == "-" else f"loss {loss}"
