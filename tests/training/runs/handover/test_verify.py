import json
import os
import shutil

import numpy as np
import pytest
from builders import run_analysis, without_hashes

from training import adopt_weights
from training.__main__ import main
from training.runs.atomic_files import RunErrors
from training.runs.handover.exporting import export_archive
from training.runs.handover.importing import import_archive
from training.runs.handover.verified_run import verified_run
from training.runs.run_directory import RunDir

NETWORK = "arms/random/seed_0"


def flip(path, place=-9):
    """Flip a bit of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def shorten(files, stop):
    """Leave out the last curves of a network."""
    files.write_metrics({name: values.to_numpy() for name, values in files.metrics().iloc[:stop].items()})


def refused(path, capsys):
    """Return the error lines of `verify`, which ends with exit code 1."""
    capsys.readouterr()
    assert main(["verify", str(path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.splitlines()


def test_a_run_without_damage(handed, capsys):
    assert main(["verify", str(handed)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{handed}: 40 files, 7 networks, 8 tables, ") and line.endswith("iB: no damage")
    assert main(["verify", str(handed), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["networks"], printed["tables"], printed["notes"]) == (7, 8, [])


@pytest.mark.parametrize(
    "name",
    [
        f"{NETWORK}/checkpoints.safetensors",
        f"{NETWORK}/metrics.parquet",
        f"{NETWORK}/mask.safetensors",
        "analyses/phases.parquet",
        "analyses/phases_neurons.parquet",
        "analyses/phases.csv",
        "analyses/grokking.json",
        "with_arguments/steps_0_200/analyses/phases.parquet",
        "arms/.replaced/2026-01-01T00-00-00Z/random/seed_0/mask.safetensors",
    ],
)
def test_each_flipped_byte_is_named(handed_copy, capsys, name):
    flip(handed_copy / name)
    (line,) = refused(handed_copy, capsys)
    assert line.startswith(f"error: {handed_copy / name}: damaged: ")
    (handed_copy / name).unlink()
    if name not in ("analyses/phases.parquet", "with_arguments/steps_0_200/analyses/phases.parquet"):
        (line,) = refused(handed_copy, capsys)
        assert line.startswith(f"error: {handed_copy / name}: missing")


def test_every_byte_of_a_record_counts(handed_copy):
    path = handed_copy / NETWORK / "DONE"
    record = path.read_bytes()
    unsealed = record.find(b'"start"') if b'"start"' in record else len(record)
    for place in range(0, len(record), 61):
        content = bytearray(record)
        content[place] ^= 1
        path.write_bytes(content)
        if bytes(content).split() == record.split() or place > unsealed:
            continue  # a space for a space
        with pytest.raises(RunErrors) as error:
            verified_run(RunDir(handed_copy))
        assert str(handed_copy / NETWORK) in str(error.value), place


def test_no_cache_is_trusted(handed_copy, capsys):
    assert run_analysis("grokking", handed_copy).code == 0  # fills the cache
    path = handed_copy / NETWORK / "metrics.parquet"
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    with path.open("r+b") as file:  # in place: the inode stays
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
        before.st_size,
        before.st_mtime_ns,
        before.st_ino,
    )
    assert refused(handed_copy, capsys)[0].startswith(f"error: {path}: damaged")


def test_a_mask_or_a_network_of_another_seed_is_named(handed_copy, capsys):
    one, other = (handed_copy / "arms" / "random" / f"seed_{seed}" for seed in (0, 1))
    mask = (one / "mask.safetensors").read_bytes()
    shutil.copy(other / "mask.safetensors", one)
    assert refused(handed_copy, capsys)[0].startswith(f"error: {one / 'mask.safetensors'}: damaged")
    (one / "mask.safetensors").write_bytes(mask)
    one.rename(one.with_name("aside"))
    shutil.copytree(other, one)
    (line,) = refused(handed_copy, capsys)
    assert line.startswith(f"error: {one / 'DONE'}: damaged: its config is not that of its hash and folder")


def test_a_mask_that_was_added_is_named(handed_copy, capsys):
    path = handed_copy / "arms" / "dense" / "seed_0" / "mask.safetensors"
    shutil.copy(handed_copy / NETWORK / "mask.safetensors", path)
    assert refused(handed_copy, capsys)[0].startswith(f"error: {path}: not recorded in DONE")


def test_all_damage_is_named_at_once(handed_copy, capsys):
    paths = [handed_copy / "arms" / arm / "seed_1" / "metrics.parquet" for arm in ("dense", "random")]
    for path in paths:
        flip(path)
    (handed_copy / "config.json").write_text("{")
    lines = refused(handed_copy, capsys)
    assert [line.split(": ")[1] for line in lines] == [str(handed_copy / "config.json"), *map(str, paths)]


def test_settings_that_were_edited_are_named(handed_copy, capsys):
    path = handed_copy / "config.json"
    config = json.loads(path.read_text())
    config["task"]["frac_train"] = 0.6
    path.write_text(json.dumps(config))
    lines = refused(handed_copy, capsys)
    assert (
        len(lines) == 6 and "trained with another config (arms.dense.task.frac_train: 0.4 → 0.6" in lines[0]
    )


def test_recipe_and_config_have_to_agree(handed_copy, capsys):
    from training.execution.run_config import write_run_config
    from training.inspection.run import open_run

    write_run_config(RunDir(handed_copy), open_run(handed_copy).recipe)
    assert main(["verify", str(handed_copy)]) == 0
    path = handed_copy / "recipe.toml"
    path.write_text(path.read_text().replace("frac_train = 0.4", "frac_train = 0.41"))
    assert (
        "recipe.toml: expected the settings of config.json, got others (" in refused(handed_copy, capsys)[0]
    )
    path.write_text(path.read_text()[:400] + "\n[")
    assert refused(handed_copy, capsys)[0].startswith(f"error: {path}: damaged")


def test_a_table_of_another_network_is_stale_not_damaged(handed_copy, capsys):
    files = RunDir(handed_copy).arm("random", 0)
    shorten(files, -1)
    files.finish(files.done() | {"steps": int(files.metrics()["step"].iloc[-1])})
    lines = refused(handed_copy, capsys)  # its checkpoints go on for longer
    assert "expected its last step to be" in lines[0] and "checkpoints.safetensors" in lines[0]
    files.write_checkpoints(files.steps()[:-1], {name: w[:-1] for name, w in files.checkpoints().items()})
    shorten(files, 3)
    files.finish(files.done() | {"steps": 100})
    assert main(["verify", str(handed_copy)]) == 0
    notes = capsys.readouterr().out
    assert (
        f"{handed_copy}/analyses/grokking.parquet: stale: made of another metrics.parquet of random" in notes
    )


def test_a_run_of_a_version_without_hashes_is_read_and_its_import_knows_them(handed, tmp_path, capsys):
    run = without_hashes(shutil.copytree(handed, tmp_path / "tiny"))
    for done in run.glob("arms/*/*/DONE"):
        record = json.loads(done.read_text())
        done.write_text(json.dumps({name: value for name, value in record.items() if name != "seal"}))
    assert main(["verify", str(run)]) == 0
    assert capsys.readouterr().out.count("of a version that recorded no hashes") == 6
    flip(run / NETWORK / "metrics.parquet", 200)
    seen = main(["verify", str(run)])
    assert seen in (0, 1)  # nothing says what it was
    flip(run / NETWORK / "metrics.parquet", 200)
    export_archive(run, tmp_path / "tiny.tar")
    imported = import_archive(tmp_path / "tiny.tar", tmp_path / "runs").path
    flip(imported / NETWORK / "checkpoints.safetensors")
    lines = refused(imported, capsys)
    assert (
        f"{imported / NETWORK / 'checkpoints.safetensors'}: damaged: not as recorded in manifest.json"
        in lines[-1]
    )


def test_adopted_weights_are_handed_on(tmp_path, capsys):
    shapes = {"W_E": (7, 5), "W_in": (5, 4), "W_out": (4, 5), "W_U": (5, 7)}
    rng = np.random.default_rng(0)
    stacked = [
        {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
        for _ in range(2)
    ]
    settings = {"model": "embed_mlp", "p": 7, "steps": [0, 100], "frac_train": 0.5}
    run = adopt_weights(stacked, out=tmp_path / "adopted", **settings)
    for checkpoints, n in (("all", 2), ("last", 1)):
        export_archive(run.path, tmp_path / f"{checkpoints}.tar", checkpoints)
        imported = import_archive(tmp_path / f"{checkpoints}.tar", tmp_path / "runs", checkpoints)
        assert len(imported["dense", 0].steps) == n and not imported.trained_here
    path = imported["dense", 0].files.path / "checkpoints.safetensors"
    assert verified_run(imported.files).notes == ()
    flip(path)
    (line,) = refused(imported.path, capsys)
    assert line.startswith(f"error: {path}: damaged: not as recorded in manifest.json")


def test_an_imported_run_may_go_on(archive, tmp_path, capsys):
    run = import_archive(archive, tmp_path).path
    shutil.rmtree(run / "arms" / "random" / "seed_1")
    assert run_analysis("grokking", run).code == 0
    assert main(["verify", str(run)]) == 0
    assert "files changed since it was imported" in capsys.readouterr().out


def test_a_plugin_that_is_missing_hides_no_damage(handed_copy, capsys):
    path = handed_copy / "config.json"
    config = json.loads(path.read_text())
    config["task"]["name"] = "mine"
    path.write_text(json.dumps(config))
    assert main(["verify", str(handed_copy)]) == 0
    assert "settings are not compared: a plug-in is missing" in capsys.readouterr().out
    flip(handed_copy / NETWORK / "metrics.parquet")
    assert f"{NETWORK}/metrics.parquet: damaged" in refused(handed_copy, capsys)[-1]
