import numpy as np
import pandas as pd
import pytest
from builders import legend_texts

from analyses.steering.schema import MEANS, SIZES, STEPS
from figures.steering import steered_answers

ARMS = {"teacher": "dense", "pupil": "ticket", "noise": "control"}

pytestmark = pytest.mark.usefixtures("house_style")


def drawn(n_seeds):
    """Return the drawing of random shares, and its tables."""
    rng, K = np.random.default_rng(0), 8
    sets = [("strongest", range(K + 1)), ("weakest", range(K + 1)), ("others", range(1, K // 2))]
    at = [(arm, s, c, n) for arm in ARMS for s in range(n_seeds) for c, ns in sets for n in ns]
    sizes = pd.DataFrame(at, columns=["arm", "seed", "chosen", "size"]).assign(step=1000)
    sizes[["target", "own"]] = rng.uniform(0.2, 0.8, (len(sizes), 2))
    random = sizes["chosen"] == "others"
    sizes["low"], sizes["high"] = ((sizes["target"] + d).mask(random) for d in (-0.1, 0.1))
    means = sizes.groupby(["arm", "chosen", "size"], sort=False)[["target", "own"]].mean().reset_index()
    means["n_seeds"] = n_seeds
    for name in ("target", "own"):
        means[f"{name}_low"], means[f"{name}_high"] = means[name] - 0.3, means[name] + 0.3
    at = [
        (arm, s, t, c)
        for arm in ARMS
        for s in range(n_seeds)
        for t in (0, 100, 1000)
        for c in ("keys", "all")
    ]
    steps = pd.DataFrame(at, columns=["arm", "seed", "step", "chosen"])
    steps["target"] = rng.uniform(size=len(steps))
    roles = {"sizes": sizes, "means": means, "steps": steps}
    tables = {name: table.assign(arm_role=table["arm"].map(ARMS)) for name, table in roles.items()}
    drawing = steered_answers.draw({SIZES: tables["sizes"], MEANS: tables["means"], STEPS: tables["steps"]})
    return drawing, tables


def test_few_seeds_are_thin_curves_beside_their_mean():
    drawing, tables = drawn(2)
    numbers = drawing.table()
    curve = numbers.query("panel == 'strongest target' and series == 'pupil' and seed == '1'")
    expected = tables["sizes"].query("arm == 'pupil' and seed == 1 and chosen == 'strongest'")["target"]
    np.testing.assert_allclose(curve["y"], expected)
    mean = numbers.query("panel == 'weakest own' and series == 'pupil' and seed == 'mean'")
    expected = tables["means"].query("arm == 'pupil' and chosen == 'weakest'")["own"]
    np.testing.assert_allclose(mean["y"], expected)
    assert "thin: seeds (n = 2 of every arm)" in drawing.caption and "low" not in numbers
    assert "as many other frequencies" in legend_texts(drawing.figure)


def test_many_seeds_have_a_band_and_one_network_its_interval_over_pairs():
    drawing, tables = drawn(6)
    band = drawing.table().query("panel == 'strongest target' and series == 'pupil'").dropna(subset=["low"])
    expected = tables["means"].query("arm == 'pupil' and chosen == 'strongest'")["target_low"].clip(0, 1)
    np.testing.assert_allclose(band["low"], expected)
    assert "interval over seeds (Student) (n = 6 of every arm)" in drawing.caption
    drawing, tables = drawn(1)
    band = drawing.table().query("panel == 'strongest target' and series == 'noise'").dropna(subset=["high"])
    expected = tables["sizes"].query("arm == 'noise' and chosen == 'strongest'")["high"]
    np.testing.assert_allclose(band["high"], expected)
    assert "(Wilson)" in drawing.caption


def test_key_frequencies_are_drawn_through_training():
    drawing, tables = drawn(2)
    curve = drawing.table().query("panel == 'keys through training' and series == 'teacher' and seed == '0'")
    expected = tables["steps"].query("arm == 'teacher' and seed == 0 and chosen == 'keys'")["target"]
    np.testing.assert_allclose(curve["y"], expected)
