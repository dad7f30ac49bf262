import itertools
import re

import numpy as np
import pytest

from figures.explorer.views import VIEWS
from training.inspection.run import open_run

STILL = ("weights", "mask", "mask_graph", "graph")
"""Plots that show no step of training."""
HAS_NO = {"attention"}
"""Views that the tiny run's networks have nothing for."""


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
        assert before.keys() == after.keys() and (moving or view.name in ("mask", "graph", "statistics"))
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
    assert page.errors == []


def test_a_neuron_is_chosen_by_its_number(opened, tiny_page):
    page = opened(tiny_page)
    field = page.page.locator("#neuron")
    field.fill("5")
    page.go(step=200)  # the page is drawn while the number is typed
    page.page.keyboard.press("Enter")
    assert page.state["neuron"] == 5
    field.fill("999")
    page.page.keyboard.press("Enter")
    assert page.state["neuron"] == 5 and field.input_value() == "5"
    assert page.errors == []


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


@pytest.mark.parametrize("layer", ["W_E", "W_in", "W_out", "W_U"])
def test_the_masks_graph_is_that_of_the_page_beside_its_nulls(opened, tiny_page, layer):
    page = opened(tiny_page)
    page.go(shown=[2], layer=layer)  # the first ticket
    page.see("graph")
    mask = open_run(tiny_page.parent)["grokked_ticket", 0].mask[layer]
    n = mask.shape[0 if layer in ("W_E", "W_out") else 1]
    panel = "explorer.app.panels.get('graph-mask_graph-2')"
    assert f"{n * (n - 1) // 2} pairs" in page.evaluate(f"{panel}.said")
    generator = np.random.default_rng(0)
    expected = set()
    for place, kind in enumerate(("mask", "density", "degree")):  # the tiny masks have no edges: put some in
        joined = generator.random(n * (n - 1) // 2) < 0.3
        page.evaluate(
            "([name, bytes]) => { explorer.app.networks[2].arrays[name] = Uint8Array.from(bytes); }",
            [f"graph {layer} {kind}", np.packbits(joined).tolist()],
        )
        pairs = np.stack(np.triu_indices(n, 1), axis=1)[joined]
        expected |= {frozenset((place * n + pairs).tolist()[i]) for i in range(len(pairs))}
    page.evaluate(f"delete {panel}.drawnFor")
    page.go(neuron=1)
    data = page.evaluate(
        f"""Object.fromEntries(['points', 'same', 'others'].map((name) => {{
            const {{ x, y, xs, ys }} = {panel}.models.get(name).data;
            return [name, x ? [[...x], [...y]] : [xs.map((line) => [...line]), ys.map((line) => [...line])]];
        }}))"""
    )
    points = np.array(data["points"]).T
    assert len(points) == 3 * n
    drawn = set()
    for name in ("same", "others"):
        for xs, ys in zip(*data[name], strict=True):
            ends = np.array([[xs[0], ys[0]], [xs[-1], ys[-1]]])
            drawn.add(frozenset(np.abs(points - ends[:, None]).sum(axis=-1).argmin(axis=1).tolist()))
    assert drawn == expected and page.errors == []


def test_a_neurons_first_weights_are_shown_under_its_mask(opened, tiny_page):
    page = opened(tiny_page)
    page.go(shown=[2], neuron=3)
    page.see("neuron")
    page.evaluate("explorer.app.panels.get('neuron-weights-2').element.scrollIntoView({ block: 'center' })")
    page.page.wait_for_function("explorer.app.panels.get('neuron-weights-2').said?.includes('kept')")
    image = "explorer.app.panels.get('neuron-weights-2').models.get('image').data.image[0]"
    shown = [float(x) for x in page.evaluate(f"[...{image}].map(String)")]
    network = open_run(tiny_page.parent)["grokked_ticket", 0]
    rows = [network.weights(name)[0] for name in ("W_in", "W_out")]
    kept = np.concatenate([network.mask["W_in"][:, 3], network.mask["W_out"][3]])
    expected = np.concatenate([rows[0][:, 3], rows[1][3]])
    np.testing.assert_array_equal(np.isfinite(shown), kept)
    np.testing.assert_allclose(np.array(shown)[kept], expected[kept], atol=np.abs(shown)[kept].max() / 200)
    assert page.evaluate("explorer.app.networks.map((net) => net.words.start_of)") == [0, 1, 0, 1, 0, 1]
