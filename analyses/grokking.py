"""When each arm memorised and generalised, and how much sooner than the dense network."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from analyses.command import Result, analyse, parser

if TYPE_CHECKING:
    import pandas as pd

    from analyses.networks import Network
    from training.store import RunDir


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    about = "Grokking times of every arm and seed, censored ones included, and speed-ups over the dense arm."
    args = parser("grokking", about, steps=False).parse_args(argv)
    return analyse("grokking", args, lambda run, networks: measure(run, networks, args.arms))


def measure(run: RunDir, networks: list[Network], arms_wanted: list[str] | None) -> Result:
    """A row per arm and seed, a row per arm, and the curves they come from."""
    import pandas as pd

    from analyses.survival import kaplan_meier_median, mean_ratio, ratio
    from analyses.tables import gather
    from training.files import RunError

    curves = {(n.arm, n.seed): metrics for n in networks if (metrics := n.metrics()) is not None}
    if not curves:
        raise RunError(f"{run.path}: no arm has a metrics.parquet, and grokking times come from nothing else")
    rows = _outcomes(run, networks, curves, arms_wanted)
    at = {(row["arm"], row["seed"]): row for row in rows}
    tickets = [name for name, arm in networks[0].recipe.arms.items() if arm.method == "magnitude"]
    ticket_arm = tickets[0] if len(tickets) == 1 else None
    for row in rows:
        for name, other in (("speed_up", "dense"), ("over_ticket", ticket_arm)):
            found = at.get((other, row["seed"])) if other != row["arm"] else None
            pair: tuple[float | None, str | None] = (None, None)
            if found is not None:
                pair = ratio(found, row) if name == "speed_up" else ratio(row, found)
            row |= {name: pair[0], f"{name}_bound": pair[1]}
    arms = []
    for arm in dict.fromkeys(row["arm"] for row in rows):
        of_arm = [row for row in rows if row["arm"] == arm and row["status"] == "done"]
        summary: dict[str, Any] = {"arm": arm, "n": len(of_arm)}
        summary["n_not_trained"] = sum(row["arm"] == arm for row in rows) - len(of_arm)
        for name in ("t_mem", "t_gen"):
            summary[f"{name}_censored"] = sum(row[name] is None for row in of_arm)
            summary |= kaplan_meier_median(name, of_arm)
        arms.append(summary | mean_ratio("speed_up", of_arm) | mean_ratio("over_ticket", of_arm))
    table = gather([m.assign(arm=arm, seed=seed) for (arm, seed), m in curves.items()])
    table["threshold"] = networks[0].setting.criterion.level
    own = pd.DataFrame(rows)
    tables = {"": own, "_arms": pd.DataFrame(arms), "_curves": table}
    return Result(tables, {"arms": arms, "networks": rows}, _text(rows, arms))


def _outcomes(
    run: RunDir,
    networks: list[Network],
    curves: dict[tuple[str, int], pd.DataFrame],
    arms_wanted: list[str] | None,
) -> list[dict[str, Any]]:
    """The run's own outcomes, those not trained among them; weights from elsewhere by their curves."""
    from training.summary import outcomes

    recipe = networks[0].recipe
    if run.provenance() is not None:
        wanted = arms_wanted or recipe.arms
        rows = [row for row in outcomes(run, recipe) if row["arm"] in wanted]
    else:
        rows = [{"arm": arm, "seed": seed, "status": "done"} for arm, seed in curves]
    for row in rows:
        metrics = curves.get((row["arm"], row["seed"]))
        if metrics is None:
            continue
        times = recipe.setting(row["arm"]).criterion.times(metrics)
        row |= {"steps": int(metrics["step"].iloc[-1]), "test_acc": float(metrics["test_acc"].iloc[-1])}
        for name, crossing in (("t_mem", times.t_mem), ("t_gen", times.t_gen)):
            row |= {name: crossing.at, f"{name}_after": crossing.lower, f"{name}_interval": str(crossing)}
        lower, upper = times.tau_bounds
        row |= {"tau": times.tau, "tau_lower": lower, "tau_upper": upper}
    return rows


def _text(rows: list[dict[str, Any]], arms: list[dict[str, Any]]) -> str:
    from analyses.survival import shown_arm, shown_network
    from training.command import format_table

    lines = [
        format_table([shown_network(row) for row in rows]),
        "",
        format_table([shown_arm(a) for a in arms]),
    ]
    notes = sorted({f"{row['arm']} seed {row['seed']}: {row['note']}" for row in rows if row.get("note")})
    lines += ["", *notes] if notes else []
    lines += [
        "",
        "Times are (last step below, first step at the threshold]; '> 30,000': never within so many steps.",
        "Medians: Kaplan–Meier. dense / arm, arm / ticket: ratios of t_gen, paired by seed, geometric means;",
        "'<' and '>' are bounds by a censored seed; interval: BCa bootstrap of dense / arm's mean log.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
