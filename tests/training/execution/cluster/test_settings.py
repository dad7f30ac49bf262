"""The `[cluster]` table: what it may hold, and one line for what is wrong."""

from dataclasses import fields

import pytest

from training.execution.cluster.settings import (
    EXAMPLES,
    SETTINGS_VARIABLE,
    ClusterSettings,
    cluster_settings,
    read_settings,
    walltime_seconds,
)
from training.schema.validation import ConfigError


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Return a function that writes the working directory's cluster.toml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(SETTINGS_VARIABLE, raising=False)
    return (tmp_path / "cluster.toml").write_text


def test_the_working_directory_or_the_variable_names_the_file(written, tmp_path, monkeypatch):
    written('[cluster]\npartition = "here"\n')
    assert cluster_settings().partition == "here"
    other = tmp_path / "other.toml"
    other.write_text('[cluster]\npartition = "there"\n')
    monkeypatch.setenv(SETTINGS_VARIABLE, str(other))
    assert cluster_settings().partition == "there"
    other.unlink()
    with pytest.raises(ConfigError, match=rf"other\.toml: no file .* correct {SETTINGS_VARIABLE}$"):
        cluster_settings()


def test_without_a_file_the_example_is_named(written):
    with pytest.raises(ConfigError, match=rf"^cluster\.toml: no file .*copy {EXAMPLES / 'slurm.toml'} there"):
        cluster_settings()


def test_the_example_is_read():
    settings = read_settings(EXAMPLES / "slurm.toml")
    assert (settings.walltime_seconds, settings.blocks, settings.n_workers_per_node) == (7200, 4, 16)
    assert settings.setup == ("module load python/3.12",)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:01:00", 60), ("02:00:00", 7200), ("1-12:30:00", 131_400), ("99:00:00", 356_400), ("2h", 0)],
)
def test_a_walltime_is_read_as_slurm_reads_it(text, seconds):
    assert walltime_seconds(text) == seconds


def test_workers_are_one_per_gpu_or_per_core():
    assert ClusterSettings(cores_per_node=8).n_workers_per_node == 8
    assert ClusterSettings(cores_per_node=8, gpus_per_node=2).n_workers_per_node == 2
    assert ClusterSettings(cores_per_node=8, workers_per_node=3).n_workers_per_node == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[cluster", "expected TOML with a [cluster] table"),
        ("", "expected one table, [cluster], got nothing"),
        ("blocks = 2", "expected one table, [cluster], got blocks"),
        ("[cluster]\nqueue = 'x'", "cluster.queue: unknown field; expected one of account, address"),
        ("[cluster]\nblocks = 0", "cluster.blocks: expected a whole number from 1, got 0"),
        ("[cluster]\nblocks = '2'", "cluster.blocks: expected a whole number, got '2'"),
        ("[cluster]\nwalltime = '2h'", 'cluster.walltime: expected whole minutes, as "02:00:00"'),
        ("[cluster]\nwalltime = '00:00:30'", "cluster.walltime: expected whole minutes"),
        ("[cluster]\nwalltime = '00:01:00'", "cluster.seconds_to_save: expected less than the walltime"),
        ("[cluster]\ngpus_per_node = 2\nworkers_per_node = 3", "at most one worker per GPU, 2, got 3"),
        (
            "[cluster]\nheartbeat_seconds = 60",
            "cluster.lost_after_seconds: expected more than two heartbeats",
        ),
        ("[cluster]\ncpu = 'sse'", "cluster.cpu: expected one of avx2, avx512, default, each its own"),
        ("[cluster]\nports = [80, 90]", "cluster.ports: expected first and last in 1024 to 65535"),
        ("[cluster]\npartition = 'a b'", "cluster.partition: expected a name without spaces, got 'a b'"),
        ("[cluster]\nscheduler_options = ['qos=a']", "cluster.scheduler_options: expected options of sbatch"),
        ("[cluster]\nsetup = 'module load a'", "cluster.setup: expected a list of texts"),
    ],
)
def test_what_is_wrong_is_one_line(written, text, message):
    written(text)
    with pytest.raises(ConfigError) as refused:
        cluster_settings()
    assert message in str(refused.value)
    assert str(refused.value).startswith("cluster.toml: ")
    assert "\n" not in str(refused.value).strip()


def test_every_setting_is_documented():
    source = (EXAMPLES.parent / "settings.py").read_text()
    for field in fields(ClusterSettings):
        line = next(n for n, line in enumerate(source.splitlines()) if line.startswith(f"    {field.name}:"))
        assert source.splitlines()[line + 1].startswith('    """'), field.name
