"""Fixtures of weights that are adopted."""

import pytest
import torch
from safetensors.torch import save_file

from training.adopt.command import main
from training.runs.run_directory import RunDir


@pytest.fixture
def adopt(tmp_path):
    """Return a function that adopts files into `tmp_path/run`.

    The function takes contents by file name and returns the exit code.
    """

    def run(files, *more, model="embed_mlp", p=7):
        paths = []
        for name, content in files.items():
            paths.append(tmp_path / name)
            if name.endswith(".safetensors"):
                save_file(content, paths[-1])
            else:
                torch.save(content, paths[-1])
        arguments = ["--model", model, "--out", tmp_path / "run", *([] if p is None else ["--p", p])]
        return main(list(map(str, [*paths, *arguments, *more])))

    return run


@pytest.fixture
def adopted(tmp_path):
    return RunDir(tmp_path / "run").arm("dense", 0)
