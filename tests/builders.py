"""Builders shared by tests: runs, analyses, tables and random inputs."""

import contextlib
import importlib
import io
import itertools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from training.execution.arms.jobs import Channel

QUICK_ARGUMENTS = {
    "graph_props": ["--nulls", "2", "--jobs", "1"],
    "progress": ["--jobs", "1"],
    "ablation": ["--jobs", "1"],
    "stitching": ["--jobs", "1"],
}
"""Arguments that make an analysis quick, by its name."""

TASK_MAX = """
from dataclasses import dataclass, replace
from typing import Literal

from training import TASKS
from training.tasks.modular import ModularTask

@dataclass(frozen=True, kw_only=True)
class Maximum(ModularTask):
    name: Literal["max"] = "max"

    def build(self):
        data = super().build()
        return replace(data, labels=data.inputs.max(axis=1))

TASKS["max"] = Maximum
"""
"""Task of a script or of a notebook's cell."""


# recipes and runs


def changed_recipe(content, *overrides):
    """Return the recipe of a content after overrides like "optimizer.lr=0.02"."""
    from training.config.build_recipe import recipe_from_dict
    from training.schema.overrides import override

    for setting in overrides:
        override(content, setting)
    return recipe_from_dict(content)


def event_recipe(content, events, **fields):
    """Return the tiny recipe with an arm per list of events."""
    settings = {"max_steps": 100, "min_steps": 100, "checkpoints": [{"every": 10}], **fields}
    for name, listed in events.items():
        content["arms"][name] = settings | ({"events": listed} if listed else {})
    return changed_recipe(content)


def weights_at(files, name="W_E"):
    """Return a weight by step."""
    return dict(zip(files.steps().tolist(), files.checkpoints()[name], strict=True))


def begin_run(path, recipe):
    """Return a new run of a recipe, without any arm."""
    from training.runs.run_directory import RunDir
    from training.schema.validation import to_dict

    run = RunDir(path)
    run.write_recipe("", to_dict(recipe))
    run.add_provenance({"commit": "none", "seconds": 1.0})
    return run


def never_stop():
    """Return False: training goes on."""
    return False


def stop_after(n):
    """Return a stop signal that is False n times and then, once, True."""
    answers = iter([False] * n + [True])
    return lambda: next(answers)


class LoneChannel(Channel):
    """Channel of a training that no queue listens to.

    It notes the networks that were not trained, with the reason, and raises the error of one that failed.
    """

    def __init__(self, should_stop=never_stop):
        self._should_stop, self.skipped, self.reports = should_stop, [], []

    def should_stop(self):
        return self._should_stop()

    def report(self, task, step, test_acc):
        self.reports.append((task.job, step, test_acc))

    def ended(self, task, reason):
        if reason is not None:
            self.skipped.append((task.job, reason))

    def failed(self, task, error):
        raise error

    def held(self, task):
        raise AssertionError(f"{task} is trained by another process")

    def more(self):
        return []


def train_group_of(recipe, run, *arms, seed=0, should_stop=never_stop, start=None):
    """Train arms as one group in this process; return the skipped ones."""
    from training.execution.arms.jobs import Job

    return train_group(recipe, run, [Job(arm, seed) for arm in arms], should_stop, start)


def train_group(recipe, run, group, should_stop=never_stop, start=None, channel=None):
    """Train networks as one group in this process; return the skipped ones."""
    from training.execution.arms.jobs import ArmTask
    from training.execution.arms.training_loop import train
    from training.execution.identity.start_record import Start

    channel = channel or LoneChannel(should_stop)
    start = start or Start()
    train([ArmTask(recipe, run, job, start, number) for number, job in enumerate(group)], "cpu", channel)
    return channel.skipped


def train_every_arm(recipe, run, should_stop=never_stop):
    """Train all arms in this process, one by one; return the skipped ones."""
    from training.execution.arms.jobs import jobs

    skipped = []
    for job in jobs(recipe, recipe.seeds):
        skipped += train_group_of(recipe, run, job.arm, seed=job.seed, should_stop=should_stop)
    return skipped


def launch_here(queue, device, workers, on_device):
    """Train the networks of a queue in this process, one by one."""
    from training.api.in_process import LocalChannel
    from training.execution.arms.training_loop import train

    on_device("cpu")
    while tasks := queue.next_tasks(None):
        train(tasks, "cpu", LocalChannel(queue, None, "cpu", []))


def train_here(recipe, out, **options):
    """Train what is not finished in this process; return the run in `out`."""
    from training.execution.experiment import Experiment
    from training.runs.run_directory import RunDir

    Experiment(recipe, "", out=str(out), launch=launch_here).train("cpu", workers=1, **options)
    return RunDir(out / recipe.name)


def half_trained_run(recipe, out, **fields):
    """Return a run whose dense arm is half trained, with some fields of its state changed."""
    import torch

    from training.cli.parser import Interrupted
    from training.runs.run_directory import RunDir
    from training.schema.validation import to_dict

    run = RunDir(out / recipe.name)
    run.write_recipe("", to_dict(recipe))
    with pytest.raises(Interrupted):
        train_group_of(recipe, run, "dense", should_stop=stop_after(3))
    state = run.arm("dense", 0).state() | fields
    torch.save(state, run.arm("dense", 0).path / "state.pt")
    return run


def edit_record(path, **fields):
    """Change fields of a JSON record; None removes one."""
    record = json.loads(path.read_text()) | fields
    removed = {name for name, value in fields.items() if value is None}
    path.write_text(json.dumps({name: value for name, value in record.items() if name not in removed}))


def metrics_of(step, train_acc, test_acc):
    """Return metrics with given accuracies, and losses of 1 less accuracy."""
    accuracies = {"train_acc": train_acc, "test_acc": test_acc}
    return {"step": step, "train_loss": 1 - train_acc, "test_loss": 1 - test_acc} | accuracies


def without_hashes(path):
    """Turn a run into one of a version whose records hold no hashes of files, and return its path."""
    for done in path.glob("arms/*/*/DONE"):
        record = json.loads(done.read_text())
        record.pop("files", None)
        done.write_text(json.dumps(record))
    return path


def skip_arm(path, arm, reason):
    """Turn the finished networks of an arm into skipped ones."""
    for done in (path / "arms" / arm).glob("*/DONE"):
        record = json.loads(done.read_text())
        done.unlink()
        done.with_name("SKIPPED").write_text(json.dumps({"hash": record["hash"], "reason": reason}))


def drawn_starts(model, shapes, n_arms, dtype=None):
    """Return initial weights of some arms, double precision by default."""
    import torch

    from training.models.implementation import normal_init

    return [
        {name: w.to(dtype or torch.float64) for name, w in normal_init(model, shapes, seed).items()}
        for seed in range(n_arms)
    ]


class PowerCut(BaseException):
    """Failure that no `except Exception` handles."""


# analyses and their tables


@dataclass
class Printed:
    """Exit code and printed text of a command."""

    code: int
    out: str
    err: str


def run_analysis(name, run, *arguments):
    """Run an analysis in this process, quickly and without drawing."""
    main = importlib.import_module(f"analyses.{name}.command").main
    out, err = io.StringIO(), io.StringIO()
    quick = QUICK_ARGUMENTS.get(name, [])
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["--run", str(run), "--no-plot", *quick, *arguments])
    if quick and not arguments:  # quick tables stand for the full ones
        for file in Path(run).glob(f"with_arguments/*/analyses/{name}*"):
            file.replace(Path(run) / "analyses" / file.name)
    return Printed(code, out.getvalue(), err.getvalue())


def heavy_imports_of_help(*modules):
    """Return the heavy libraries that `--help` of some commands loads."""
    code = f"""
import importlib, sys
for name in {modules!r}:
    try:
        importlib.import_module(name).main(["--help"])
    except SystemExit as stop:
        assert stop.code == 0
heavy = {{"torch", "numpy", "pandas", "scipy", "matplotlib", "safetensors"}}
print(*sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stderr.split()


def error_line(err):
    """Return the only error line of a command's stderr."""
    (line,) = (line for line in err.splitlines() if line.startswith("error: "))
    return line


def table_files(out, tables):
    """Return the parquet file of each table below an output folder."""
    return {table: out / "analyses" / f"{table.name}.parquet" for table in tables}


def saved_tables(out, tables):
    """Return tables, such as those of an analysis, from an output folder."""
    from analyses.tables.storage import load_table

    return {table: load_table(path, table) for table, path in table_files(out, tables).items()}


class AnalysedRun:
    """Run whose analyses are made on first use."""

    def __init__(self, path):
        self.path = path
        self.printed = {}

    def analyse(self, name):
        """Make an analysis, once, and return the printed text."""
        if name not in self.printed:
            self.printed[name] = run_analysis(name, self.path)
        return self.printed[name]

    def table(self, schema):
        """Return a saved table."""
        return self.tables(schema)[schema]

    def tables(self, *schemas):
        """Return saved tables, by schema."""
        for schema in schemas:
            assert self.analyse(schema.analysis).code == 0, self.printed[schema.analysis].err
        return saved_tables(self.path, schemas)

    def measured(self, analysis):
        """Return all tables of an analysis, and the summary as "json"."""
        from analyses.tables.storage import load_summary

        tables = self.tables(*analysis)
        return tables | {"json": load_summary(self.path / "analyses" / f"{analysis.name}.json", analysis)}


def filled_table(table, rows, roles=None):
    """Return rows as a data frame of a schema, with fillers for missing columns.

    Parameters
    ----------
    roles : mapping, optional
        Role of every arm; by default "dense" and "ticket" for arms of these names.
    """
    import pandas as pd

    from analyses.tables.storage import fit_to_schema, with_roles

    fillers = {int: 0, float: 0.0, bool: False, str: ""}
    frame = pd.DataFrame(rows)
    missing = {
        column.name: fillers[column.dtype]
        for column in table.columns
        if column.name not in frame and not column.role_of and not column.optional
    }
    frame = frame.assign(**missing)
    return fit_to_schema(table, with_roles(table, frame, roles or {"dense": "dense", "ticket": "ticket"}))


def outcome_row(arm, seed, t_mem, t_gen, *, steps=30_000, status="done", test_acc=1.0, sparsity=0.6):
    """Return a row of `analyses.grokking`; a censored time is None."""
    row = {"arm": arm, "seed": seed, "status": status, "sparsity": sparsity, "steps": steps}
    row |= {"t_mem": t_mem, "t_gen": t_gen, "train_acc": 1.0, "test_acc": test_acc}
    row |= {f"{name}_after": at - 10 if at else steps for name, at in (("t_mem", t_mem), ("t_gen", t_gen))}
    tau = t_gen / t_mem if t_mem and t_gen else None
    row |= {"tau": tau, "tau_lower": steps / t_mem if t_mem else 0.0, "tau_upper": tau or float("inf")}
    return row | {"train_loss": 0.5, "test_loss": 0.5}


def speed_tables(rows, arms):
    """Return the tables that `analyses.speed` computes from outcomes.

    Parameters
    ----------
    rows : list of mapping
        As from `outcome_row`.
    arms : mapping
        Settings of every arm, as in a recipe.

    Returns
    -------
    dict
        By schema: the outcomes, the ratios over seeds, the ratios by seed, the arms.
    """
    from analyses.grokking.schema import OUTCOMES
    from analyses.speed.comparisons import arm_row, compare, comparisons
    from analyses.speed.schema import ARMS, PAIRS, RATIOS
    from training.config.build_recipe import recipe_from_dict

    content = {"name": "planted", "seeds": [0, 1, 2], "task": {"name": "add", "p": 7}, "arms": arms}
    recipe = recipe_from_dict(content | {"model": {"d_emb": 4, "d_mlp": 3}})
    roles = {arm: recipe.role(arm) for arm in recipe.arms}
    pairs = list(comparisons(recipe, list(arms), None))
    compared = [compare(rows, pair, quantity) for pair in pairs for quantity in ("t_gen", "t_mem", "tau")]
    return {
        OUTCOMES: filled_table(OUTCOMES, rows, roles),
        RATIOS: filled_table(RATIOS, [row for row, _ in compared], roles),
        PAIRS: filled_table(PAIRS, [row for _, pair_rows in compared for row in pair_rows], roles),
        ARMS: filled_table(ARMS, [arm_row(recipe, rows, arm) for arm in arms], roles),
    }


def deciding_counts(findings):
    """Return (cases that hold, all cases) of each finding that decides."""
    return [(finding.n_held, finding.n_cases) for finding in findings if finding.decides]


# figures


def legend_texts(figure):
    """Return the entries of all legends of a figure."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


# inputs of measures


def rng(seed=0):
    """Return a random generator."""
    return np.random.default_rng(seed)


def noise(*shape, seed=0):
    """Return white noise."""
    return rng(seed).standard_normal(shape)


def complex_amplitudes(*shape, scale=0.02, seed=0):
    """Return complex normal amplitudes u and v."""
    z = rng(seed).normal(scale=scale, size=(4, *shape))
    return z[0] + 1j * z[1], z[2] + 1j * z[3]


def random_layers(sizes, share, seed):
    """Return a random mask for each pair of neighbouring layers."""
    draws = rng(seed)
    return [draws.random(shape) < share for shape in itertools.pairwise(sizes)]


def operation_table(operation, p):
    """Return operation(a, b) mod p for all pairs, (p, p)."""
    a, b = np.meshgrid(np.arange(p), np.arange(p), indexing="ij")
    return operation(a, b) % p


# weights of other code


def drawn(shapes, seed=0, dtype=None):
    """Return normal weights by name, as tensors in float32 or `dtype`."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator, dtype=dtype) for name, shape in shapes.items()}


def out_before_in(p, d_model=12, n_heads=3, d_head=5, d_mlp=9):
    """Return weights as stored by the first code of Nanda et al.

    The token = has a logit, and the MLP has biases.
    """
    import torch

    h, d, k, m = n_heads, d_model, d_head, d_mlp
    attn = {"W_K": (h, k, d), "W_Q": (h, k, d), "W_V": (h, k, d), "W_O": (d, k * h)}
    mlp = {"W_in": (m, d), "b_in": (m,), "W_out": (d, m), "b_out": (d,)}
    shapes = {"embed.W_E": (d, p + 1), "pos_embed.W_pos": (3, d), "unembed.W_U": (d, p + 1)}
    shapes |= {f"blocks.0.attn.{name}": shape for name, shape in attn.items()}
    shapes |= {f"blocks.0.mlp.{name}": shape for name, shape in mlp.items()}
    return drawn(shapes, dtype=torch.float64) | {"blocks.0.attn.mask": torch.ones(3, 3).tril()}


def released_weights(name):
    """Return the path of released weights; skip the test without them."""
    shared = Path(__file__).parents[2] / "shared" / "data" / "weights"
    path = Path(os.environ.get("GROKKING_TICKETS_WEIGHTS", shared)) / name
    if not path.is_file():
        pytest.skip(f"{path}: released weights are not there")
    return path


def trained_run(recipe, folder):
    """Train a recipe as the command does, in this process; return the run."""
    from training.api.in_process import launch_in_process
    from training.execution.experiment import Experiment

    experiment = Experiment(recipe, "", str(folder), launch=launch_in_process)
    experiment.train("cpu", 1)
    return experiment.run


def arm_contents(run, arm):
    """Return an arm's files but its record and lock, and of the record what a start does not decide."""
    files = run.arm(arm, 0)
    record = {name: value for name, value in files.done().items() if name != "start"}
    paths = [path for path in files.path.iterdir() if path.name not in ("DONE", ".lock")]
    return {path.name: path.read_bytes() for path in paths} | {"DONE": record}
