"""Campaign C: every analysis and every figure on runs of every shape.

`python tests/campaigns/shapes.py` prints by shape what was tried, with exit codes, and what failed.
"""

import importlib
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from builders import QUICK_ARGUMENTS
from campaigns.recipes import BASE, ONE_HOT, RECIPES, STEPS, TICKET, content, write_recipe
from campaigns.trying import Tried, called, command

ARMS = {"ticket": TICKET, "random": {"method": "random"} | STEPS}
ALL_PAIRS = {"name": "add", "p": 7, "pairs": "ordered", "frac_train": 1.0}
SINGLE = ONE_HOT | {"init": "single_frequency"}
SGD = {"name": "sgd", "lr": 0.1, "weight_decay": 0.0}
SHAPES = {
    "p_3": content(ARMS, task={"name": "add", "p": 3, "frac_train": 0.8}),
    "p_5": content(ARMS, task={"name": "add", "p": 5, "frac_train": 0.8}, seeds=[0, 1]),
    "one_seed": content(ARMS, task={"name": "add", "p": 11, "pairs": "ordered", "frac_train": 0.9}),
    "all_censored": BASE
    | {"seeds": [0, 1], "arms": {"dense": {"max_steps": 10}, "ticket": TICKET | {"max_steps": 10}}},
    "diverged": content(ARMS, optimizer={"name": "adamw", "lr": 1e38}),
    "no_test_set": content(ARMS, task=ALL_PAIRS),
    "one_checkpoint": content(ARMS),
    "no_steps": BASE | {"arms": {"dense": {"max_steps": 1}, "ticket": TICKET | {"max_steps": 1}}},
    "adopted": content({}),
    "adopted_with_metrics": content({}),
    "transformer": RECIPES["transformer"],
    "transformer_full": RECIPES["transformer_full"],
    "parity": RECIPES["depth"],
    "polynomial": RECIPES["polynomial"],
    "scores": RECIPES["scores"],
    "square": content(ARMS, model=SINGLE | {"activation": "square"}, task=ALL_PAIRS, optimizer=SGD),
    "relu": content(ARMS, model=SINGLE | {"activation": "relu"}, task=ALL_PAIRS, optimizer=SGD),
    "sweep": content({"ticket": TICKET}, grid={"optimizer.lr": [0.003, 0.01]}),
    "plugin": RECIPES["plugin"],
}
"""Recipe by shape of the run that it makes; `made_run` does what a recipe cannot say."""


def made_run(shape, folder):
    """Train a recipe in this process, and return the run's path."""
    from training import train
    from training.schema.plugins import load_plugins

    recipe = write_recipe(shape, folder, content=SHAPES[shape])
    if shape == "plugin":
        load_plugins([str(folder / "mine.py")])
    path = train(recipe, out=folder / "runs", jobs=1).path
    if shape == "one_checkpoint":
        keep_last_checkpoint(path)
    return adopted(path, folder, shape) if shape.startswith("adopted") else path


def keep_last_checkpoint(path):
    """Cut every network's checkpoints to the last one."""
    from training.runs.run_directory import RunDir

    for files in RunDir(path).arms():
        weights = {name: w[-1:] for name, w in files.checkpoints().items()}
        files.write_checkpoints(np.array(files.steps()[-1:]), weights)


def adopted(path, folder, shape):
    """Return a run that was adopted from the last weights of another one."""
    from safetensors.numpy import save_file

    from training.adopt.command import main
    from training.runs.run_directory import RunDir

    last = {
        name: np.ascontiguousarray(w[-1]) for name, w in RunDir(path).arm("dense", 0).checkpoints().items()
    }
    save_file(last, folder / "step_240.safetensors")
    more = ("--frac-train", "0.8") if shape == "adopted_with_metrics" else ()
    arguments = ("--model", "embed_mlp", "--p", "7", "--out", folder / "there", *more)
    assert main([str(a) for a in (folder / "step_240.safetensors", *arguments)]) == 0
    return folder / "there"


def figure_files(figure, path):
    """Return the file of each table of a figure, all of one run; None if one is missing."""
    from analyses.tables.schema import Table

    tables = {key: key if isinstance(key, Table) else key[1] for key in figure.tables}
    files = {key: path / "analyses" / f"{table.name}.parquet" for key, table in tables.items()}
    return files if all(file.exists() for file in files.values()) else None


def drawn(figure, files, target):
    """Draw a figure as the command does, and return the exit code.

    It is drawn coarsely, and finely only if the panels have no room in a coarse picture.
    """
    from figures.drawing.render import draw_picture
    from training.cli.parser import run_command

    try:
        return run_command(lambda: int(not draw_picture(figure, files, target, preview=True)))
    except UserWarning as warning:
        if "constrained_layout" not in str(warning):
            raise
        return run_command(lambda: int(not draw_picture(figure, files, target)))


def try_shape(shape, folder):
    """Return what every analysis and every figure did on a run of one shape."""
    from analyses.running.registry import ANALYSES
    from figures.catalogue.registry import FIGURES

    tried = Tried("C")
    made = {}
    ended = called(f"training of {shape}", lambda: made.update(path=made_run(shape, folder)) or 0)
    if not tried.judge(f"{shape} training", ended):
        return tried
    path = made["path"]

    for name in ANALYSES:
        judge(tried, shape, "analyses", called(f"analyses {name} of {shape}", analysed, path, name))
    drawn_so_far = set()
    for name, figure in FIGURES.items():
        files = figure_files(figure, path)
        same = (figure.draws, *(files or {}).values())  # other recipes' figures by one function
        if files and same not in drawn_so_far:
            drawn_so_far.add(same)
            ended = called(f"figures {name} of {shape}", drawn, figure, files, path / name)
            judge(tried, shape, "figures", ended)
    return tried


def analysed(path, name):
    """Run an analysis of a run, and return the exit code; `compare` takes the run twice."""
    from analyses.running.measured_tables import command_of

    several = name == "compare"
    runs = ["--runs", path, path, "--out", path] if several else ["--run", path]
    main = importlib.import_module("analyses.compare.command").main if several else command_of(name).main
    return main([str(a) for a in (*runs, "--no-plot", *QUICK_ARGUMENTS.get(name, []))])


def judge(tried, shape, kind, ended):
    """Count how a command ended: done, or refused in one line."""
    tried.judge(f"{shape} {kind}", ended, codes=(0, 1, 2))
    lines = [line for line in ended.text.splitlines() if line.startswith("error: ")]
    if ended.code and len(lines) != 1 and "Traceback" not in ended.text:
        tried.fail(f"{shape} {kind}", "exit code", f"{len(lines)} error lines: {ended.described()}")
    tried.counts[f"{shape} {kind}, exit {ended.code}"] += 1


def campaign(cases, seed, folder, lanes=2, shapes=None):
    """Return what `cases` shapes showed, from the first one on."""
    tried = Tried("C")
    shapes = list(SHAPES)[:cases] if shapes is None else shapes
    with ProcessPoolExecutor(lanes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for part in pool.map(try_shape, shapes, [folder / shape for shape in shapes]):
            tried.add(part)
    return tried


if __name__ == "__main__":
    sys.exit(command("Campaign C: shapes of runs.", len(SHAPES), campaign))
