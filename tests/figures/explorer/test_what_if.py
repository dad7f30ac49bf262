import re

import numpy as np
import pytest

from figures.explorer.packing import unpacked
from interp.mechanism.two_layer_forward import pair_logits
from interp.spectra.fourier import amplitude_phase
from training.inspection.run import open_run

P = 11


@pytest.fixture(scope="module")
def arrays(tiny_page):
    """Return the arrays that the page holds, by the number of their network."""
    texts = re.findall(r'id="arrays-(\d+)">([^<]*)<', tiny_page.read_text())
    return {int(number): unpacked(text) for number, text in texts}


def stored_maps(arrays, t):
    return [
        arrays[name][t] * arrays[f"{name}_step"][t][:, None].astype(float) for name in ("input", "output")
    ]


def test_spectra_are_those_of_python(opened, tiny_page, arrays):
    page = opened(tiny_page)
    for t in (0, 3):
        got = page.evaluate(
            """t => {
                const { amplitude, phase } = explorer.app.networks[0].state(t).spectra.output;
                return { amplitude: [...amplitude], phase: [...phase] };
            }""",
            t,
        )
        amplitude, phase = amplitude_phase(stored_maps(arrays[0], t)[1])
        live = amplitude > 1e-9
        for name, expected in (("amplitude", amplitude), ("phase", phase)):
            values = np.reshape(got[name], expected.shape)
            np.testing.assert_allclose(values[live], expected[live], atol=1e-9)


def turned(row, angle):
    """Return a row whose strongest wave is turned by an angle."""
    amplitude, phase = (x[0] for x in amplitude_phase(row[None]))
    k = int(np.argmax(amplitude))
    omega = 2 * np.pi * (k + 1) * np.arange(P) / P
    wave = [amplitude[k] * np.cos(omega + phase[k] + shift) for shift in (0, angle)]
    return row - wave[0] + wave[1]


def without_frequency(maps, k):
    """Return maps less their projection on one frequency."""
    omega = 2 * np.pi * k * np.arange(P) / P
    waves = np.stack([np.cos(omega), np.sin(omega)])
    return [W - (W @ waves.T) @ waves * 2 / P for W in maps]


def changed(maps, start, change):
    """Return maps after one change, the slow and obvious way."""
    maps = [W.copy() for W in maps]
    if change["op"] == "drop_frequency":
        return without_frequency(maps, change["frequency"])
    i, of = change["neuron"], ("input", "output").index(change.get("map", "input"))
    if change["op"] == "drop_neuron":
        maps[0][i] = maps[1][i] = 0
    elif change["op"] == "zero":
        maps[of][i] = 0
    elif change["op"] == "start":
        maps[of][i] = start[of][i]
    else:
        maps[of][i] = turned(maps[of][i], change["angle"])
    return maps


CHANGES = [
    {"op": "drop_neuron", "neuron": 2},
    {"op": "drop_frequency", "frequency": 3},
    {"op": "rotate", "neuron": 1, "map": "output", "angle": 2.1},
    {"op": "zero", "neuron": 0, "map": "input"},
    {"op": "start", "neuron": 4, "map": "output"},
]


@pytest.mark.parametrize(
    "changes",
    [[], *([change] for change in CHANGES), CHANGES, CHANGES[::-1]],
    ids=lambda changes: "+".join(change["op"] for change in changes) or "nothing",
)
@pytest.mark.parametrize("number", [0, 2])
def test_what_if_is_what_python_computes_of_the_same_numbers(opened, tiny_page, arrays, number, changes):
    page = opened(tiny_page)
    of_network, last = arrays[number], len(arrays[number]["steps"]) - 1
    maps, start = stored_maps(of_network, last), stored_maps(of_network, 0)
    for change in changes:
        maps = changed(maps, start, change)
    expected = pair_logits(*maps)
    got = page.evaluate(
        """([number, changes, t]) => {
            const net = explorer.app.networks[number];
            net.setChanges(changes);
            const logits = explorer.logits(net.state(t).maps, net.p, net.words.activation);
            return [[...logits], net.accuracies(t, true)];
        }""",
        [number, changes, last],
    )
    scale = max(1, np.abs(expected).max())
    np.testing.assert_allclose(np.reshape(got[0], (P, P, P)), expected, atol=1e-5 * scale, rtol=0)
    label, trained = of_network["label"], of_network["trained"]
    at_label = np.take_along_axis(expected, label[..., None].astype(int), axis=-1)
    others = np.where(np.arange(P) == label[..., None], -np.inf, expected).max(axis=-1)
    right = at_label[..., 0] > others
    wanted = {"all": right.mean(), "train": right[trained == 1].mean(), "test": right[trained == 0].mean()}
    assert got[1] == pytest.approx(wanted, abs=1e-5)


def test_logits_of_one_class_are_those_of_all(opened, tiny_page):
    page = opened(tiny_page)
    one, every = page.evaluate(
        """() => {
            const { maps } = explorer.app.networks[0].state(6), classes = new Int16Array(121).fill(4);
            const one = explorer.logitsOf(maps, 11, "relu", classes);
            return [[...one], [...explorer.logits(maps, 11, "relu")]];
        }"""
    )
    logits = np.reshape(every, (P, P, P))
    expected = (logits - logits.mean(axis=-1, keepdims=True))[..., 4]
    np.testing.assert_allclose(np.reshape(one, (P, P)), expected, atol=1e-4)


def test_buttons_change_the_network_and_say_so_at_once(opened, tiny_page, tiny_run):
    page = opened(tiny_page)
    page.see("logits")
    before = page.content("logits")
    page.go(neuron=2)
    page.page.get_by_role("button", name="Drop the neuron").click()
    page.wait()
    text = page.page.locator(".accuracies").inner_text()
    assert "without neuron 2" in text and "storing in 8 bits moves it by" in text
    page.see("logits")
    after = page.content("logits")
    assert before["logits-logits-0"] != after["logits-logits-0"]
    page.page.get_by_role("button", name="Undo").click()
    page.wait()
    page.see("logits")
    assert page.content("logits") == before


def test_the_page_says_how_far_eight_bits_move_the_accuracy(opened, tiny_page, arrays, tiny_run):
    page = opened(tiny_page)
    network = open_run(tiny_run)["dense", 0]
    metrics = network.metrics.set_index("step")
    words = page.evaluate("explorer.accuracyWords(explorer.app.networks[0], 6)")
    maps, of_network = stored_maps(arrays[0], 6), arrays[0]
    logits = pair_logits(*maps)
    right = logits.argmax(axis=-1) == of_network["label"]
    stored = right[of_network["trained"] == 0].mean()
    moved = 100 * (stored - metrics["test_acc"][8000])
    assert f"test accuracy {100 * stored:.2f} % by the page's numbers" in words
    said = re.search(r"moves it by ([+−]?)([\d.]+) points", words)
    assert said and float(said[2]) == pytest.approx(abs(moved), abs=0.006)
