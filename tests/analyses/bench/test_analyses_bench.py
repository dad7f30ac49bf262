"""Items, output and refusals of `python -m analyses.bench`."""

import pytest

from analyses.bench.command import main, section
from analyses.bench.timed_analyses import measure_analyses


def test_every_item_is_timed_with_its_spread():
    rows = measure_analyses(1, steps=50, n_checkpoints=3, n_nulls=2)
    assert [row["item"] for row in rows] == [
        "fourier",
        "progress",
        "graph_props, 2 nulls",
        "writing",
        "opening",
        "opening one weight",
    ]
    assert all(row["spread"][0] <= row["seconds"] <= row["spread"][1] for row in rows)
    text = section({"CPU": "x"}, rows, 1)
    assert text.startswith("CPU x. Rounds: 1.") and text.count("\n| ") == 7 and "2 checkpoints of one" in text


@pytest.mark.parametrize("rounds", ["0", "-1"])
def test_no_rounds_are_refused(rounds, capsys):
    assert main(["--rounds", rounds]) == 2
    assert "--rounds: expected a whole number from 1" in capsys.readouterr().err
