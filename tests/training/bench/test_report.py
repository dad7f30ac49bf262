"""BENCHMARKS.md: sections, tables, and what is not measured."""

from pathlib import Path

import pytest

from training.bench.command import main
from training.bench.report import (
    SECTIONS,
    comparison_section,
    device_section,
    growth_section,
    overhead_section,
    read_sections,
    write_sections,
)

NAMES = ("engine", "as written", "floor", "as used", "equal evaluations", "no evaluation", "engine / floor")


def row_of(**fields):
    medians = dict.fromkeys(NAMES, 2.0)
    spread = {name: [1.0, 3.0] for name in NAMES}
    return (
        {"recipe": "r", "model": "m", "warm-up steps": 1000, "rounds": 5, "spread": spread} | medians | fields
    )


def test_sections_replace_their_own_and_keep_the_others(tmp_path):
    path = tmp_path / "BENCHMARKS.md"
    write_sections(path, {"training": "first"})
    write_sections(path, {"analyses": "second"})
    write_sections(path, {"training": "third"})
    assert read_sections(path) == {"training": "third", "analyses": "second"}
    text = path.read_text()
    assert [title for title, _ in SECTIONS.values()] == [
        line[3:] for line in text.splitlines() if line.startswith("## ")
    ]
    command = "python -m training.bench --device cuda --write BENCHMARKS.md"
    assert f"Not measured. `{command}` measures it." in text


def test_a_file_that_no_bench_has_written_is_refused_before_measuring(tmp_path, capsys):
    path = tmp_path / "notes.md"
    path.write_text("mine")
    assert main(["--write", str(path), "--rounds", "1"]) == 2
    assert "--write: expected a file that a bench has written" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main(["--write", str(tmp_path), "--rounds", "1"]) == 2


def test_tables_have_medians_with_spread_and_their_baselines():
    text = comparison_section({"CPU": "x"}, [row_of()], 1)
    line = next(line for line in text.splitlines() if line.startswith("| `r`"))
    assert line.count("2.0 (1.0–3.0)") == len(NAMES) and "CPU x. Networks" in text
    for words in (
        "As used:",
        "Equal evaluations:",
        "No evaluation:",
        "Engine ÷ floor:",
        "not the papers' code",
    ):
        assert words in text
    sweep = dict.fromkeys(["arm in the sweep", "arm alone", "overhead per arm", "start"], 20.0)
    sweep |= dict.fromkeys(["sweep / alone", "stacked / alone"], 1.5)
    spread = {name: [value, value] for name, value in sweep.items()}
    text = overhead_section({}, {"recipe": "r", "arms": 64, "steps": 100, "spread": spread} | sweep)
    assert "overhead per arm: 20 (20–20) ms" in text and "| 0.20 |" in text
    fit = {"exponent": 1.5, "low": 1.25, "high": 1.75, "sizes": [1.0, 2.0]}
    text = growth_section({}, [{"recipe": "r", "model": "m", "time of": "a step", "grows with": "p"} | fit])
    assert "| 1, 2 | 1.50 | 1.25 to 1.75 |" in text


def test_a_batch_that_did_not_fit_says_so():
    rate = {"arm-steps per second": 1000.0, "spread": [900.0, 1100.0], "times one by one": 3.0}
    rows = [
        {"recipe": "r", "model": "m", "arms": 8, "engine / floor": 2.0} | rate,
        {"recipe": "r", "model": "m", "arms": 1024, "needs": 2**30},
    ]
    text = device_section({}, rows, 2e12)
    assert "| 8 | 1,000 (900–1,100) | 3.0 | 2.0 |" in text
    assert "| 1,024 | needs 1.0 GiB: not measured | – | – |" in text and "2,000.0 GB/s" in text


def test_the_committed_file_has_every_section():
    path = Path(__file__).parents[3] / "BENCHMARKS.md"
    assert {"training", "overhead", "analyses"} <= set(read_sections(path))


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_names_its_command(name, tmp_path):
    path = tmp_path / "B.md"
    write_sections(path, {})
    assert f"<!-- {name}: made by {SECTIONS[name][1]} -->" in path.read_text()
