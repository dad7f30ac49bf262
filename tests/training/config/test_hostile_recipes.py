"""Recipes that no one would write by hand: one line each, at once."""

import time

import pytest
from builders import error_line

from training.__main__ import main
from training.inspection.resource_estimate import Need, check_need
from training.schema.plain_content import one_line, shown
from training.schema.validation import ConfigError


def refusal(capsys, *arguments):
    assert main([*map(str, arguments)]) == 2
    return error_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("task.name=[]", "task.name: expected one of"),
        ("task.name={}", "task.name: expected one of"),
        ("task.p=" + "[" * 5000, "nested|inside one another"),
        ("a." * 5000 + "b=1", "inside one another"),
        ("task.p=" + "9" * 5000, "below 2^63"),
        ("task.p=1" + "0" * 32, "below 2^63"),
        ("task.p=20001", "needs about 29.9 TiB of memory"),
        ("task.name=" + "x" * 5000, "task.name: expected one of"),
        ("arms.nul.method=random", "arms: expected a name"),
        ("name=" + "x" * 201, "name: expected a name"),
    ],
)
def test_a_hostile_setting_is_one_short_line_at_once(capsys, tmp_path, setting, message):
    begun = time.monotonic()
    line = refusal(capsys, "modadd_fast", "--out", tmp_path, "--jobs", 1, "--set", setting)
    assert any(part in line for part in message.split("|")) and len(line) < 1000
    assert time.monotonic() - begun < 10 and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('base = "modadd_fast"\nbase_arms = 5', "base_arms: expected a list of names"),
        ("x = " + "[" * 5000, "inside one another"),
        ("seeds = [" + "9" * 5000 + "]", "below 2^63"),
        ('[arms."d_{start}"]\nmethod = "random"\nstart = ["\\\\1"]', r"arms: expected a name .* got 'd_\\1'"),
    ],
)
def test_a_hostile_file_is_one_line(capsys, tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    line = refusal(capsys, path, "--out", tmp_path / "runs")
    assert message.split(" .* ")[0] in line and len(line) < 1000


def test_a_long_chain_is_planned(capsys, tmp_path):
    arms = [f'[arms.a{i}]\nmethod = "magnitude"\nsource = "a{i - 1}"' for i in range(1, 1500)]
    path = tmp_path / "chain.toml"
    path.write_text('seeds = [0]\n[task]\nname = "add"\np = 7\n[arms.a0]\n' + "\n".join(arms))
    assert main([str(path), "--out", str(tmp_path / "runs"), "--dry-run"]) == 0


def test_values_are_shortened_in_errors():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert len(shown("x" * 5000)) < 200 and len(shown(deep)) < 200 and len(shown(10**5000)) < 200
    assert one_line("a\0b\nc") == "a\\x00b c"


def test_a_training_that_cannot_fit_is_refused(tmp_path):
    need = Need(memory=2**40, disk=0)
    with pytest.raises(ConfigError, match=r"about 1.0 TiB of memory, and 1.0 GiB are free: .* --yes"):
        check_need(need, tmp_path, free_memory=2**30)
    with pytest.raises(ConfigError, match="of disk"):
        check_need(Need(memory=0, disk=2**60), tmp_path)
    check_need(Need(memory=2**20, disk=2**20), tmp_path / "not" / "there", free_memory=2**30)
