"""Pictures of weights against their tables; an animation frame by frame."""

import functools
import io
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analyses.loading.chosen_networks import open_networks
from analyses.snapshots.command import measure
from analyses.snapshots.schema import MAPS, MATRICES, NEURONS, SPECTRA
from analyses.tables.storage import with_roles
from figures.catalogue.registry import FIGURES
from figures.drawing.animation import Animation
from figures.snapshots.weight_matrices import _matched_control


@pytest.fixture(scope="module")
def tables(tiny_run):
    """Return the snapshots of the tiny run."""
    networks = open_networks(str(tiny_run)).finished
    result = measure(networks)
    roles = {network.arm: network.role for network in networks}
    return {table: with_roles(table, rows, roles) for table, rows in result.tables.items()}


@pytest.fixture(scope="module")
def numbers(tables):
    """Return a function that draws a figure, once, and returns its numbers."""

    @functools.cache
    def drawn(name):
        drawing = FIGURES[name].draw(tables)
        plt.close(drawing.figure)
        return drawing.table()

    return drawn


def test_points_are_weights_in_the_order_in_which_the_cosine_turns_once(tables, numbers):
    points = numbers("neurons").query("panel == 'dense end' and not series.str.contains('cosine')")
    neurons = tables[NEURONS].query("arm == 'dense' and map == 'input' and step == 8000")
    maps = tables[MAPS].query("arm == 'dense' and map == 'input' and step == 8000")
    assert points["series"].nunique() == 3
    for series, points_of_neuron in points.groupby("series"):
        neuron = int(series.split()[1])
        frequency = neurons.set_index("neuron").loc[neuron, "frequency"]
        weights = maps.set_index("neuron").loc[neuron, [str(j) for j in range(11)]]
        for x, y in zip(points_of_neuron["x"], points_of_neuron["y"], strict=True):
            (residue,) = [j for j in range(11) if frequency * j % 11 == x]
            assert y == pytest.approx(weights[str(residue)])


def test_curves_are_the_planted_cosines(numbers, planted):
    curves = numbers("cosines").query("panel == 'input, best fit' and series.str.contains('cosine')")
    neuron = int(curves["series"].iloc[0].split(":")[0].split()[1])
    wave = planted["amplitude"][neuron] * np.cos(2 * np.pi * curves["x"] / 11 + planted["phi"][neuron])
    np.testing.assert_allclose(curves["y"], wave, atol=1e-5)


def test_pruned_weights_have_no_colour(tables, numbers):
    matrices, cells = tables[MATRICES], numbers("matrices")
    assert set(cells["series"]) == {"dense", "grokked_ticket", "random"}
    for arm, weights in matrices.groupby("arm"):
        shown = cells[cells["series"] == arm]
        assert len(shown) == len(weights)
        assert shown["value"].isna().sum() == (~weights["kept"]).sum()


def test_the_control_of_a_ticket_has_equal_layer_densities():
    entries = {
        "dense": [True] * 4,
        "winner": [True, False, True, True],
        "snip": [False, False, True, True],
        "reinit": [True, False, True, True],
        "shuffled": [False, True, True, True],
    }
    roles = {"dense": "dense", "winner": "ticket"}
    table = pd.DataFrame(
        [
            {"arm": arm, "arm_role": roles.get(arm, "control"), "layer": layer, "kept": entry}
            for arm, mask in entries.items()
            for layer, entry in zip("aabb", mask, strict=True)
        ]
    )
    assert _matched_control(table, ["dense", "winner"]) == ["shuffled"]
    assert _matched_control(table[table["arm"] != "shuffled"], ["dense", "winner"]) == ["snip"]
    assert _matched_control(table[table["arm_role"] != "control"], ["dense", "winner"]) == []


def test_the_animation_has_a_frame_per_checkpoint_and_records_its_numbers(tables):
    animation = FIGURES["film"].draw(tables)
    animation.figure.set_dpi(40)
    content = animation.pictures()[".gif"]
    plt.close(animation.figure)
    with Image.open(io.BytesIO(content)) as film:
        steps = tables[SPECTRA].query("arm in ['dense', 'grokked_ticket']")["step"].unique()
        assert film.n_frames == len(steps)
        frames = []
        for i in range(film.n_frames):
            film.seek(i)
            frames.append(np.asarray(film.convert("RGB")))
    assert all((one != other).any() for one, other in pairwise(frames))
    values = animation.table().query("panel == 'spectrum, dense' and series == 'step 200'")["value"]
    spectra = tables[SPECTRA].query("arm == 'dense' and map == 'input' and step == 200")
    np.testing.assert_allclose(
        np.sort(values), np.sort(spectra.filter(regex="^[0-9]+$").to_numpy().ravel()), rtol=1e-6
    )


def test_each_frame_is_drawn_by_its_number():
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
