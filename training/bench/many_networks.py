"""Growth of planning and reading with the number of networks, on runs whose files are copies."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.bench.growth import exponent

if TYPE_CHECKING:
    from training.config.recipe import Recipe
    from training.runs.run_directory import RunDir

NETWORKS = (1000, 3000, 10_000)
NO_WORK = {"min_steps": 0, "max_steps": 1, "settle_steps": 0}


def many_arms(n_arms: int, seeds: Sequence[int] = (0,)) -> Recipe:
    """Return a recipe of the smallest networks, half of them tickets, that train a single step.

    Parameters
    ----------
    n_arms : int
        Even: a dense arm and its ticket for each of `n_arms / 2` learning rates.
    """
    from training.config.build_recipe import recipe_from_dict
    from training.config.grid import expand_grid

    rates = [round(1e-3 + 1e-7 * i, 7) for i in range(n_arms // 2)]
    arms = {"dense": NO_WORK, "ticket": {"method": "magnitude", "source": "dense", **NO_WORK}}
    content = {
        "name": "many",
        "seeds": list(seeds),
        "task": {"name": "add", "p": 5},
        "model": {"d_emb": 2, "d_mlp": 2},
        "measure": {"eval_every": 1, "checkpoints": []},
        "pruning": {"require_generalised": False},
    }
    return recipe_from_dict(expand_grid({**content, "arms": arms, "grid": {"optimizer.lr": rates}}))


def planted_run(recipe: Recipe, out: Path) -> RunDir:
    """Write a finished run of `many_arms`: the first dense network and its ticket, and copies of both.

    Each has a record of its own arm and seed; its weights are those of the network that it copies.
    """
    from training.config.arm_config import arm_record
    from training.execution.experiment import Experiment
    from training.execution.run_config import write_run_config
    from training.runs.atomic_files import json_bytes
    from training.runs.record_hashes import record_seal

    pair = recipe.lineage(next(name for name, arm in recipe.arms.items() if arm.source is not None))
    part = replace(recipe, arms={name: recipe.arms[name] for name in pair}, seeds=recipe.seeds[:1])
    experiment = Experiment(part, "", out=str(out))
    experiment.train("cpu", workers=1)
    run = experiment.run
    for arm, settings in recipe.arms.items():
        model = run.arm(pair[settings.source is not None], recipe.seeds[0])
        done = model.done() or {}
        for seed in recipe.seeds:
            files = run.arm(arm, seed)
            if files.is_trained():
                continue
            shutil.copytree(model.path, files.path)
            source = (
                None if done["source"] is None else done["source"] | {"arm": settings.source, "seed": seed}
            )
            record = {**done, **arm_record(recipe, arm, seed), "source": source}
            del record["seal"]
            (files.path / "DONE").write_bytes(json_bytes({**record, "seal": record_seal(record)}))
    write_run_config(run, recipe)
    return run


def operations(recipe: Recipe, run: RunDir) -> dict[str, Callable[[], object]]:
    """Return what is done with all networks of a run, by name."""
    from training.execution.experiment import Experiment
    from training.execution.plan_needs import plan_needs
    from training.inspection.outcomes import outcomes
    from training.inspection.run import open_run

    def plan(folder: Path) -> object:
        experiment = Experiment(recipe, "", out=str(folder))
        return plan_needs(experiment, experiment.plan(), "cpu", 1)

    return {
        "planning a new run": lambda: plan(run.path / "new"),
        "planning a finished run": lambda: plan(run.path.parent),
        "opening a run": lambda: open_run(run.path).networks,
        "reading its outcomes": lambda: outcomes(run, recipe),
    }


def growth_with_networks(sizes: Sequence[int] = NETWORKS) -> list[dict[str, Any]]:
    """Return an exponent per operation over the number of networks, and its seconds at the largest."""
    took: dict[str, dict[float, float]] = {}
    for n in sizes:
        recipe = many_arms(n)
        with tempfile.TemporaryDirectory() as folder:
            for name, operation in operations(recipe, planted_run(recipe, Path(folder))).items():
                begun = time.perf_counter()
                operation()
                took.setdefault(name, {})[float(n)] = time.perf_counter() - begun
    about = {
        "recipe": "many",
        "model": "embed_mlp",
        "grows with": "networks",
        "sizes": list(map(float, sizes)),
    }
    return [
        about
        | {"time of": name, "largest": by_size[sizes[-1]], **exponent(list(by_size), list(by_size.values()))}
        for name, by_size in took.items()
    ]
