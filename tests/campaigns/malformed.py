"""Campaign B: malformed inputs, by structured mutation, in this process.

`python tests/campaigns/malformed.py --cases 2000 --seed 0` prints by kind what was tried and what failed.
"""

import contextlib
import copy
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

sys.path.insert(0, str(Path(__file__).parents[1]))

from builders import begin_run, train_every_arm
from campaigns.trying import Tried, called, command, generator

from training.__main__ import main
from training.config.build_recipe import recipe_from_dict
from training.inspection.run import open_run
from training.runs.atomic_files import RunError
from training.schema.toml_text import toml_document
from training.schema.validation import ConfigError

CONTENT = {
    "name": "tiny",
    "seeds": [0],
    "task": {"name": "add", "p": 5, "frac_train": 0.8},
    "model": {"name": "embed_mlp", "d_emb": 4, "d_mlp": 6},
    "optimizer": {"name": "adamw", "lr": 0.01},
    "measure": {"eval_every": 10, "checkpoints": [{"every": 20}, {"every": 10, "last": 20}]},
    "pruning": {"sparsity": 0.5, "require_generalised": False},
    "arms": {
        "dense": {"max_steps": 40},
        "ticket": {"method": "magnitude", "source": "dense", "max_steps": 40},
    },
}
DEEP = "[" * 5000
VALUES = (
    *(None, True, 0, -1, 5, 10**32, 2**63, 1.5, float("nan"), float("inf"), -0.0, 1e308),
    *("", "x", "\\1", "../x", "a/b", "a\0b", "x" * 5000, "=1+1", "é", "\n", "none", "dense", "ticket"),
    *([], [1], ["x"], [[]], {}, {"name": []}, {"x": {"y": {}}}),
)
"""Values that replace others."""
KINDS = ("arguments", "recipe", "json", "bytes", "tensors")


def mutated(value, rng):
    """Return a copy of nested plain values with one entry replaced, removed or added."""
    value = copy.deepcopy(value)
    node = value
    while isinstance(node, dict | list) and node:
        key = rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.75:
            node = node[key]
            continue
        change = rng.random()
        if change < 0.7:
            node[key] = rng.choice(VALUES)
        elif change < 0.85:
            del node[key]
        elif isinstance(node, dict):
            node[rng.choice(("x", "", "a/b", "name", "start", "{start}", "x" * 300))] = rng.choice(VALUES)
        break
    return value if isinstance(value, dict | list) and rng.random() < 0.97 else rng.choice(VALUES)


def call(*arguments):
    """Run the command; anything but an exit code is raised."""
    with contextlib.suppress(SystemExit):
        main([str(argument) for argument in arguments])


def try_arguments(run, folder, rng):
    options = (
        *("--set", "--seeds", "--jobs", "--shard", "--device", "--all-of", "--out", "--track", "--plugin"),
        *("--quick", "--json", "--verbose", "--force", "--resume", "--yes", "list", "watch", "modadd_fast"),
    )
    texts = [json.dumps(v) if isinstance(v, list | dict) else str(v) for v in VALUES]
    texts += [DEEP, f"task.p={DEEP}", "task.p=20001", "a." * 99 + "b=1", f"seeds={'9' * 5000}", "=", "1/0"]
    texts += [f"{rng.choice(('task', 'task.p', 'arms.x', 'seeds', 'grid.task.p'))}={text}" for text in texts]
    arguments = [rng.choice((*options, *texts)) for _ in range(rng.randint(0, 5))]
    arguments = [argument for argument in arguments if argument != "--yes"]
    call("modadd_fast", "--dry-run", "--out", folder / "runs", *arguments)


def try_recipe(run, folder, rng):
    content = mutated(CONTENT, rng)
    path = folder / "mine.toml"
    try:
        text = toml_document(content)
    except (ConfigError, AttributeError, TypeError):  # not what TOML can hold
        text = repr(content)
    path.write_text(text + ("\nx = " + DEEP if rng.random() < 0.02 else ""))
    call(path, "--dry-run", "--out", folder / "runs")


def read_everything(path):
    """Read a run as analyses do, and plan the next start."""
    with contextlib.suppress(RunError, ConfigError, OSError):
        run = open_run(path)
        _ = run.outcomes
        for network in run:
            _ = network.weights(), network.mask, network.metrics, network.t_gen
    call(path / "given.toml", "--dry-run", "--out", path.parent)


def chosen_file(path, rng, *suffixes):
    files = [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.stat().st_size and file.name.endswith(suffixes)
    ]
    return rng.choice(files)


def try_json(run, folder, rng):
    path = shutil.copytree(run, folder / "tiny")
    file = chosen_file(path, rng, ".json", "DONE")
    content = mutated(json.loads(file.read_text()), rng)
    file.write_text(DEEP if rng.random() < 0.03 else json.dumps(content))
    read_everything(path)


def try_bytes(run, folder, rng):
    path = shutil.copytree(run, folder / "tiny")
    file = chosen_file(path, rng, ".json", "DONE", ".safetensors", ".parquet", ".toml")
    content, change = bytearray(file.read_bytes()), rng.randrange(5)
    file.unlink()
    if change == 0:
        file.mkdir()
    elif change == 1:
        file.write_bytes(content[: rng.randrange(len(content))])
    elif change == 2:
        for _ in range(rng.randint(1, 9)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        file.write_bytes(content)
    elif change == 3:
        file.write_bytes(content + bytes(rng.randrange(256) for _ in range(9)))
    read_everything(path)


def try_tensors(run, folder, rng):
    path = shutil.copytree(run, folder / "tiny")
    file = chosen_file(path, rng, ".safetensors")
    tensors = load_file(file)
    name = rng.choice(sorted(tensors))
    changes = (
        *(lambda w: w[:-1], lambda w: w[None], lambda w: w.astype(np.float64) * np.nan, np.zeros_like),
        *(lambda w: 1 - w, np.ones_like, lambda w: w.astype(np.float32) / 2, lambda w: w[:0], lambda w: -w),
        *(lambda w: w.astype(np.int8), lambda w: w.astype(np.float16) * 1e5, lambda w: w.ravel()),
    )
    tensors[name] = np.ascontiguousarray(rng.choice(changes)(tensors[name]))
    if rng.random() < 0.2:
        tensors[rng.choice(("x", "step", ""))] = tensors.pop(name)
    save_file(tensors, file)
    read_everything(path)


TRIES = dict(zip(KINDS, (try_arguments, try_recipe, try_json, try_bytes, try_tensors), strict=True))


def made_run(folder):
    """Return the path of a trained run, and write the recipe it was made by."""
    recipe = recipe_from_dict(CONTENT)
    run = begin_run(folder / "tiny", recipe)
    assert train_every_arm(recipe, run) == []
    (run.path / "given.toml").write_text(toml_document(CONTENT))
    return run.path


def campaign(cases, seed, folder, lanes=1, kinds=KINDS):
    """Return what malformed inputs of every kind showed; all in this process."""
    run, tried = made_run(folder / "made"), Tried("B")
    for case in range(cases):
        kind, rng = kinds[case % len(kinds)], generator(seed, case)
        here = Path(tempfile.mkdtemp(dir=folder))
        tried.judge(kind, called(f"case {case} of seed {seed}", TRIES[kind], run, here, rng), codes=(None,))
        tried.counts[kind] += 1
        shutil.rmtree(here)
    return tried


if __name__ == "__main__":
    sys.exit(command("Campaign B: malformed inputs.", 2500, campaign))
