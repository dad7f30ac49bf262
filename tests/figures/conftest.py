"""Tiny runs of the recipes that the catalogue names: few steps and residues, really trained and analysed."""

import importlib
import json

import pytest

from training.config.build_recipe import recipe_from_dict
from training.config.recipe_files import read_recipe
from training.execution.jobs import Job, jobs
from training.execution.training_loop import train_group
from training.runs.run_directory import RunDir
from training.schema.validation import to_dict

STEPS = 40
SMALL = {
    "embed_mlp": {"d_emb": 10, "d_mlp": 12},
    "transformer": {"d_model": 8, "n_heads": 2, "d_head": 4, "d_mlp": 12},
    "one_hot_mlp": {"d_mlp": 24},
    "mlp": {},
}
FEW_NULLS = {"graph_props": ["--nulls", "2", "--jobs", "1"], "progress": ["--jobs", "1"]}


def tiny_recipe(name):
    """A recipe with every arm that it has, each of a few steps, and two seeds at most."""
    content = to_dict(read_recipe(name)[0])
    content["seeds"] = content["seeds"][:2]
    content["measure"] |= {"eval_every": 1, "checkpoint_every": 5, "early_checkpoint_every": 5}
    content["pruning"]["require_generalised"] = False
    for part in (content, *content["arms"].values()):
        if (part["task"] or {}).get("p"):
            part["task"]["p"] = 11
        if part["model"]:
            part["model"] |= SMALL[part["model"]["name"]]
    longest = max(arm["max_steps"] for arm in content["arms"].values())
    for arm in content["arms"].values():
        arm |= {"min_steps": 0, "settle_steps": 0, "max_steps": STEPS, "plateau": None}
        for step in ("source_step", "from_step"):
            if arm[step] is not None:
                arm[step] = min(round(arm[step] * STEPS / longest / 5) * 5, STEPS)
    return recipe_from_dict(content)


class TinyRuns:
    """Runs that are trained, and analyses that are made, when a test first asks for them."""

    def __init__(self, path):
        self.path = path

    def run(self, name):
        """The run of a recipe."""
        run, recipe = RunDir(self.path / name), tiny_recipe(name)
        if run.config() is None:
            run.write_recipe("", to_dict(recipe))
            run.add_provenance({"commit": "none", "seconds": 1.0})
            for job in jobs(recipe, recipe.seeds):
                train_group(recipe, run, [Job(job.arm, job.seed)], "cpu", lambda *_: None, lambda: False)
        return run

    def table(self, recipe, schema):
        """Return where a table is, made by its analysis."""
        run, analysis = self.run(recipe), schema.analysis
        if not run.analysis(analysis, ".json").exists():
            main = importlib.import_module(f"analyses.{analysis}.command").main
            assert main(["--run", str(run.path), "--no-plot", *FEW_NULLS.get(analysis, [])]) == 0
            assert json.loads(run.analysis(analysis, ".json").read_text())
        return run.analysis(schema.name, ".parquet")


@pytest.fixture(scope="session")
def tiny_runs(tmp_path_factory):
    """One folder of runs for the whole session; tests do not write into it."""
    return TinyRuns(tmp_path_factory.mktemp("tiny_runs"))
