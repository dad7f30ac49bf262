"""Imports run one way, between the packages and between the folders in them."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("interp", "training", "analyses", "figures")
QUESTIONS = (
    *("grokking", "speed", "fourier", "phases", "logits", "stages", "lottery", "mechanism"),
    *("flow", "leakage", "progress", "ablation", "patching", "steering", "stitching", "events"),
    *("norms", "masks", "snapshots", "graph_props"),
)
ACROSS = ("sweep", "compare")
"""Analyses above the questions: each may read those before it."""
MOST_ENTRIES = 14
"""Files and folders of a folder, not counting `__init__.py`, `__main__.py` and the folders of questions."""

FLOORS = (
    ("interp.lazy_exports",),
    ("interp.spectra", "interp.masks", "interp.statistics"),
    ("interp.mechanism", "interp.dynamics", "interp.graphs"),
    ("interp.pairs", "interp.interventions"),
    ("interp",),
    ("training.schema",),
    ("training.runs",),
    ("training.cli",),
    ("training.models.kernels", "training.optimization.slots"),
    ("training.tasks", "training.optimization.optimizers"),
    ("training.models",),
    ("training.pruning", "training.optimization.parametrizations"),
    ("training.optimization.events",),
    ("training.optimization",),
    ("training.config.shorthand",),
    ("training.config.checks",),
    ("training.config",),
    ("training.inspection",),
    ("training.execution.identity",),
    ("training.execution.arms.sources",),
    ("training.execution.arms",),
    ("training.execution.cluster", "training.execution.cluster.examples"),
    ("training.execution.scheduling",),
    ("training.execution", "training.adopt"),
    ("training.execution.status",),
    ("training.runs.handover",),
    ("training.api", "training.bench", "training.cli.verbs"),
    ("training",),
    ("analyses.tables",),
    ("analyses.loading",),
    ("analyses.running",),
    tuple(f"analyses.{question}" for question in QUESTIONS),
    *((f"analyses.{name}",) for name in ACROSS),
    ("analyses.claims",),
    ("analyses.report",),
    ("analyses.bench",),
    ("analyses",),
    ("figures.drawing",),
    tuple(f"figures.{question}" for question in (*QUESTIONS, *ACROSS)),
    ("figures.explorer",),
    ("figures.catalogue",),
    ("figures.pipeline",),
    ("figures",),
)
"""Folders, from the ground up: a folder imports from lower floors and from itself only."""

FOREIGN = {
    "interp": ("torch", "transformer_lens", "matplotlib", "pandas"),
    "training": ("matplotlib",),
    "analyses": ("matplotlib",),
    "figures": ("torch", "transformer_lens"),
}
"""Libraries that a package does not import."""

PICTURES_READ = ("analyses.tables", "training.runs", "training.schema", "interp.lazy_exports")
"""What figures may import of other packages, beside the schemas of analyses."""
PIPELINE_READS = (
    *PICTURES_READ,
    *("training.config", "training.cli", "training.inspection", "training.execution"),
    "analyses.running",
)
"""What the pipeline, the explorer and figures.__main__ may import of other packages: they run commands."""
RUNNING_COMMANDS = ("figures.pipeline", "figures.explorer", "figures.__main__")

LIBRARIES = ("torch", "numpy", "pandas", "scipy", "matplotlib")
LIGHT = {
    "training/__main__.py": LIBRARIES,
    "training/adopt/command.py": LIBRARIES,
    "training/cli": LIBRARIES,
    "training/cli/verbs": LIBRARIES,
    "training/schema": LIBRARIES,
    "training/runs/arm_directory.py": ("torch", "pandas", "scipy", "matplotlib"),
    "training/runs/run_directory.py": ("torch", "pandas", "scipy", "matplotlib"),
    **{f"training/models/{name}.py": LIBRARIES for name in ("base", "registry", "weight_names")},
    **{
        f"training/models/{model}/architecture.py": LIBRARIES
        for model in ("embed_mlp", "mlp", "one_hot_mlp", "transformer")
    },
    "training/inspection/hooked_network.py": ("torch", "pandas"),
    "training/config": ("torch", "pandas"),
    "training/config/checks": LIBRARIES,
    "training/config/shorthand": LIBRARIES,
    "training/optimization/optimizers": LIBRARIES,
    "training/optimization/events": LIBRARIES,
    "training/optimization/parametrizations/registry.py": LIBRARIES,
    "training/execution/cluster": (*LIBRARIES, "parsl", "zmq"),
    "training/execution/scheduling": ("torch",),
    "training/execution/joint_training.py": ("torch",),
    "training/execution/status": LIBRARIES,
    "training/execution/experiment.py": ("torch",),
    "training/pruning": ("torch", "sklearn"),
    **{
        f"training/tasks/{name}.py": ("torch", "sklearn")
        for name in ("registry", "dataset", "modular", "parity", "polynomial", "images", "idx_format")
    },
    "analyses/__main__.py": LIBRARIES,
    "analyses/loading/step_ranges.py": LIBRARIES,
    "analyses/running": LIBRARIES,
    "analyses/tables/schema.py": LIBRARIES,
    "analyses/tables/columns.py": LIBRARIES,
    "analyses/tables/explanation.py": LIBRARIES,
    "analyses/tables/storage.py": LIBRARIES,
    "analyses/tables/inputs.py": LIBRARIES,
    **{
        f"analyses/{question}/{name}.py": LIBRARIES
        for question in (*QUESTIONS, *ACROSS)
        for name in ("__init__", "__main__", "command", "schema")
    },
    "figures/__main__.py": LIBRARIES,
    "figures/catalogue": LIBRARIES,
    "figures/pipeline": LIBRARIES,
    **{f"figures/explorer/{name}.py": (*LIBRARIES, "bokeh") for name in ("__init__", "__main__", "command")},
    "figures/drawing/figure_option.py": LIBRARIES,
    "figures/drawing/figure_spec.py": LIBRARIES,
    "figures/drawing/origin.py": LIBRARIES,
    "figures/drawing/render.py": LIBRARIES,
    **{f"figures/{question}/__init__.py": LIBRARIES for question in (*QUESTIONS, *ACROSS)},
}
"""Files, or folders of files, that answer `--help`, list or read runs: no heavy import at their top."""


def imports(tree, package, top_level_only=False):
    """Return the modules that a file imports, dotted, each as (line, name).

    `from a import b` counts as a and as a.b; an import under `if TYPE_CHECKING` does not count.
    """
    modules = []

    def visit(node, in_function):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                visit(other, in_function)
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            in_function = True
        if not (in_function and top_level_only):
            if isinstance(node, ast.Import):
                modules.extend((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: 1 - node.level or None] if node.level else []
                base = [*above, *filter(None, [node.module])]
                modules.append((node.lineno, ".".join(base)))
                modules.extend((node.lineno, ".".join([*base, alias.name])) for alias in node.names)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                ("__import__", "import_module")
            ):
                modules.extend(
                    (node.lineno, arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant)
                )
        for child in ast.iter_child_nodes(node):
            visit(child, in_function)

    visit(tree, in_function=False)
    return modules


def starts_with(module, names):
    """Return True if a module is one of some modules, or inside one."""
    return any(module == name or module.startswith(f"{name}.") for name in names)


def floor_of(module):
    """Return the floor and the folder of a module; (-1, "") for other code."""
    places = [(len(name), floor, name) for floor, names in enumerate(FLOORS) for name in names]
    fitting = [place for place in places if starts_with(module, [place[2]])]
    return max(fitting)[1:] if fitting else (-1, "")


def violations(root):
    """Return `file:line imports name` for every forbidden import."""
    bad = set()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            file = path.relative_to(root).as_posix()
            module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            parent = ".".join(path.relative_to(root).parent.parts)
            tree = ast.parse(path.read_text())
            for line, name in imports(tree, parent):
                if not is_allowed(module, name):
                    bad.add(f"{file}:{line} imports {name}")
            heavy = next((names for light, names in LIGHT.items() if is_in(file, light)), ())
            for line, name in imports(tree, parent, top_level_only=True):
                if starts_with(name, heavy):
                    bad.add(f"{file}:{line} imports {name}")
    return sorted(bad)


def is_in(file, place):
    """Return True for a file itself, or one directly in a folder."""
    return file == place or file.rpartition("/")[0] == place


def is_allowed(module, name):
    """Return True if a module may import another module, or one of its names."""
    package, (floor, folder) = module.partition(".")[0], floor_of(module)
    if starts_with(name, FOREIGN[package]):
        return False
    other_floor, other_folder = floor_of(name)
    if other_floor < 0 or name == package:  # `import figures.x` counts as figures too
        return True
    if other_folder != folder and other_floor >= floor:
        return False
    if package != "figures" or name.partition(".")[0] == "figures" or name in PACKAGES:
        return True
    read = PIPELINE_READS if starts_with(module, RUNNING_COMMANDS) else PICTURES_READ
    schemas = [f"analyses.{question}.schema" for question in (*QUESTIONS, *ACROSS)]
    return starts_with(name, (*read, *schemas)) or any(s.startswith(f"{name}.") for s in schemas)


def test_imports_run_one_way():
    assert violations(ROOT) == []


def test_every_folder_has_a_floor_and_every_light_file_exists():
    for package in PACKAGES:
        for folder in (ROOT / package).rglob("__init__.py"):
            module = ".".join(folder.relative_to(ROOT).parent.parts)
            assert floor_of(module)[0] >= 0
            named = floor_of(module)[1]
            assert named == module or module.startswith("training.models."), f"{module} has no floor"
    assert all((ROOT / path).exists() for path in LIGHT)
    assert all(
        (ROOT / name.replace(".", "/")).with_suffix("").exists()
        or (ROOT / f"{name.replace('.', '/')}.py").exists()
        for names in FLOORS
        for name in names
    )


def test_a_folder_has_a_paragraph_and_few_entries():
    for package in PACKAGES:
        for folder in [ROOT / package, *(ROOT / package).rglob("*/")]:
            if folder.name == "__pycache__" or not folder.is_dir():
                continue
            entries = [
                entry.name
                for entry in folder.iterdir()
                if entry.name not in ("__init__.py", "__main__.py", "__pycache__")
                and not (folder.parent == ROOT and entry.name in QUESTIONS)
            ]
            assert len(entries) <= MOST_ENTRIES, f"{folder}: {len(entries)} entries"
            if list(folder.glob("*.py")):
                paragraph = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
                assert len(paragraph.split()) >= 8, f"{folder}/__init__.py: no paragraph"


@pytest.mark.parametrize(
    ("file", "code", "name"),
    [
        ("interp/masks/a.py", "import torch", "torch"),
        ("interp/masks/a.py", "import torch.nn.functional as F", "torch.nn.functional"),
        (
            "interp/masks/a.py",
            "from training.runs.run_directory import RunDir",
            "training.runs.run_directory",
        ),
        ("interp/masks/a.py", "from interp.graphs import mask_graph", "interp.graphs"),
        ("interp/masks/a.py", "from ..graphs import mask_graph", "interp.graphs"),
        (
            "interp/spectra/a.py",
            "from interp.statistics.censored_times import x",
            "interp.statistics.censored_times",
        ),
        ("interp/graphs/a.py", "def f():\n    import analyses.claims", "analyses.claims"),
        ("interp/graphs/a.py", "import importlib\nimportlib.import_module('torch')", "torch"),
        ("training/tasks/a.py", "from training.config.recipe import Recipe", "training.config.recipe"),
        ("training/runs/a.py", "from training import execution", "training.execution"),
        ("training/cli/a.py", "if True:\n    from figures.drawing import style", "figures.drawing"),
        ("analyses/fourier/a.py", "from analyses.phases.schema import MEANS", "analyses.phases.schema"),
        ("analyses/tables/a.py", "import analyses.running.command_line", "analyses.running.command_line"),
        ("analyses/fourier/a.py", "import figures.drawing", "figures.drawing"),
        ("figures/fourier/a.py", "import torch", "torch"),
        ("figures/fourier/a.py", "from figures.phases import phase_circles", "figures.phases"),
        (
            "figures/fourier/a.py",
            "from analyses.fourier.summary import summarise",
            "analyses.fourier.summary",
        ),
        ("figures/fourier/a.py", "from interp.spectra import fourier", "interp.spectra"),
        ("figures/drawing/a.py", "from training.execution import scheduling", "training.execution"),
        ("figures/pipeline/a.py", "from training.models import registry", "training.models"),
        ("training/runs/run_directory.py", "import torch", "torch"),
        ("training/runs/run_directory.py", "try:\n    import torch\nexcept ImportError:\n    pass", "torch"),
        ("analyses/fourier/schema.py", "import pandas", "pandas"),
        ("figures/fourier/__init__.py", "import matplotlib.pyplot", "matplotlib.pyplot"),
    ],
)
def test_a_forbidden_import_is_reported(tmp_path, file, code, name):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(code)
    assert any(v.startswith(file) and v.endswith(f"imports {name}") for v in violations(tmp_path))


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("interp/graphs/a.py", "import torchlike\nimport numpy as np\nfrom interp.masks import topk"),
        ("training/optimization/a.py", "import torch\nfrom interp.masks.topk import density"),
        ("training/runs/run_directory.py", "def state():\n    import torch"),
        (
            "training/runs/run_directory.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch",
        ),
        ("figures/fourier/a.py", "import matplotlib\nfrom training.runs.run_directory import RunDir"),
        ("figures/fourier/a.py", "from analyses.fourier import schema as fourier"),
        ("figures/speed/a.py", "from analyses.grokking.schema import CURVES"),
        ("figures/pipeline/a.py", "from training.config.recipe_files import read_recipe"),
        ("analyses/claims/a.py", "from analyses.fourier.summary import summarise"),
        (
            "analyses/fourier/a.py",
            "from training.models.pair_activations import x\nfrom interp.spectra import fourier",
        ),
    ],
)
def test_an_allowed_import_is_not_reported(tmp_path, file, code):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(code)
    assert violations(tmp_path) == []


def test_only_the_standard_library_and_declared_packages_are_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [
        *project["dependencies"],
        *(each for extra in ("cluster", "wandb", "fast") for each in project["optional-dependencies"][extra]),
    ]
    names = {name.split(">")[0].split("=")[0].split("<")[0].strip().replace("-", "_") for name in declared}
    names = {{"scikit_learn": "sklearn", "pillow": "PIL", "pyzmq": "zmq"}.get(name, name) for name in names}
    with_torch = {"triton"}  # torch for CUDA requires it; without it another path is taken
    allowed = {*names, *with_torch, *PACKAGES, *sys.stdlib_module_names}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for line, module in imports(ast.parse(path.read_text()), package):
                assert module.split(".")[0] in allowed, f"{path}:{line} imports {module}"
