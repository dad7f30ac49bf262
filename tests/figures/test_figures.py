import shutil
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import run_analysis, saved_tables, table_files

from analyses.fourier.schema import MEANS
from analyses.graph_props.schema import PROPERTIES
from analyses.grokking.schema import OUTCOMES
from analyses.tables.labels import short_number
from analyses.tables.storage import save_table
from figures.__main__ import main
from figures.catalogue.registry import FIGURES
from figures.drawing.figure_spec import FigureSpec
from figures.drawing.recorded_figure import Drawing
from figures.drawing.render import STYLE, draw_picture
from training.runs.log_spacing import thinned
from training.runs.sealed_table import FILES, SEAL

ONE_SEED = {"neurons", "maps", "matrices", "cosines", "weight_stages", "film", "sweep"}
OTHER_RUNS = {
    "stages": "h_grokking",
    "flow": "h_quad_single_freq",
    "leakage": "h_relu_single_freq",
    "sweep": "modadd_sweep",
    "events": "forbidden_frequencies",
}
"""Recipe, by analysis, whose tiny run an analysis reads that cannot read the planted run."""
OF_EVERY_RUN = [name for name, figure in FIGURES.items() if figure.after_analysis]


@pytest.fixture(scope="session")
def two_matrices(analysed, tmp_path_factory):
    """Return the file of the graph properties of two matrices.

    Two matrices are drawn in half the time of four.
    """
    rows = analysed.table(PROPERTIES)
    path = tmp_path_factory.mktemp("two_matrices") / f"{PROPERTIES.name}.parquet"
    rows = rows.loc[~rows["where"].isin(["W_out", "W_U"]), PROPERTIES.measured_columns]
    save_table(path, PROPERTIES, rows)
    return path


def paths_of(figure, analysed, tiny_runs, two_matrices):
    """Return the table files of a figure, made by their analyses."""
    paths = {}
    for table in figure.tables:
        if table is PROPERTIES:
            paths[table] = two_matrices
        elif table.analysis in OTHER_RUNS:
            paths[table] = tiny_runs.table_file(OTHER_RUNS[table.analysis], table)
        elif table.analysis == "compare":
            paths[table] = tiny_runs.comparison_file(("m_no_wd", "modadd_fast"), table)
        else:
            assert analysed.analyse(table.analysis).code == 0
            paths |= table_files(analysed.path, [table])
    return paths


@pytest.fixture
def tables(analysed, tmp_path):
    """Return a copy of a few tables, to draw in and to damage."""
    for name in ("fourier", "grokking", "phases", "masks"):
        assert analysed.analyse(name).code == 0
    return shutil.copytree(analysed.path / "analyses", tmp_path / "runs" / "tiny" / "analyses").parent


@pytest.mark.parametrize("name", OF_EVERY_RUN)
def test_drawing_twice_gives_the_same_bytes(name, analysed, tiny_runs, two_matrices, tmp_path):
    figure = FIGURES[name]
    preview = name != "norms"  # one figure is drawn as users get it, with its .pdf
    drawn = []
    for _ in range(2):
        paths = paths_of(figure, analysed, tiny_runs, two_matrices)
        files = draw_picture(figure, paths, tmp_path / name, preview=preview)
        drawn.append({path.suffix: path.read_bytes() for path in files})
    suffixes = [suffix for suffix in figure.suffixes if not preview or suffix != ".pdf"]
    assert list(drawn[0]) == suffixes and all(drawn[0].values())
    assert drawn[0] == drawn[1]
    caption = drawn[0][".txt"].decode()
    assert f"n = {1 if name in ONE_SEED else 2}" in caption and "nan" not in caption
    numbers = pd.read_csv(tmp_path / f"{name}.csv")
    assert numbers.columns[:5].tolist() == ["panel", "series", "seed", "x", "y"]
    assert len(numbers) >= 8


def test_the_csv_holds_what_the_tables_say(tables):
    assert main(["fourier", "--run", str(tables)]) == 0
    drawn = pd.read_csv(tables / "figures" / "fourier.csv").query("panel == 'entropy' and series == 'dense'")
    table = saved_tables(tables, [MEANS])[MEANS].query("arm == 'dense' and map == 'input'")
    for seed in (0, 1):
        curve = drawn[drawn["seed"] == str(seed)]
        assert curve["x"].tolist() == table.query("seed == @seed")["step"].tolist()
        np.testing.assert_allclose(curve["y"], table.query("seed == @seed")["entropy"], rtol=1e-12)
    mean = drawn[drawn["seed"] == "mean"].set_index("x")["y"]
    np.testing.assert_allclose(mean, table.groupby("step")["entropy"].mean(), rtol=1e-12)


@pytest.fixture(scope="module")
def one_arm(tiny_run, tmp_path_factory):
    """Return the folder of the tables of one arm."""
    out = tmp_path_factory.mktemp("one_arm")
    for name in ("fourier", "phases", "lottery", "mechanism", "grokking", "speed", "norms", "masks"):
        assert run_analysis(name, tiny_run, "--out", str(out), "--arms", "random").code == 0
    return out


@pytest.mark.parametrize(
    "name",
    [
        *("fourier", "phases", "phase_rings", "magnitudes", "lottery", "mechanism"),
        *("grokking", "outcomes", "speed", "norms", "masks", "mask_overlap"),
    ],
)
def test_figures_of_a_single_arm_are_drawn(name, one_arm, tmp_path):
    figure = FIGURES[name]
    assert draw_picture(figure, table_files(one_arm, figure.tables), tmp_path / name, preview=True)


HOSTILE = r"$\frac{$"
"""Name or note that is no formula, though it has two dollar signs."""


def unsealed(metadata):
    """Return a table's metadata without its own hash, as an older version writes it."""
    return {key: value for key, value in metadata.items() if key not in (SEAL, FILES)}


@pytest.mark.parametrize("name", ["grokking", "outcomes", "speed", "phases", "fourier", "norms"])
def test_names_and_notes_with_dollar_signs_are_plain_text(name, analysed, tmp_path):
    figure, folder = FIGURES[name], tmp_path / "analyses"
    folder.mkdir()
    for table in figure.tables:
        rows = analysed.table(table)
        texts = rows.select_dtypes(exclude="number").columns
        rows[texts] = rows[texts].replace("random", HOSTILE)
        shutil.copy(table_files(analysed.path, [table])[table], path := folder / f"{table.name}.parquet")
        pq.write_table(
            pa.Table.from_pandas(rows).replace_schema_metadata(unsealed(pq.read_schema(path).metadata)), path
        )
    draw_picture(figure, table_files(tmp_path, figure.tables), tmp_path / name, note=HOSTILE, preview=True)
    assert f"whose note is: {HOSTILE}." in (tmp_path / f"{name}.txt").read_text()
    series = set(pd.read_csv(tmp_path / f"{name}.csv")["series"].astype(str))
    assert any(HOSTILE in text for text in series) and not any(r"\$" in text for text in series)


def test_a_table_without_a_column_is_one_line_and_exit_code_1(tables, capsys):
    path = tables / "analyses" / "grokking_curves.parquet"
    whole = pq.read_table(path)
    whole = whole.replace_schema_metadata(unsealed(whole.schema.metadata))
    pq.write_table(whole.drop_columns(["test_acc"]), path)
    assert main(["grokking", "--run", str(tables)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{path}: expected the columns of grokking_curves, got none named test_acc" in line
    assert "python -m analyses.grokking --run" in line
    wrong = pa.array(["high"] * len(whole))
    pq.write_table(whole.set_column(whole.column_names.index("test_acc"), "test_acc", wrong), path)
    assert main(["grokking", "--run", str(tables)]) == 1
    assert "column test_acc: expected float, got" in capsys.readouterr().err


@pytest.mark.parametrize("arms", [["random"], ["dense", "random"]])
def test_graph_props_is_drawn_without_random_masks(arms, tiny_run, tmp_path):
    done = run_analysis("graph_props", tiny_run, "--out", str(tmp_path), "--nulls", "0", "--arms", *arms)
    assert done.code == 0
    figure = FIGURES["graph_props"]
    draw_picture(figure, table_files(tmp_path, figure.tables), tmp_path / "graph_props", preview=True)
    assert "not computed" in (tmp_path / "graph_props.txt").read_text()


def test_figures_are_drawn_for_every_run_below_a_folder(tables, capsys, monkeypatch):
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


def test_wrong_usage_is_one_line_and_exit_code_2(tables, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for arguments, expected in (
        (["spectra", "--run", str(tables)], "NAME: expected some of attribution, compare, cosines, elastic"),
        (["--run", "nowhere"], "nowhere does not exist"),
        (["fourier", "--run", "empty"], "'python -m analyses fourier --run empty' makes them"),
        (["--runs", "empty"], "'python -m analyses.fourier --run empty/modadd_fast' makes tables"),
    ):
        assert main(arguments) == 2
        assert expected in capsys.readouterr().err


def test_damaged_and_missing_tables_are_one_line_and_exit_code_1(tables, capsys):
    (tables / "analyses" / "fourier_spectra.parquet").write_bytes(b"PAR1")
    assert main(["fourier", "--run", str(tables)]) == 1
    assert "fourier_spectra.parquet: damaged" in capsys.readouterr().err
    (tables / "analyses" / "phases_neurons.parquet").unlink()
    assert main(["phases", "--run", str(tables)]) == 1
    assert "phases_neurons.parquet: missing" in capsys.readouterr().err


def test_help_names_every_figure_of_a_run(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert all(f"{name} ({FIGURES[name].shows})" in text for name in OF_EVERY_RUN)


@pytest.mark.parametrize("note", ["by me", "quick: seed 0, at most 8,000 steps; " * 9])
def test_a_note_is_drawn_below_the_panels_at_the_right(note):
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
measures = {{name for name in sys.modules if name.startswith("interp.")}} - {{"interp.lazy_exports"}}
assert not measures, measures
assert not set(sys.modules) & {{"torch", "analyses.loading", "training.optimization.engine"}}
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_thinning_keeps_both_ends_and_few_steps_between():
    steps = np.arange(0, 30_001, 10)
    few = steps[thinned(steps, 100)]
    assert few[0] == 0 and few[1] == 10 and few[-1] == 30_000 and 50 < len(few) <= 100
    assert (np.diff(few) > 0).all()
    assert thinned(np.arange(5)).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("step", "text"), [(0, "0"), (100, "100"), (1000, "1k"), (2500, "2.5k")])
def test_short_numbers(step, text):
    assert short_number(step) == text


def test_after_an_analysis_a_figure_that_cannot_be_drawn_is_said_and_no_error(tiny_copy, capsys):
    norms = FIGURES["norms"].tables
    FIGURES["of_two"] = FigureSpec(name="of_two", shows="x", draws="norms", tables=(*norms, OUTCOMES))
    try:
        assert run_analysis("norms", tiny_copy).code == 0
        assert main(["of_two", "--of", "norms", "--run", str(tiny_copy)]) == 0
        hint = f"'python -m analyses grokking --run {tiny_copy}' makes them"
        assert f"of_two: not drawn: no tables of grokking in {tiny_copy}; {hint}" in capsys.readouterr().err
        assert main(["of_two", "--run", str(tiny_copy)]) == 2
        assert hint in capsys.readouterr().err
    finally:
        del FIGURES["of_two"]
    assert main(["no_such_figure", "--of", "peaks", "--run", str(tiny_copy)]) == 0
    assert capsys.readouterr().err == "no figure reads the tables of peaks\n"
