"""Recipes loaded and trained from Python."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from training.api.in_process import launch_from_python, launch_in_process
from training.cli.executor_option import LOCAL, check_jobs
from training.cli.parser import Interrupted
from training.config.recipe import Recipe
from training.config.recipe_files import GivenRecipe, read_given_recipe, read_recipe
from training.execution.arms.jobs import OnEvaluation
from training.execution.experiment import Experiment
from training.execution.joint_training import Launch
from training.execution.scheduling.launching import launch, n_workers_of
from training.inspection.run import Run, open_run
from training.inspection.tracking import tracked
from training.schema.toml_text import Overrides, override_texts, toml_value
from training.schema.validation import named_as_in_python, names, require


def load_recipe(
    name: str | Path,
    seeds: Sequence[int | str] | None = None,
    overrides: Overrides = (),
    quick: bool = False,
    arms: Sequence[str] | None = None,
) -> Recipe:
    """Return a recipe by name, or by the path of a TOML file or of a run's folder.

    Parameters
    ----------
    name : str or path
        Name of a recipe (`python -m training list`), a TOML file, or the folder of a run.
    seeds : sequence of int, optional
        Seeds in place of the recipe's; ranges as text too, as ["0:20"].
    overrides : mapping, or sequence of str
        Fields to change: `{"pruning.sparsity": 0.7}`, or texts as `--set` takes them.
    quick : bool
        Take the recipe's quick version: one seed, fewer steps, and a note that says so.
    arms : sequence of str, optional
        Only these arms, and those that their masks are taken from. Other arms of the run's folder stay there.

    Raises
    ------
    ConfigError
        If there is no such recipe, field or arm, or a value does not fit.

    Examples
    --------
    >>> recipe = load_recipe("modadd_fast", seeds=[0], overrides={"pruning.sparsity": 0.7})
    >>> recipe.seeds, recipe.sparsity("grokked_ticket")
    ((0,), 0.7)
    """
    texts = override_texts(overrides)
    if seeds is not None:
        texts.append(f"seeds={toml_value(list(seeds), 'seeds')}")
    recipe, _ = read_recipe(str(name), texts, quick)
    if arms is None:
        return recipe
    for arm in arms:
        require(arm in recipe.arms, "arms", f"some of {names(recipe.arms)}", arm)
    needed = {name for arm in arms for name in recipe.lineage(arm)}
    return replace(recipe, arms={name: arm for name, arm in recipe.arms.items() if name in needed})


@named_as_in_python()
def train(
    recipe: Recipe | str | Path,
    out: str | Path | None = None,
    *,
    jobs: int | None = None,
    device: str = "auto",
    force: bool | Collection[str] = False,
    track: str | None = None,
    yes: bool = False,
    executor: str = LOCAL,
    on_evaluation: OnEvaluation | None = None,
) -> Run:
    """Train every arm of a recipe that is not finished, and return the run.

    A second call resumes what was stopped and trains nothing twice. With `jobs=1`, and for networks that wait
    for each other, training is in this process; otherwise worker processes share the networks, in notebooks
    and in scripts without a main guard too.

    Parameters
    ----------
    recipe : Recipe, str or path
        A recipe, its name, its TOML file, or the folder of a run.
    out : path, optional
        Folder of the runs; the run is in its subfolder of the recipe's name. By default "runs", or the folder
        of the run that was given.
    jobs : int, optional
        Number of worker processes; by default one per core.
    device : str
        auto, cpu, cuda, cuda:N or mps.
    force : bool, or collection of str
        Train all networks of the recipe anew, or those of some arms; their files move to `arms/.replaced`.
    track : str, optional
        Tracker that also gets curves, config and figures, as "wandb".
    yes : bool
        Train also what needs more memory or disk than is free.
    executor : str
        "local", "slurm", or the path of a Python file with a Parsl config, as `--executor`.
    on_evaluation : callable, optional
        Called with an `EvaluatedNetwork` (arm, seed, step, metrics, weights, mask; copies) at every
        evaluation of this call, and not for networks that are taken over from another run. All networks are
        then trained in this process. What it raises stops the training and is raised once states are saved;
        a second call resumes.

    Returns
    -------
    Run
        `run["grokked_ticket", 0]` is one trained network.

    Raises
    ------
    ConfigError
        If an argument does not fit, or this machine has not the device, the memory or the disk.
    RunError
        If the folder holds another experiment, or training failed.
    Interrupted
        On Ctrl-C, after everything was saved.
    """
    require(jobs is None or (isinstance(jobs, int) and jobs >= 1), "jobs", "a whole number from 1", jobs)
    check_jobs(executor, jobs)
    given = GivenRecipe(recipe) if isinstance(recipe, Recipe) else read_given_recipe(str(recipe))
    chosen: Launch = launch_from_python if executor == LOCAL else partial(launch, executor=executor)
    if on_evaluation is not None:
        here = "1 or none with on_evaluation, which is called in this process"
        require(jobs in (None, 1), "jobs", here, jobs)
        expected = f"{LOCAL} with on_evaluation, which is called in this process"
        require(executor == LOCAL, "executor", expected, executor)
        chosen, jobs = partial(launch_in_process, on_evaluation=on_evaluation), 1
    experiment = Experiment(
        given.recipe,
        given.text,
        out="runs" if out is None else str(out),
        launch=chosen,
        folder=given.folder if out is None else None,
        bases=given.bases if given.text else None,
    )
    workers = n_workers_of(executor, jobs)
    if not yes:
        experiment.check_need(device, workers if executor == LOCAL else 0, force)
    try:
        with tracked(track, experiment.run, lambda: experiment.recipe):
            experiment.train(device, workers=workers, force=force)
    except Interrupted:
        raise Interrupted("call train again, without force, to resume") from None
    return open_run(experiment.run)
