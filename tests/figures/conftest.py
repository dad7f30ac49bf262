"""Tiny trained runs of the recipes of the figure catalogue."""

import pytest
from builders import begin_run, run_analysis, saved_tables, train_every_arm

from analyses.compare.command import main as compare
from training.config.build_recipe import recipe_from_dict
from training.config.recipe_files import read_recipe
from training.runs.run_directory import RunDir
from training.schema.validation import to_dict

STEPS = 40
MOST_ARMS = 40
SMALL = {
    "embed_mlp": {"d_emb": 10, "d_mlp": 12},
    "transformer": {"d_model": 8, "n_heads": 2, "d_head": 4, "d_mlp": 12},
    "one_hot_mlp": {"d_mlp": 24},
    "mlp": {},
}


def tiny_recipe(name):
    """Return a recipe with few steps and residues, and two seeds.

    It has all arms of the recipe; of a big sweep only those of the quick version.
    """
    recipe = read_recipe(name)[0]
    content = to_dict(recipe if len(recipe.arms) <= MOST_ARMS else read_recipe(name, quick=True)[0])
    content["seeds"] = content["seeds"][:2]
    content["measure"] |= {"eval_every": 1, "checkpoints": [{"every": 5}]}
    content["pruning"]["require_generalised"] = False
    for part in (content, *content["arms"].values()):
        if (part["task"] or {}).get("p"):
            part["task"]["p"] = 11
        for size in ("n_train", "n_test"):
            if (part["task"] or {}).get(size):
                part["task"][size] = min(part["task"][size], 60)
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
    """Tiny runs, trained and analysed on first use."""

    def __init__(self, path):
        self.path = path

    def run(self, name):
        """Return the run of a recipe."""
        run, recipe = RunDir(self.path / name), tiny_recipe(name)
        if run.config() is None:
            train_every_arm(recipe, begin_run(run.path, recipe))
        return run

    def table_file(self, recipe, schema):
        """Return the file of a table, made by its analysis."""
        run, analysis = self.run(recipe), schema.analysis
        if not run.analysis(analysis, ".json").exists():
            printed = run_analysis(analysis, run.path)
            assert printed.code == 0, printed.err
        return run.analysis(schema.name, ".parquet")

    def comparison_file(self, recipes, schema):
        """Return the file of a table that `compare` makes of several runs."""
        out = self.path / "_".join(["compare", *recipes])
        if not out.exists():
            runs = [str(self.run(recipe).path) for recipe in recipes]
            assert compare(["--runs", *runs, "--out", str(out), "--no-plot"]) == 0
        return out / "analyses" / f"{schema.name}.parquet"

    def tables(self, recipe, *schemas):
        """Return tables of a recipe's run, by schema."""
        for schema in schemas:
            self.table_file(recipe, schema)
        return saved_tables(self.run(recipe).path, schemas)


@pytest.fixture(scope="session")
def tiny_runs(tmp_path_factory):
    """Return the tiny runs of this session; tests only read these runs."""
    return TinyRuns(tmp_path_factory.mktemp("tiny_runs"))
