"""Digest of the code that decides an arm's bytes."""

import subprocess
import sys
from pathlib import Path

import pytest
from builders import changed_recipe

from training.config.build_recipe import recipe_from_dict
from training.execution.identity import arm_code as module
from training.execution.identity.arm_code import COMMON, NO_PART, arm_code
from training.models.registry import MODELS
from training.optimization.optimizers.registry import OPTIMIZERS
from training.optimization.parametrizations.registry import PARAMETRIZATIONS
from training.pruning.registry import METHODS, STARTS
from training.schema import code_digest
from training.schema.plugins import load_plugins, unload_plugin
from training.schema.validation import to_dict
from training.tasks.registry import TASKS

ROOT = Path(__file__).parents[4]
REGISTRIES_OF_PLUGINS = {
    *("training.models.registry", "training.tasks.registry", "training.optimization.optimizers.registry")
}
"""Modules that definitions in plug-ins import, and others do not."""
PLUGIN = """
from training.pruning.method import Method
from training.pruning.registry import METHODS

def smallest(subject):
    return subject.keep({name: -abs(w) for name, w in subject.final.items()})

def figure():
    return 1

METHODS["smallest"] = Method(smallest, source="weights")
"""


def imported(modules, cut=()):
    """Return the modules that the digest of some modules covers."""
    reached, pending = {}, list(modules)
    while pending:
        name = pending.pop()
        path = code_digest.source_file(name, code_digest.ROOT)
        if path is None or path.name == "__init__.py" or name in reached or name in cut:
            continue
        reached[name] = code_digest._read(path, path.stat().st_mtime_ns, name)[1]
        pending += reached[name]
    return set(reached)


def all_modules():
    """Return the modules from which the code of any arm is followed."""
    registries = (TASKS, MODELS, OPTIMIZERS, METHODS, STARTS, PARAMETRIZATIONS)
    values = [registry[name] for registry in registries for name in registry]
    return [*COMMON, *(name for value in values for name in module._defining_modules(value))]


def test_every_module_that_is_no_part_is_imported_by_one_that_is():
    part = imported(all_modules(), cut=NO_PART)
    assert not part & set(NO_PART) and all(NO_PART.values())
    direct = {name for reached in part for name in _imports(reached)} | REGISTRIES_OF_PLUGINS
    assert set(NO_PART) <= direct, f"entries of no use: {sorted(set(NO_PART) - direct)}"


def _imports(name):
    path = code_digest.source_file(name, code_digest.ROOT)
    return code_digest._read(path, path.stat().st_mtime_ns, name)[1]


def test_what_decides_bytes_is_a_part_and_what_schedules_is_none():
    part = imported(all_modules(), cut=NO_PART)
    assert {
        *("training.optimization.engine", "training.optimization.optimizers.adamw"),
        *("training.pruning.magnitude", "training.pruning.mask_criteria", "training.pruning.initialization"),
        *("training.models.transformer.stacked_network", "training.models.kernels.pair_embedding"),
        *("training.tasks.modular", "training.tasks.losses", "training.inspection.outcomes"),
        *("training.config.settings", "interp.masks.topk", "interp.dynamics.threshold_crossings"),
        "training.optimization.parametrizations.edge_popup",
    } <= part
    for name in ("scheduling.launching", "printed_tables", "experiment", "joint_training", "plan"):
        assert f"training.execution.{name}" not in part
    assert not any(
        name.startswith(("analyses", "figures", "training.cli", "training.adopt")) for name in part
    )


def test_the_code_of_an_arm_is_that_of_its_parts_and_of_its_sources(recipe):
    codes = {arm: arm_code(recipe, arm) for arm in recipe.arms}
    assert len(set(codes.values())) == 4 and all(len(code) == 16 for code in codes.values())
    other = changed_recipe(to_dict(recipe), "pruning.sparsity=0.5", "optimizer.lr=0.5", "name=other")
    assert {arm: arm_code(other, arm) for arm in other.arms} == codes  # config is hashed elsewhere
    sgd = changed_recipe(to_dict(recipe), "optimizer.name=sgd", "optimizer.lr=0.5")
    assert all(arm_code(sgd, arm) != codes[arm] for arm in sgd.arms)


def test_the_digest_needs_no_torch():
    code = (
        "import sys; from training.config.recipe_files import read_recipe; "
        "from training.execution.identity.arm_code import arm_code; "
        "recipe = read_recipe('modadd_fast')[0]; print(*(arm_code(recipe, a) for a in recipe.arms)); "
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("-abs(w)", "-(w * w)", {"smallest", "shuffled"}),
        ("return 1", "return 2", set()),
        ("def smallest(subject):", 'def smallest(subject):\n    """Keep them."""  # twice', set()),
    ],
)
def test_code_of_plugins_counts_for_arms_that_depend_on_it(tmp_path, content, old, new, changed):
    content["arms"] = {
        "dense": {},
        "random": {"method": "random"},
        "smallest": {"method": "smallest", "source": "dense"},
        "shuffled": {"method": "shuffled", "source": "smallest"},
    }

    def codes(text):
        path = tmp_path / "my_smallest.py"
        path.write_text(text)
        load_plugins([str(path)])
        try:
            recipe = recipe_from_dict(content)
            return {arm: arm_code(recipe, arm) for arm in recipe.arms}
        finally:
            unload_plugin("my_smallest")

    before, after = codes(PLUGIN), codes(PLUGIN.replace(old, new))
    assert {arm for arm in before if before[arm] != after[arm]} == changed
