"""An event of a plug-in: CONTRIBUTING.md's example."""

import re
from pathlib import Path

import numpy as np
import pytest
from builders import changed_recipe, train_group_of

from training.config.plugin_use import used_plugins, without_unknown_arms
from training.execution.identity.arm_code import arm_code
from training.optimization.events import EVENTS
from training.runs.run_directory import RunDir
from training.schema.plugins import load_plugins, unload_plugin
from training.schema.validation import to_dict

ROOT = Path(__file__).parents[4]


@pytest.fixture
def plugin(tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.S | re.M)
    (block,) = [block for block in blocks if 'EVENTS["scale"]' in block]
    path = tmp_path / "my_event.py"
    path.write_text(f"from dataclasses import dataclass\nfrom typing import Literal\n{block}")
    yield path
    unload_plugin("my_event")


def test_an_event_of_a_plugin_acts_and_is_a_part_of_its_arms_code(plugin, tiny_recipe, tmp_path):
    content = to_dict(tiny_recipe) | {"plugins": [str(plugin)]}
    scale = {"name": "scale", "at": 10, "factor": 0.0}
    steps = {"max_steps": 30, "min_steps": 30, "checkpoints": [{"every": 10}]}
    content["arms"] = {"plain": steps, "scaled": steps | {"events": [scale]}}
    recipe, run = changed_recipe(content), RunDir(tmp_path / "tiny")
    assert used_plugins(recipe) == [str(plugin)]
    assert train_group_of(recipe, run, "plain", "scaled") == []
    plain, scaled = (run.arm(arm, 0).checkpoints()["W_E"] for arm in ("plain", "scaled"))
    np.testing.assert_array_equal(plain[:2], scaled[:2])
    assert 0 < abs(scaled[2]).max() < abs(plain[2]).max() / 2

    codes = arm_code(recipe, "plain"), arm_code(recipe, "scaled")
    unload_plugin("my_event")
    assert "scale" not in EVENTS
    readable, reasons = without_unknown_arms(content)
    assert list(readable["arms"]) == ["plain"]
    assert reasons == {"scaled": "needs event 'scale', which no plug-in loaded here defines"}
    plugin.write_text(plugin.read_text().replace("rows.row.mul_(self.factor)", "rows.row.mul_(-self.factor)"))
    load_plugins([str(plugin)])
    assert arm_code(recipe, "plain") == codes[0] and arm_code(recipe, "scaled") != codes[1]
