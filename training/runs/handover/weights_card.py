"""Card of exported weights: the network, and a program that loads it."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from training.config.settings import Setting

IMPORTS = """from __future__ import annotations

import numpy as np
from safetensors.numpy import load_file
"""


def card(config: Mapping[str, Any], setting: Setting) -> str:
    """Return the card, Markdown with the header that model hubs read.

    Parameters
    ----------
    config : mapping
        Content of config.json beside it.
    setting : Setting
        Task, model and optimizer of the network.
    """
    name = f"{config['run']}: {config['arm']}, seed {config['seed']}, step {config['step']:,}"
    forward = _forward_module(setting)
    formula = f"`{forward.FORMULA}`" if forward else "as its plug-in computes it, which this file lacks"
    metrics = [f"| {quantity} | {_number(value)} |" for quantity, value in config["metrics"].items()]
    table = ["| at this step | |", "|---|---|", *metrics] if metrics else ["No curves were recorded."]
    sections = {
        "Task": [setting.describe() + ".", _table_of("task", config)],
        "Model": [
            f"{_first_line(setting.model)} Forward pass: {formula}.",
            "Matrices are stored (in, out). " + _pruned(config),
            _table_of("model", config),
        ],
        "Training": [_trained(config), _table_of("optimizer", config)],
        "Metrics": ["\n".join(table)],
        "Load": [
            "Only `safetensors` and `numpy` are needed; run this in the folder of these files.",
            f"```python\n{loading_code(setting)}```",
            "With torch: `safetensors.torch.load_file` gives tensors by equal names.",
        ],
        "License": [
            "MIT, the license of the code that trained it, unless its author names another. Trained by "
            f"{config['made_by']}."
        ],
    }
    header = (
        "---\nlicense: mit\ntags: [grokking, lottery-ticket-hypothesis, mechanistic-interpretability]\n---\n"
    )
    parts = [f"## {title}\n\n" + "\n\n".join(filter(None, texts)) for title, texts in sections.items()]
    return f"{header}\n# {name}\n\n" + "\n\n".join(parts) + "\n"


def loading_code(setting: Setting) -> str:
    """Return a program that loads and runs the weights without this package."""
    forward = _forward_module(setting)
    if forward is None:
        return f'{IMPORTS}\nweights = load_file("model.safetensors")\n'
    source = inspect.getsource(forward.forward)
    settings = [
        f"{name}={getattr(setting.model, name)!r}"
        for name in list(inspect.signature(forward.forward).parameters)[2:]
        if hasattr(setting.model, name)
    ]
    if setting.task.gives == "tokens":
        p = setting.task.n_inputs
        inputs = f"pairs = np.array([(a, b) for a in range({p}) for b in range({p})])"
        printed = f'print("class of (2, 1):", outputs[2 * {p} + 1].argmax())'
        call = "pairs"
    else:
        inputs = f"features = np.zeros((1, {setting.task.n_inputs}), dtype=np.float32)"
        printed, call = 'print("outputs of zeros:", outputs[0])', "features"
    arguments = ", ".join(["weights", call, *settings])
    lines = ['weights = load_file("model.safetensors")', inputs, f"outputs = forward({arguments})", printed]
    return f"{IMPORTS}\n\n{source}\n\n" + "\n".join(lines) + "\n"


def _forward_module(setting: Setting) -> ModuleType | None:
    """Return the module of a model's forward pass in NumPy; None for a plug-in."""
    name = f"{type(setting.model).__module__.rpartition('.')[0]}.numpy_forward"
    if not name.startswith("training.models.") or importlib.util.find_spec(name) is None:
        return None
    return importlib.import_module(name)


def _first_line(value: object) -> str:
    return (inspect.getdoc(type(value)) or type(value).__name__).splitlines()[0]


def _table_of(kind: str, config: Mapping[str, Any]) -> str:
    """Return the settings of a task, model or optimizer, a row each."""
    rows = [f"| `{name}` | {json.dumps(value)} |" for name, value in config[kind].items()]
    return "\n".join(
        [f"| {kind} | |", "|---|---|", *(re.sub(r"(\[.{200}).*", r"\1 …] |", row) for row in rows)]
    )


def _pruned(config: Mapping[str, Any]) -> str:
    if config["density"] is None:
        return "The network is dense."
    share = f"{config['density']:.4g} of the weights are kept"
    return f"The network is pruned: {share}, the others are 0; `mask.safetensors` has 1 for kept ones."


def _trained(config: Mapping[str, Any]) -> str:
    """Return how the network was trained, in words."""
    if not config["trained_here"]:
        return "Weights of other code, adopted."
    source = config["source"]
    taken = (
        "" if source is None else f", its mask or start taken from {source['arm']} at step {source['step']:,}"
    )
    times = ", ".join(f"{name} {_number(config[name])}" for name in ("t_mem", "t_gen"))
    return f"{config['step']:,} of {config['steps']:,} steps{taken}; {times}. `config.json` has all settings."


def _number(value: Any) -> str:
    return "not reached" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
