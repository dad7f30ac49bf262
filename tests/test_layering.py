"""Imports run one way: interp ← training ← analyses; figures read saved tables."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("interp", "training", "analyses", "figures")

# Package → what it must not import, by the start of the module's name.
FORBIDDEN = {
    "interp": ("training", "analyses", "figures", "torch", "transformer_lens", "matplotlib", "pandas"),
    "training": ("analyses", "figures", "matplotlib"),
    "analyses": ("figures", "matplotlib"),
    "figures": (
        *("torch", "transformer_lens", "interp"),
        *(
            "training.optimization.engine",
            "training.execution.training_loop",
            "training.models",
            "training.execution.scheduler",
        ),
    ),
}
# Modules that answer `--help`, or that a reader of runs needs: nothing heavy when they are imported.
LIGHT = {
    "training/__main__.py": ("torch", "numpy", "pandas", "scipy", "matplotlib"),
    "training/adopt/command.py": ("torch", "numpy", "pandas", "scipy", "matplotlib"),
    "training/cli/parser.py": ("torch", "numpy", "pandas", "scipy", "matplotlib"),
    "training/schema/validation.py": ("torch", "numpy", "pandas", "scipy", "matplotlib"),
    "training/runs/run_directory.py": ("torch", "pandas", "scipy", "matplotlib"),
    "training/architectures/registry.py": ("torch", "numpy", "pandas"),
    "training/architectures/infer_sizes.py": ("torch", "numpy", "pandas"),
    "training/inspection/load_hooked.py": ("torch", "pandas"),
    "training/config/recipe.py": ("torch", "pandas"),
    "training/execution/scheduler.py": (
        "torch",
        "training.execution.training_loop",
        "training.optimization.engine",
    ),
    "training/execution/experiment.py": (
        "torch",
        "training.execution.training_loop",
        "training.optimization.engine",
    ),
}
LIGHT |= {
    str(path.relative_to(ROOT)): ("torch", "numpy", "pandas", "scipy", "matplotlib")
    for path in (
        ROOT / "figures/__main__.py",
        ROOT / "figures/drawing/render.py",
        *ROOT.glob("figures/pipeline/*.py"),
    )
}
LIGHT |= {
    str(path.relative_to(ROOT)): ("torch", "sklearn")
    for folder in ("pruning", "tasks")
    for path in (ROOT / "training" / folder).glob("*.py")
}


def imports(tree, package, top_level_only=False):
    """The modules that a file imports, dotted, each as (line, name).

    `from a import b` counts as a and as a.b; an import under `if TYPE_CHECKING` never happens and does not
    count.
    """
    found = []

    def visit(node, in_function):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                visit(other, in_function)
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            in_function = True
        if not (in_function and top_level_only):
            if isinstance(node, ast.Import):
                found.extend((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: 1 - node.level or None] if node.level else []
                base = [*above, *filter(None, [node.module])]
                found.append((node.lineno, ".".join(base)))
                found.extend((node.lineno, ".".join([*base, alias.name])) for alias in node.names)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                ("__import__", "import_module")
            ):
                found.extend(
                    (node.lineno, arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant)
                )
        for child in ast.iter_child_nodes(node):
            visit(child, in_function)

    visit(tree, in_function=False)
    return found


def violations(root, forbidden, light):
    """`file:line imports name` for every import that the rules do not allow."""
    found = []
    for package, banned in forbidden.items():
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            tree, parent = ast.parse(path.read_text()), ".".join(path.relative_to(root).parent.parts)
            checks = [(imports(tree, parent), banned)]
            checks.append((imports(tree, parent, top_level_only=True), light.get(name, ())))
            for seen, names in checks:
                found += [
                    f"{name}:{line} imports {module}"
                    for line, module in seen
                    if any(module == b or module.startswith(f"{b}.") for b in names)
                ]
    return sorted(set(found))


def test_imports_run_one_way():
    assert violations(ROOT, FORBIDDEN, LIGHT) == []


def test_every_package_has_its_rules_and_every_light_module_is_there():
    assert tuple(FORBIDDEN) == PACKAGES
    assert all((ROOT / package / "__init__.py").exists() for package in PACKAGES)
    assert all((ROOT / path).exists() for path in LIGHT)


@pytest.mark.parametrize(
    ("file", "code", "name"),
    [
        ("interp/a.py", "import torch", "torch"),
        ("interp/a.py", "import torch.nn.functional as F", "torch.nn.functional"),
        ("interp/a.py", "from training.runs.run_directory import RunDir", "training.runs.run_directory"),
        ("interp/a.py", "from training import store", "training"),
        ("interp/a.py", "from .. import training", "training"),
        ("interp/sub/a.py", "def f():\n    import analyses", "analyses"),
        ("interp/a.py", "import importlib\nimportlib.import_module('torch')", "torch"),
        ("training/a.py", "import analyses.fourier", "analyses.fourier"),
        ("training/a.py", "if True:\n    from figures import style", "figures"),
        ("analyses/a.py", "import figures", "figures"),
        ("figures/a.py", "import torch", "torch"),
        ("figures/a.py", "from training.optimization import engine", "training.optimization.engine"),
        ("figures/a.py", "from training.models import embed_mlp", "training.models"),
        ("training/runs/run_directory.py", "import torch", "torch"),
        ("training/runs/run_directory.py", "try:\n    import torch\nexcept ImportError:\n    pass", "torch"),
        (
            "training/execution/scheduler.py",
            "from training.execution.training_loop import train_group",
            "training.execution.training_loop",
        ),
    ],
)
def test_a_planted_import_is_found(tmp_path, file, code, name):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(code)
    assert any(
        v.startswith(file) and v.endswith(f"imports {name}") for v in violations(tmp_path, FORBIDDEN, LIGHT)
    )


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("interp/a.py", "import torchlike\nimport numpy as np\nfrom interp import masks"),
        ("training/a.py", "import torch\nfrom interp.masks.topk import density"),
        ("training/runs/run_directory.py", "def state():\n    import torch"),
        (
            "training/runs/run_directory.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch",
        ),
        ("figures/a.py", "import matplotlib\nfrom training.runs.run_directory import RunDir"),
        (
            "analyses/a.py",
            "from training.optimization.engine import Engine\nfrom interp.spectra.concentration import ipr",
        ),
    ],
)
def test_an_allowed_import_is_not(tmp_path, file, code):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(code)
    assert violations(tmp_path, FORBIDDEN, LIGHT) == []


def test_only_the_standard_library_and_what_is_declared_is_imported():
    import tomllib

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {name.split(">")[0].split("=")[0].split("<")[0].strip().replace("-", "_") for name in declared}
    names = {{"scikit_learn": "sklearn", "pillow": "PIL"}.get(name, name) for name in names}
    known = {*names, *PACKAGES, *sys.stdlib_module_names}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for line, module in imports(ast.parse(path.read_text()), package):
                assert module.split(".")[0] in known, f"{path}:{line} imports {module}"
