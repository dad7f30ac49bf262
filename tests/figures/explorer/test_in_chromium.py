import itertools
import re

import numpy as np
import pytest

from figures.explorer.packing import unpacked
from figures.explorer.views import VIEWS
from interp.mechanism.two_layer_forward import pair_logits
from interp.spectra.fourier import amplitude_phase
from training.inspection.run import open_run

P = 11
STILL = ("weights", "mask", "graph")
"""Plots that show no step of training."""
HAS_NO = {"attention"}
"""Views that the tiny run's networks have nothing for."""


@pytest.fixture(scope="module")
def arrays(tiny_page):
    """Return the arrays that the page holds, by the number of their network."""
    texts = re.findall(r'id="arrays-(\d+)">([^<]*)<', tiny_page.read_text())
    return {int(number): unpacked(text) for number, text in texts}


def stored_maps(arrays, t):
    return [
        arrays[name][t] * arrays[f"{name}_step"][t][:, None].astype(float) for name in ("input", "output")
    ]


def test_it_opens_without_errors_and_without_requests(opened, tiny_page):
    page = opened(tiny_page)
    for view in VIEWS:
        if view.name not in HAS_NO:
            page.see(view.name)
    assert page.errors == []
    assert page.requests == [tiny_page.as_uri()]
    assert page.evaluate("performance.getEntriesByType('resource').length") == 0
    assert page.evaluate("explorer.app.networks.length") == 6


def test_the_slider_moves_every_view(opened, tiny_page):
    page = opened(tiny_page)
    for view in VIEWS:
        if view.name in HAS_NO:
            continue
        page.go(step=200)
        page.see(view.name)
        before = page.content(view.name)
        page.go(step=8000)
        after = page.content(view.name)
        moving = [name for name in before if name.split("-")[1] not in STILL]
        assert before.keys() == after.keys() and (moving or view.name in ("mask", "graph"))
        assert [name for name in moving if before[name] == after[name]] == []
    assert page.errors == []


def test_the_slider_keys_and_play_go_through_the_checkpoints(opened, tiny_page):
    page = opened(tiny_page)
    steps = [0, 100, 200, 1000, 2000, 4000, 6000, 8000]
    assert page.evaluate("explorer.app.controls.steps") == steps
    page.page.keyboard.press("Home")
    page.wait()
    assert page.state["step"] == 0
    for step in steps[1:4]:
        page.page.keyboard.press("ArrowRight")
        page.wait()
        assert page.state["step"] == step
    page.page.keyboard.press("ArrowLeft")
    page.wait()
    assert page.state["step"] == 200
    assert page.page.locator("#slider").get_attribute("aria-valuetext") == "step 200"
    box = page.page.locator("#slider").bounding_box()
    page.page.mouse.click(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    page.wait()
    assert page.state["step"] == 8000
    page.page.keyboard.press("Home")
    page.page.locator("#play").click()
    page.page.wait_for_function("explorer.app.state.step === 8000 && !explorer.app.controls.timer")
    markers = page.evaluate("[...document.querySelectorAll('#markers span')].map((marker) => marker.title)")
    assert "t_gen of dense, seed 0: step 6,000" in markers


def test_a_click_chooses_a_neuron(opened, tiny_page):
    page = opened(tiny_page)
    page.see("neurons")
    cells = page.evaluate("explorer.cellsOf(explorer.app.networks[0], explorer.app.state)")
    columns = page.evaluate(f"explorer.columnsOf({len(cells)})")
    place = 4
    rows = -(-len(cells) // columns)
    x, y = place % columns + 0.5, rows - 1 - place // columns + 0.5
    page.page.mouse.click(*page.center_of("neurons-neurons-0", x, y))
    page.page.wait_for_function(f"explorer.app.state.neuron === {cells[place]}")
    page.go(sort="energy")
    page.see("spectrum")
    order = page.evaluate("explorer.app.networks[0].order('energy')")
    page.page.mouse.click(*page.center_of("spectrum-spectrum-0", 2, 1.5))
    page.page.wait_for_function(f"explorer.app.state.neuron === {order[1]}")
    page.page.locator("#neuron").fill("5")
    page.page.keyboard.press("Enter")
    page.page.wait_for_function("explorer.app.state.neuron === 5")
    assert page.errors == []


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


def test_a_link_restores_the_view(opened, tiny_page):
    page = opened(tiny_page)
    page.go(step=200, shown=[1, 4], neuron=3, sort="change", map="output", **{"class": 7}, layer="W_out")
    page.evaluate(
        "explorer.app.networks[1].setChanges([{op: 'rotate', neuron: 3, map: 'input', angle: 0.5}])"
    )
    page.go(changed={})
    page.page.wait_for_function("location.hash.includes('changes1')")
    again = opened(tiny_page, page.evaluate("location.hash"))
    assert again.state == page.state
    assert again.state["shown"] == [1, 4] and again.state["class"] == 7
    assert again.evaluate("explorer.app.networks[1].changes") == [
        {"op": "rotate", "neuron": 3, "map": "input", "angle": 0.5}
    ]
    for view in ("neurons", "logits", "neuron"):
        page.see(view)
        again.see(view)
        assert page.content(view) == again.content(view)


@pytest.mark.parametrize(
    "link",
    [
        "#step=-3&networks=99&neuron=1e9&sort=<b>&map=x&class=900&layer=no",
        "#changes0=[{\"op\":\"constructor\"}]&changes1=nonsense&changes2=[{\"op\":\"rotate\",\"neuron\":900}]",
        "#networks=&step=&neuron=",
    ],
)  # fmt: skip
def test_a_link_that_does_not_fit_shows_the_first_view(opened, tiny_page, link):
    page, plain = opened(tiny_page, link), opened(tiny_page)
    for view in ("curves", "neurons", "logits"):
        page.see(view)
    assert {**page.state, "class": None} == plain.state
    assert page.evaluate("explorer.app.networks.every((net) => net.changes.length === 0)")
    assert page.errors == []


@pytest.mark.parametrize(("kind", "begin"), [("png", b"\x89PNG"), ("svg", b"<svg")])
def test_plots_are_saved_as_pictures(opened, tiny_page, kind, begin):
    page = opened(tiny_page)
    page.see("race")
    with page.page.expect_download() as download:
        page.page.get_by_role("button", name=f"Save Race of the frequencies as {kind.upper()}").click()
    assert download.value.suggested_filename.endswith(f".{kind}")
    content = download.value.path().read_bytes()
    assert begin in content[:200] and len(content) > 2000
    if kind == "svg":
        svg = "explorer.app.panels.get('race-race-0').blob('svg').then((blob) => blob.text())"
        lines = []
        for step in (200, 4000):  # the line of the slider is in the picture
            page.go(step=step)
            lines.append(set(re.findall(r"<path[^>]*>", page.evaluate(svg))))
        assert lines[0] != lines[1]


def test_definitions_are_one_click_away_and_in_the_schemas_words(opened, tiny_page):
    page = opened(tiny_page)
    for view in VIEWS:
        section = page.page.locator(f"#view-{view.name}")
        section.locator("summary").click()
        text = section.locator("dl").inner_text()
        assert view.columns and all(column.meaning in text for _, column in view.columns)


@pytest.mark.parametrize(("width", "scheme"), list(itertools.product((400, 800, 1280), ("light", "dark"))))
def test_it_fits_every_width_and_is_named_for_screen_readers(opened, tiny_page, width, scheme):
    page = opened(tiny_page, width=width, scheme=scheme)
    for view in ("curves", "neurons", "neuron", "phases", "logits", "circles"):
        page.see(view)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    unnamed = """[...document.querySelectorAll('button, input, select')].filter((field) =>
        !(field.getAttribute('aria-label') || field.labels?.length || field.textContent.trim())).length"""
    assert page.evaluate(unnamed) == 0
    labels = page.evaluate(
        "[...explorer.app.panels.values()].filter((p) => p.isSeen).map((p) => p.element.ariaLabel)"
    )
    assert labels and all(labels)
    ink = page.evaluate(
        "[...explorer.app.panels.values()].find((p) => p.plot).plot.below[0].axis_label_text_color"
    )
    assert ink == ("#26292f" if scheme == "light" else "#e4e6ea")
