"""Exports of interp and its folders."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import interp

ROOT = Path(interp.__file__).parent
FOLDERS = ["interp", *(f"interp.{path.parent.name}" for path in sorted(ROOT.glob("*/__init__.py")))]


def folder(package):
    return ROOT.joinpath(*package.split(".")[1:])


def exported_names(package):
    tree = ast.parse((folder(package) / "__init__.py").read_text())
    return [key.value for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys]


@pytest.mark.parametrize("package", FOLDERS)
def test_every_export_is_there_and_no_name_is_a_submodule_too(package):
    names = exported_names(package)
    module = importlib.import_module(package)
    assert names == sorted(set(names)) and names
    assert all(getattr(module, name).__name__ == name for name in names)
    submodules = {path.stem for path in folder(package).iterdir()}
    assert not submodules & set(names)


def test_interp_exports_what_a_notebook_starts_with():
    names = "amplitude_phase effective_maps frequency_power grokking_times keep_top key_frequencies"
    names += " median_time misalignment neuron_frequency properties"
    on_any_network = "additive_maps all_pairs cosine_fit excluded_loss fitted_key_frequencies"
    on_any_network += " grouped_vote_curve pair_grid pair_loss progress_losses restricted_loss vote_curve"
    assert exported_names("interp") == sorted(f"{names} {on_any_network}".split())


def test_an_unknown_export_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"'interp\.masks' has no attribute 'hops'"):
        importlib.import_module("interp.masks").hops  # noqa: B018


def test_a_light_module_imports_no_heavy_library():
    code = "import sys, interp.masks.topk; print(*[m for m in sys.modules if m in ('scipy', 'networkx')])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_lazy_exports_import_nothing_before_their_use():
    code = (
        "import sys, types\n"
        "from interp.lazy_exports import lazy_exports\n"
        "sys.modules['pack'] = pack = types.ModuleType('pack'); pack.__path__ = []\n"
        "import json.decoder as decoder; sys.modules['pack.part'] = decoder\n"
        "pack.__getattr__ = lazy_exports('pack', {'JSONDecoder': 'part'})\n"
        "assert 'JSONDecoder' not in vars(pack)\n"
        "assert pack.JSONDecoder is decoder.JSONDecoder and 'JSONDecoder' in vars(pack)\n"
        "try: pack.other\n"
        "except AttributeError as error: assert \"'pack' has no attribute 'other'\" in str(error)\n"
        "else: raise SystemExit('no error')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
