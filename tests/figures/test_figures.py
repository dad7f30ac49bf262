import importlib
import shutil
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from analyses.tables.labels import short_number
from figures.__main__ import FIGURES, main
from figures.drawing.recorded_figure import Drawing, without_jumps
from figures.drawing.render import STYLE
from figures.masks.mask_overlap import _short as cell_text
from training.runs.log_spacing import thinned

SUFFIXES = {".png", ".pdf", ".csv", ".txt"}
ONE_SEED = {"neurons", "maps", "matrices", "cosines", "weight_stages", "film"}


@pytest.fixture(scope="session")
def analysed(tiny_run, tiny_runs, tmp_path_factory):
    """The tables of every analysis, of the tiny run where that has what it reads, and nothing else."""
    out = tmp_path_factory.mktemp("analysed") / "tiny"
    others = {"stages": "h_grokking", "flow": "h_quad_single_freq", "leakage": "h_relu_single_freq"}
    for name in dict.fromkeys(analysis for analysis, *_ in FIGURES.values()):
        if name in others:
            made = tiny_runs.table(others[name], name, name).parent
            for path in made.glob(f"{name}*.parquet"):
                shutil.copy(path, out / "analyses")
            continue
        more = {"graph_props": ["--nulls", "3", "--jobs", "1"], "progress": ["--jobs", "1"]}.get(name, [])
        analysis = importlib.import_module(f"analyses.{name}.command").main
        assert analysis(["--run", str(tiny_run), "--out", str(out), "--no-plot", *more]) == 0
    path = out / "analyses" / "graph_props.parquet"
    table = pd.read_parquet(path)
    table[~table["where"].isin(["W_out", "W_U"])].to_parquet(path)  # two layers show what four would
    return out


@pytest.fixture
def tables(analysed, tmp_path):
    """A copy to draw in."""
    return shutil.copytree(analysed / "analyses", tmp_path / "runs" / "tiny" / "analyses").parent


def files_of(run, name):
    return {path.suffix: path.read_bytes() for path in (run / "figures").glob(f"{name}.*")}


@pytest.mark.parametrize("name", FIGURES)
def test_drawn_twice_the_bytes_are_the_same(name, tables):
    drawn = []
    for _ in range(2):
        assert main([name, "--run", str(tables)]) == 0
        drawn.append(files_of(tables, name))
    expected = {".gif", ".csv", ".txt"} if name == "film" else SUFFIXES
    assert drawn[0].keys() == expected and all(drawn[0].values())
    assert drawn[0] == drawn[1]
    caption = drawn[0][".txt"].decode()
    assert f"n = {1 if name in ONE_SEED else 2}" in caption and "nan" not in caption
    numbers = pd.read_csv(tables / "figures" / f"{name}.csv")
    assert numbers.columns[:5].tolist() == ["panel", "series", "seed", "x", "y"]
    assert len(numbers) > 10


def test_the_csv_holds_what_the_tables_say(tables):
    assert main(["fourier", "--run", str(tables)]) == 0
    drawn = pd.read_csv(tables / "figures" / "fourier.csv").query("panel == 'entropy' and series == 'dense'")
    table = pd.read_parquet(tables / "analyses" / "fourier.parquet").query(
        "arm == 'dense' and map == 'input'"
    )
    for seed in (0, 1):
        own = drawn[drawn["seed"] == str(seed)]
        assert own["x"].tolist() == table.query("seed == @seed")["step"].tolist()
        np.testing.assert_allclose(own["y"], table.query("seed == @seed")["entropy"], rtol=1e-12)
    mean = drawn[drawn["seed"] == "mean"].set_index("x")["y"]
    np.testing.assert_allclose(mean, table.groupby("step")["entropy"].mean(), rtol=1e-12)


def test_one_arm_and_one_seed_are_enough(tiny_run, tmp_path):
    for name in ("fourier", "phases", "lottery", "mechanism", "grokking", "speed", "norms", "masks"):
        analysis = importlib.import_module(f"analyses.{name}.command").main
        assert (
            analysis(["--run", str(tiny_run), "--out", str(tmp_path), "--no-plot", "--arms", "random"]) == 0
        )
    assert main(["--run", str(tmp_path)]) == 0
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {
        "fourier",
        "phases",
        "phase_rings",
        "magnitudes",
        "lottery",
        "mechanism",
        "grokking",
        "outcomes",
        "speed",
        "norms",
        "masks",
        "mask_overlap",
    }


def test_a_row_of_single_frequency_neurons_per_activation(square_run, relu_run, tmp_path):
    from analyses.phases.command import main as analyse
    from figures.phases.single_frequency import TABLES, draw

    tables = {}
    for name, run in zip(TABLES, (square_run, relu_run), strict=True):
        assert analyse(["--run", str(run), "--out", str(tmp_path), "--no-plot"]) == 0
        tables[name] = pd.read_parquet(tmp_path / "analyses" / "phases_neurons.parquet")
    drawing = draw(tables)
    assert all(path.exists() for path in drawing.save(tmp_path / "figure"))
    plt.close(drawing.figure)
    first = tables[TABLES[1]].query("seed == 0 and step == 0").set_index("neuron")
    same = first.index[first["frequency"] == first["frequency"].iloc[0]]
    drawn = drawing.table().query("panel == 'ReLU: misalignment'")
    assert set(drawn["series"]) == {f"neuron {neuron}" for neuron in same}
    own = drawn[drawn["series"] == f"neuron {same[1]}"].set_index("x")["y"]
    assert own.loc[0] == first.loc[same[1], "D"]
    assert f"n = {len(same)} neurons" in drawing.caption
    assert len(set(drawing.table().query("panel == 'x²: amplitudes'")["series"])) == 2 * 4


def test_angles_are_cut_where_they_leap():
    assert without_jumps([3.0, -3.0, -2.9]).tolist()[::2] == [3.0, -2.9]
    assert np.isnan(without_jumps([3.0, -3.0, -2.9])[1])


def test_without_nulls_and_without_dense_masks(tiny_run, tmp_path):
    from analyses.graph_props.command import main as analyse

    wanted = ["--run", str(tiny_run), "--no-plot", "--nulls", "0", "--jobs", "1"]
    for arms in (["random"], ["dense", "random"]):
        assert analyse([*wanted, "--out", str(tmp_path), "--arms", *arms]) == 0
        assert main(["graph_props", "--run", str(tmp_path)]) == 0
    assert "not computed" in (tmp_path / "figures" / "graph_props.txt").read_text()


def test_a_cell_per_pair_of_arms_and_the_other_seeds_on_the_diagonal(tables):
    assert main(["mask_overlap", "--run", str(tables)]) == 0
    cells = pd.read_csv(tables / "figures" / "mask_overlap.csv").set_index(["panel", "y", "x"])["value"]
    table = pd.read_parquet(tables / "analyses" / "masks_overlap.parquet").query("layer == 'global'")
    means = table.groupby(["arm_a", "arm_b"])[["overlap", "chance", "excess"]].mean()
    arms = ["dense", "grokked_ticket", "random"]
    for (a, b), expected in means.iterrows():
        high, low = sorted((arms.index(a) + 1, arms.index(b) + 1))
        assert cells["overlap", high, low] == pytest.approx(expected["overlap"])
        if a != b:
            assert cells["chance", low, high] == pytest.approx(expected["chance"])
        for place in ((high, low), (low, high)):
            assert cells["excess", *place] == pytest.approx(expected["excess"])
    assert cells.notna().sum() == 9 + 9


@pytest.mark.parametrize("n_arms", [0, 3, 15])
def test_every_number_of_the_overlaps_is_written_however_many(n_arms, tmp_path):
    from analyses.masks.overlap import overlap_table
    from figures.masks.mask_overlap import draw

    rng = np.random.default_rng(0)
    masks = {(f"arm_{i}", 0): {"W": rng.random(9) < 0.5} for i in range(n_arms)}
    drawing = draw({"_overlap": overlap_table(masks)})
    assert all(path.exists() for path in drawing.save(tmp_path / "figure"))
    assert sum(len(ax.texts) for ax in drawing.figure.axes) == 2 * n_arms * (n_arms - 1)
    plt.close(drawing.figure)


@pytest.mark.parametrize(
    ("value", "text"), [(0.254, ".25"), (-0.03, "−.03"), (-0.004, ".00"), (1.0, "1.00"), (0.996, "1.00")]
)
def test_numbers_of_a_cell(value, text):
    assert cell_text(value) == text


def test_every_run_below_a_folder(tables, capsys, monkeypatch):
    for table in tables.glob("analyses/*"):
        if not table.name.startswith("grokking"):
            table.unlink()
    monkeypatch.chdir(tables.parent.parent)
    assert main([]) == 0
    assert capsys.readouterr().out.split() == [
        f"runs/tiny/figures/{name}{suffix}"
        for name in ("grokking", "outcomes")
        for suffix in (".png", ".pdf", ".csv", ".txt")
    ]


def test_wrong_usage_is_one_line_and_2(tables, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for arguments, expected in (
        (["spectra", "--run", str(tables)], "NAME: expected some of cosines, film, flow, fourier"),
        (["--run", "nowhere"], "nowhere does not exist"),
        (["fourier", "--run", "empty"], "'python -m analyses.fourier --run empty' makes them"),
        (["--runs", "empty"], "'python -m analyses.fourier --run empty/modadd_fast' makes tables"),
    ):
        assert main(arguments) == 2
        assert expected in capsys.readouterr().err


def test_damaged_and_missing_tables_are_one_line_and_1(tables, capsys):
    (tables / "analyses" / "fourier_spectra.parquet").write_bytes(b"PAR1")
    assert main(["fourier", "--run", str(tables)]) == 1
    assert "fourier_spectra.parquet: damaged" in capsys.readouterr().err
    (tables / "analyses" / "phases_neurons.parquet").unlink()
    assert main(["phases", "--run", str(tables)]) == 1
    assert "phases_neurons.parquet: missing" in capsys.readouterr().err


def test_help_names_every_figure_of_a_run(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert all(f"{name} ({shows})" in words for name, (_, _, shows) in FIGURES.items())


@pytest.mark.parametrize("note", ["by me", "quick: seed 0, at most 8,000 steps; " * 9])
def test_a_note_stands_below_the_panels_at_the_right(note):
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(7, 2))
        for ax in axes:
            ax.set_xlabel("step")
        drawing = Drawing(figure)
        drawing.stamp(note)
        figure.canvas.draw()
    (text,) = figure.texts
    assert " ".join(text.get_text().split()) == note.strip() and note in drawing.caption
    box = text.get_window_extent()
    assert box.x0 > 0 and box.y0 > 0 and figure.bbox.x1 - 10 < box.x1 < figure.bbox.x1
    assert all(box.y1 < ax.get_tightbbox().y0 for ax in axes)
    plt.close(figure)


def test_without_a_note_nothing_changes():
    figure = plt.figure()
    Drawing(figure).stamp("")
    assert figure.texts == []
    plt.close(figure)


def test_figures_import_neither_torch_nor_measures(tables):
    code = f"""
import sys
from pathlib import Path
from figures.__main__ import main
assert main(["grokking", "--run", {str(tables)!r}]) == 0
loaded = {{name.split(".")[0] for name in sys.modules}} | set(sys.modules)
assert not loaded & {{"torch", "interp", "analyses", "training.optimization.engine"}}
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_thinning_keeps_both_ends_and_few():
    steps = np.arange(0, 30_001, 10)
    kept = steps[thinned(steps, 100)]
    assert kept[0] == 0 and kept[1] == 10 and kept[-1] == 30_000 and 50 < len(kept) <= 100
    assert (np.diff(kept) > 0).all()
    assert thinned(np.arange(5)).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("step", "text"), [(0, "0"), (100, "100"), (1000, "1k"), (2500, "2.5k")])
def test_ticks_in_words(step, text):
    assert short_number(step) == text
