"""Code and commands of README.md and of docs/, as printed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from builders import begin_run, train_every_arm
from safetensors.torch import load_file

from training.config.build_recipe import recipe_from_dict
from training.runs.run_directory import RunDir
from training.schema.toml_text import toml_document

ROOT = Path(__file__).parent.parent
DOCUMENTS = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


def blocks(document: str, language: str) -> list[str]:
    """Return the code blocks of a document in one language ("" for none)."""
    text = (ROOT / document).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def tiny(**changes: object) -> dict[str, object]:
    """Return a recipe of a few steps."""
    content = {
        "name": "modadd_ticket",
        "seeds": [0],
        "task": {"name": "add", "p": 7},
        "model": {"d_emb": 8, "d_mlp": 6},
        "pruning": {"require_generalised": False},
        "arms": {
            "dense": {"max_steps": 20},
            "grokked_ticket": {"method": "magnitude", "source": "dense", "max_steps": 20},
        },
    }
    return content | changes


def train(content: dict[str, object], out: Path) -> RunDir:
    """Train every arm of a recipe in this process."""
    recipe = recipe_from_dict(content)
    run = begin_run(out / recipe.name, recipe)
    assert train_every_arm(recipe, run) == []
    return run


def test_the_notebook_of_the_readme_trains_measures_and_draws(tmp_path, monkeypatch):
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(toml_document(tiny()))
    (block,) = blocks("README.md", "python")
    assert len(block.strip().replace("\n\n", "\n").splitlines()) == 9
    quick = block.replace('"modadd_fast"', repr(str(recipe)))
    assert quick != block
    *lines, last = quick.strip().splitlines()
    monkeypatch.chdir(tmp_path)
    shown: dict[str, object] = {}
    exec("\n".join(lines), shown)
    ticket, spectrum = shown["ticket"], shown["spectrum"]
    assert 0 < ticket.mask.density < 1 and ticket.weights("W_E").shape[1:] == (7, 8)
    assert set(spectrum["arm"]) == {"dense", "grokked_ticket"} and spectrum["share"].notna().all()
    picture = eval(last, shown)
    assert len(picture.axes) > 1
    plt.close(picture)


def test_python_of_the_documents_runs(tmp_path, monkeypatch):
    train(tiny(), tmp_path / "runs")
    model = {"name": "transformer", "d_model": 8, "n_heads": 4, "d_head": 2, "d_mlp": 6, "equals": True}
    dense = {"dense": {"max_steps": 20}}
    train(tiny(name="n_mainline", model=model | {"positions": True}, arms=dense), tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    shown: dict[str, object] = {}
    for block in (block for document in DOCUMENTS[1:] for block in blocks(document, "python")):
        exec(block, shown)
    assert len(load_file("network.safetensors")["logits"]) == 7**2
    assert list(shown["accuracy"].columns) == ["step", "train_acc", "test_acc"]
    assert shown["W_E"].shape[1:] == (7, 8)
    assert 0 < shown["density"] < 1
    assert shown["logits"].shape == (1, 3, 7) and shown["pattern"].shape == (1, 4, 3, 3)
    without_equals = {"name": "transformer", "d_model": 8, "d_head": 8, "d_mlp": 6}
    train(tiny(name="m_transformer", model=without_equals, arms=dense), tmp_path / "runs")
    (hooks,) = (b for b in blocks("docs/analyzing.md", "python") if "load_hooked" in b)
    exec(hooks.replace("n_mainline", "m_transformer"), shown)
    assert shown["logits"].shape == (1, 2, 7) and shown["pattern"].shape == (1, 1, 2, 2)
    assert shown["frequency"] == 5 and shown["energy_share"] == pytest.approx(1)
    assert shown["amplitude"][4] == pytest.approx(0.3) and shown["phase"][4] == pytest.approx(1.2)


def test_commands_of_the_documents_exist():
    lines = (
        "".join(block for document in DOCUMENTS for block in blocks(document, ""))
        .replace("\\\n", " ")
        .splitlines()
    )
    commands = {tuple(shlex.split(line, comments=True)[:3]) for line in lines if line.startswith("python -m")}
    assert len(commands) >= 6
    for _, _, module in commands:
        done = subprocess.run(
            [sys.executable, "-m", module, "--help"], capture_output=True, text=True, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr


def test_make_targets_of_the_documents_exist():
    text = "".join((ROOT / name).read_text() for name in DOCUMENTS)
    shown = set(re.findall(r"(?:^|`)make ([\w-]+)", text, flags=re.MULTILINE))
    rules = re.findall(r"^([\w -]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    targets = {target for rule in rules for target in rule.split()}
    assert shown and shown <= targets
