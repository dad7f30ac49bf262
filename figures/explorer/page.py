"""The page: content of runs, plots and scripts in one file."""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Sequence
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np

from figures.explorer.network_content import Arrays, network_content
from figures.explorer.packing import packed
from figures.explorer.sources import SHOWN_IF_THERE, ExploredRun
from figures.explorer.start_weights import add_start_weights
from figures.explorer.views import VIEWS
from training.runs.log_spacing import thinned

SCRIPTS = (
    *("arrays", "spectra", "what_if", "network", "panels"),
    *("draw_curves", "draw_neurons", "draw_pairs", "draw_masks", "controls", "changes", "app"),
)
"""Files of `page_files`, in the order in which they are read."""
STEPPED = ("input", "output", "margin", "attention_", "circles", "steps")
"""Beginnings of the names of arrays with a row per checkpoint that is shown."""
OTHER_BYTES = 1_800_000
"""About what a page has beside arrays: Bokeh's script, the plots, the page's own scripts."""


def page_html(runs: Sequence[ExploredRun], megabytes: float) -> str:
    """Return the page of some runs.

    Parameters
    ----------
    megabytes : float
        Size that it keeps to by leaving out checkpoints, as far as two for each network allow.
    """
    from figures.explorer.plots import templates

    networks, arrays = _networks(runs, megabytes * 1e6 - OTHER_BYTES)
    title = "Explorer: " + ", ".join(dict.fromkeys(run.name for run in runs))
    page = {"networks": networks, "views": [view.words() for view in VIEWS], "hints": _hints(runs)}
    plots = gzip.compress(json.dumps(templates()).encode(), mtime=0)
    holders = [f'<script type="text/plain" id="arrays-{i}">{text}</script>' for i, text in enumerate(arrays)]
    own = files("figures.explorer").joinpath("page_files")
    scripts = [own.joinpath(f"{name}.js").read_text("utf-8") for name in SCRIPTS]
    return Template(own.joinpath("explorer.html").read_text("utf-8")).substitute(
        title=html.escape(title),
        about=html.escape(_about(runs)),
        notes="".join(f"<p>{html.escape(note)}</p>" for note in _notes(runs, networks)),
        style=own.joinpath("explorer.css").read_text("utf-8"),
        made=html.escape("Made by grokking-tickets, with Bokeh."),
        page=json.dumps(page, allow_nan=False).replace("<", "\\u003c"),
        templates=base64.b64encode(plots).decode(),
        arrays="\n".join(holders),
        bokeh=_bokeh_script(),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def _bokeh_script() -> str:
    from bokeh.resources import Resources

    return "\n".join(Resources(mode="inline", components=["bokeh"]).js_raw)


def _networks(runs: Sequence[ExploredRun], most_bytes: float) -> tuple[list[dict[str, Any]], list[str]]:
    """Return words and packed arrays of all networks, with fewer checkpoints where they are too many."""
    from figures.drawing.style import arm_styles

    found: list[tuple[dict[str, Any], Arrays]] = []
    for run in runs:
        styles = arm_styles(
            list(dict.fromkeys(n.arm for n in run.networks)), {n.arm: n.role for n in run.networks}
        )
        for network in run.networks:
            words, arrays = network_content(run, network)
            words["color"] = styles[network.arm]["color"]
            if len(runs) > 1:
                words["label"] = f"{run.name}: {words['label']}"
            found.append((words, arrays))
    add_start_weights([network for run in runs for network in run.networks], found)
    share, texts = 1.0, [packed(arrays) for _, arrays in found]
    while sum(map(len, texts)) > most_bytes and share > 0.01:
        share *= min(0.95, most_bytes / sum(map(len, texts)))
        texts = [packed(with_fewer_steps(arrays, share)) for _, arrays in found]
    for words, arrays in found:
        words["shown"] = len(with_fewer_steps(arrays, share).get("steps", ()))
    return [words for words, _ in found], texts


def with_fewer_steps(arrays: Arrays, share: float) -> Arrays:
    """Return arrays of a share of the checkpoints, evenly spaced in the logarithm of the step."""
    steps = arrays.get("steps", np.empty(0))
    most = max(2, round(share * len(steps)))
    if most >= len(steps):
        return arrays
    kept = thinned(steps, most)
    return {name: array[kept] if name.startswith(STEPPED) else array for name, array in arrays.items()}


def _hints(runs: Sequence[ExploredRun]) -> dict[str, str]:
    """Return by analysis what to do where its tables are not there."""
    path = " ".join(str(run.run.path) for run in runs)
    again = f"'python -m figures.explorer --run {path} --all'"
    return {a.name: f"not measured; {again} measures it ({a.cost} for modadd_fast)" for a in SHOWN_IF_THERE}


def _about(runs: Sequence[ExploredRun]) -> str:
    tasks = dict.fromkeys(n.setting.describe() for run in runs for n in run.networks)
    words = [run.run.recipe.about for run in runs if getattr(run.run.recipe, "about", "")]
    return ". ".join([*dict.fromkeys(words), *tasks]) + "."


def _notes(runs: Sequence[ExploredRun], networks: Sequence[dict[str, Any]]) -> list[str]:
    """Return what the page leaves out, a line each."""
    notes = [f"{run.name}: {run.run.recipe.note}" for run in runs if run.run.recipe.note]
    fewer = [n for n in networks if 0 < n["shown"] < n["checkpoints"]]
    if fewer:
        said = "; ".join(f"{n['label']}: {n['shown']} of {n['checkpoints']}" for n in fewer)
        notes.append(
            f"Checkpoints left out to keep the page small: {said} are shown. Curves have all evaluations."
        )
    sampled = [n for n in networks if n.get("sampled")]
    if sampled:
        said = "; ".join(f"{n['label']}: {n['n_neurons']} of {n['sampled']}" for n in sampled)
        notes.append(f"Neurons are a sample, evenly spaced by frequency and phase: {said}.")
    left_out = {a.name for a in SHOWN_IF_THERE}
    return notes + [
        f"{run.name}: left out: {note}"
        for run in runs
        for note in run.notes
        if note.partition(":")[0] not in left_out
    ]
