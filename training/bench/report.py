"""BENCHMARKS.md: sections of Markdown that the benches write, each its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.bench.timing import digits, spread_text
from training.runs.atomic_files import write_bytes
from training.schema.validation import ConfigError

SECTIONS = {
    "training": ("Training", "make bench"),
    "overhead": ("A sweep of many arms on the CPU", "make bench"),
    "analyses": ("Analyses", "make bench"),
    "growth": ("Growth with size", "FULL=1 make bench"),
    "cuda": ("On a GPU", "python -m training.bench --device cuda --write BENCHMARKS.md"),
}
"""Title of every section, and the command that measures it, in the order of the file."""
HEAD = """# Benchmarks

Written by commands, one section each; not to be edited. Numbers are medians over rounds, with their quartiles
in parentheses (the range for fewer than five rounds). All that is compared is timed in one process, in turn.
Times depend on the machine and on what else it does: compare within a table, not across machines.
[How to read them](docs/speed.md)."""
NOT_MEASURED = "Not measured. `{}` measures it."
SECTION = re.compile(r"<!-- (\w+): made by [^\n]* -->\n(.*?)<!-- /\1 -->", flags=re.DOTALL)


def write_sections(path: Path, bodies: Mapping[str, str]) -> None:
    """Write some sections of the file; the others stay as they are.

    A section that nothing has measured says so, with the command that measures it.

    Raises
    ------
    ConfigError
        If the file exists and was not written by a bench.
    """
    written = {**read_sections(path), **bodies}
    parts = [HEAD]
    for name, (title, command) in SECTIONS.items():
        body = written.get(name) or NOT_MEASURED.format(command)
        marks = f"<!-- {name}: made by {command} -->", f"<!-- /{name} -->"
        parts.append(f"## {title}\n\n{marks[0]}\n\n{body.strip()}\n\n{marks[1]}")
    write_bytes(path, ("\n\n".join(parts) + "\n").encode())


def read_sections(path: Path) -> dict[str, str]:
    """Return the measured sections of the file by name; none if it does not exist."""
    if not path.exists():
        return {}
    if path.is_dir():
        raise ConfigError(f"--write: expected a file, and {path} is a folder; name a file in it")
    text = path.read_text(encoding="utf-8")
    sections = {name: body.strip() for name, body in SECTION.findall(text)}
    if text.strip() and not sections:
        raise ConfigError(f"--write: expected a file that a bench has written, and {path} is another")
    return {name: body for name, body in sections.items() if not body.startswith("Not measured.")}


def machine_line(about: Mapping[str, Any]) -> str:
    """Return the machine of a section in one line.

    Examples
    --------
    >>> machine_line({"CPU": "a processor", "cores": 2})
    'CPU a processor; cores 2.'
    """
    return "; ".join(f"{name} {value}" for name, value in about.items()) + "."


def markdown_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows as a Markdown table; a cell that a row lacks is a dash.

    Examples
    --------
    >>> print(markdown_table([{"a": "1", "b": "2"}, {"a": "3"}]))
    | a | b |
    |---|---|
    | 1 | 2 |
    | 3 | – |
    """
    headers = list(dict.fromkeys(header for row in rows for header in row))
    lines = [headers, *([row.get(header, "–") for header in headers] for row in rows)]
    first, *others = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([first, "|" + "---|" * len(headers), *others])


def with_spread(row: Mapping[str, Any], name: str) -> str:
    """Return a row's median with its spread."""
    return spread_text(row[name], *row["spread"][name])


def comparison_section(about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], arms: int) -> str:
    """Return the table of training steps, with the baseline of each ratio."""
    table = [
        {
            "recipe": f"`{row['recipe']}`",
            "model": f"`{row['model']}`",
            "engine (ms)": with_spread(row, "engine"),
            "as written (ms)": with_spread(row, "as written"),
            "floor (ms)": with_spread(row, "floor"),
            "as used": with_spread(row, "as used"),
            "equal evaluations": with_spread(row, "equal evaluations"),
            "no evaluation": with_spread(row, "no evaluation"),
            "engine ÷ floor": with_spread(row, "engine / floor"),
            "warm-up (steps)": f"{row['warm-up steps']:,}",
        }
        for row in rows
    ]
    return f"""{machine_line(about)} Networks in a batch: {arms}; rounds: {rows[0]["rounds"]}.

{markdown_table(table)}

- Times are of a step of one network. Baseline of the ratios: this project's own network as written, layer by
  layer under autograd, not the papers' code.
- As used: as written with both splits evaluated at every step, against the engine with the recipe's schedule.
- Equal evaluations: both by the recipe's schedule. No evaluation: bare step against bare step.
- Engine ÷ floor: the engine with its evaluations, against the matrix products of its step and the fused
  update alone."""


def overhead_section(about: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """Return the time of an arm in a sweep, beside its steps alone."""
    table = [
        {"": name, "ms": with_spread(row, key), "ms per step": f"{digits(row[key] / row['steps'])}"}
        for name, key in (("an arm in the sweep", "arm in the sweep"), ("an arm's bare steps", "arm alone"))
    ]
    return f"""{machine_line(about)}

`{row["recipe"]}`'s dense network with {row["arms"]} seeds and {row["steps"]} steps each, trained by one
worker as `python -m training` does, with files, against the engine's steps and evaluations alone, one network
after another.

{markdown_table(table)}

- In the sweep ÷ alone, per arm-step: {with_spread(row, "sweep / alone")}; overhead per arm: \
{with_spread(row, "overhead per arm")} ms (files, hashes, reports); start of the worker, once: \
{with_spread(row, "start")} ms.
- {row["arms"]} arms stacked in one engine ÷ one by one, per arm-step: \
{with_spread(row, "stacked / alone")}."""


def growth_section(about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the fitted exponents."""
    table = [
        {
            "model": f"`{row['model']}` (`{row['recipe']}`)",
            "time of": row["time of"],
            "grows with": row["grows with"],
            "sizes": ", ".join(f"{size:g}" for size in row["sizes"]),
            "exponent": f"{row['exponent']:.2f}",
            "95 % interval": f"{row['low']:.2f} to {row['high']:.2f}",
        }
        | ({"largest takes": f"{row['largest']:.1f} s"} if "largest" in row else {})
        for row in rows
    ]
    return f"""{machine_line(about)}

Time ∝ size^exponent: the slope of log time over log size through every round, with Student's interval.
Growth that is no power law over these sizes widens it.

{markdown_table(table)}"""


def device_section(about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], bandwidth: float) -> str:
    """Return arm-steps per second by number of arms."""
    from training.inspection.resource_estimate import bytes_text

    table = []
    for row in rows:
        cells = {"recipe": f"`{row['recipe']}`", "model": f"`{row['model']}`", "arms": f"{row['arms']:,}"}
        if "needs" in row:
            cells["arm-steps per second"] = f"needs {bytes_text(row['needs'])}: not measured"
        else:
            cells |= {
                "arm-steps per second": spread_text(row["arm-steps per second"], *row["spread"]),
                "× one by one": digits(row["times one by one"]),
                "÷ bandwidth floor": digits(row["engine / floor"]),
            }
        table.append(cells)
    return f"""{machine_line(about)} A copy on the device moves {bandwidth / 1e9:,.1f} GB/s.

Steps of the engine without evaluations. One by one: the rate of one network alone. Bandwidth floor: the bytes
that the update of one step has to move (weights, gradients and the optimizer's states) ÷ the measured
bandwidth of a copy; the column says how many times as long the engine takes.

{markdown_table(table)}"""
