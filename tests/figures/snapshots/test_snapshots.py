"""What the pictures of weights show, against the tables; and an animation, frame by frame."""

import io
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analyses.snapshots.command import main as analyse
from figures.__main__ import main
from figures.drawing.animation import Animation


@pytest.fixture(scope="module")
def drawn(tiny_run, tmp_path_factory):
    """The tiny run's snapshots and their figures."""
    out = tmp_path_factory.mktemp("drawn")
    assert analyse(["--run", str(tiny_run), "--out", str(out), "--no-plot"]) == 0
    assert main(["--run", str(out)]) == 0
    return out


def numbers(drawn, name):
    return pd.read_csv(drawn / "figures" / f"{name}.csv", dtype={"series": str})


def table(drawn, suffix):
    return pd.read_parquet(drawn / "analyses" / f"snapshots{suffix}.parquet")


def test_points_are_the_weights_where_their_cosine_turns_once(drawn):
    points = numbers(drawn, "neurons").query("panel == 'dense end' and not series.str.contains('cosine')")
    neurons = table(drawn, "_neurons").query("arm == 'dense' and map == 'input' and step == 8000")
    maps = table(drawn, "_maps").query("arm == 'dense' and map == 'input' and step == 8000")
    assert points["series"].nunique() == 3
    for series, own in points.groupby("series"):
        neuron = int(series.split()[1])
        frequency = neurons.set_index("neuron").loc[neuron, "frequency"]
        weights = maps.set_index("neuron").loc[neuron, [str(j) for j in range(11)]]
        for x, y in zip(own["x"], own["y"], strict=True):
            (residue,) = [j for j in range(11) if frequency * j % 11 == x]
            assert y == pytest.approx(weights[str(residue)])


def test_curves_are_the_planted_cosines(drawn, planted):
    curves = numbers(drawn, "cosines").query("panel == 'input, best' and series.str.contains('cosine')")
    neuron = int(curves["series"].iloc[0].split(":")[0].split()[1])
    wave = planted["amplitude"][neuron] * np.cos(2 * np.pi * curves["x"] / 11 + planted["phi"][neuron])
    np.testing.assert_allclose(curves["y"], wave, atol=1e-5)


def test_pruned_weights_have_no_colour(drawn):
    matrices, cells = table(drawn, "_matrices"), numbers(drawn, "matrices")
    for arm, own in matrices.groupby("arm"):
        shown = cells[cells["series"] == arm]
        if len(shown):
            assert len(shown) == len(own)
            assert shown["value"].isna().sum() == (~own["kept"]).sum()


def test_the_film_has_a_frame_per_checkpoint_and_all_its_numbers(drawn):
    with Image.open(drawn / "figures" / "film.gif") as film:
        steps = table(drawn, "_spectra").query("arm in ['dense', 'grokked_ticket']")["step"].unique()
        assert film.n_frames == len(steps)
        frames = []
        for i in range(film.n_frames):
            film.seek(i)
            frames.append(np.asarray(film.convert("RGB")))
    assert all((one != other).any() for one, other in pairwise(frames))
    values = numbers(drawn, "film").query("panel == 'spectrum, dense' and series == 'step 200'")["value"]
    spectra = table(drawn, "_spectra").query("arm == 'dense' and map == 'input' and step == 200")
    np.testing.assert_allclose(np.sort(values), np.sort(spectra.iloc[:, 5:].to_numpy().ravel()), rtol=1e-6)


def test_frames_show_what_they_are_told():
    figure = plt.figure(figsize=(2, 1))
    patch = figure.patch
    animation = Animation(figure, 3, lambda i: patch.set_facecolor(["red", "lime", "white"][i]))
    content = animation.pictures()
    assert content == animation.pictures()
    with Image.open(io.BytesIO(content[".gif"])) as film:
        colours = []
        for i in range(film.n_frames):
            film.seek(i)
            colours.append(film.convert("RGB").getpixel((5, 5)))
        assert film.info["loop"] == 0 and film.info["duration"] == 2500
    assert colours == [(255, 0, 0), (0, 255, 0), (255, 255, 255)]
    plt.close(figure)
