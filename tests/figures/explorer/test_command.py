import html
import json
import re

import numpy as np
import pytest
from builders import released_weights

from figures import explore
from figures.explorer.command import main
from figures.explorer.page import with_fewer_steps
from training.adopt.command import main as adopt
from training.config.recipe_files import read_recipe
from training.runs.run_directory import RunDir


def words_of(page):
    """Return what a page knows of its networks."""
    content = re.search(r'<script type="application/json" id="page">(.*?)</script>', page, re.DOTALL)
    return json.loads(content[1])["networks"]


def notes_of(page):
    return html.unescape(re.search(r'<div id="notes">(.*?)</div>', page)[1])


@pytest.fixture
def small_run(trained_run):
    """Return a function that trains a small run: few steps, checkpoints at the first and last alone."""

    def train(name, model, about="", steps=20, every=20, **task):
        content = {"name": name, "about": about, "seeds": [0], "model": model}
        content |= {"arms": {"dense": {"min_steps": steps, "max_steps": steps}}}
        content |= {"task": {"name": "add", "p": 7, "pairs": "ordered", "frac_train": 0.5} | task}
        return trained_run(content | {"measure": {"eval_every": 10, "checkpoints": [{"every": every}]}}).path

    return train


ONE_HOT = {"name": "one_hot_mlp", "d_mlp": 8}
TRANSFORMER = {"name": "transformer", "d_model": 8, "n_heads": 2, "d_head": 4, "d_mlp": 6}
MARKUP = "<script>document.title = 'taken'</script><b>&amp;"


def test_the_page_is_beside_the_run_and_holds_no_address(tiny_copy, capsys):
    assert main(["--run", str(tiny_copy)]) == 0
    page = tiny_copy / "explorer.html"
    printed = capsys.readouterr()
    assert re.fullmatch(rf"{re.escape(str(page))}: \d\.\d MB, 6 networks\n", printed.out)
    assert "progress: not measured; 'python -m analyses.progress --run" in printed.err
    text = page.read_text()
    outside_scripts = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert "default-src 'none'" in outside_scripts and "//" not in outside_scripts
    assert [words["what_if"] for words in words_of(text)] == [True] * 6
    assert main(["--run", str(tiny_copy), "--arms", "dense", "--out", str(tiny_copy / "one.html")]) == 0
    assert {words["arm"] for words in words_of((tiny_copy / "one.html").read_text())} == {"dense"}


def test_markup_in_names_stays_text(small_run, tmp_path, opened):
    run = small_run("markup", ONE_HOT, about=MARKUP)
    target = tmp_path / "page.html"
    assert main(["--run", str(run), "--out", str(target)]) == 0
    assert MARKUP not in target.read_text() and html.escape(MARKUP) in target.read_text()
    page = opened(target)
    assert page.page.title() == "Explorer: markup"
    assert MARKUP in page.page.locator("header.page").inner_text()


def test_first_and_last_checkpoint_are_enough(small_run, tmp_path, opened):
    run, target = small_run("two", ONE_HOT), tmp_path / "page.html"
    assert main(["--run", str(run), "--out", str(target)]) == 0
    page = opened(target)
    assert page.evaluate("explorer.app.controls.steps") == [0, 20]
    for view in ("curves", "neurons", "spectrum", "neuron", "phases", "logits", "race"):
        page.see(view)
    assert page.errors == []


def test_a_wide_network_is_sampled_and_the_page_says_so(small_run, tmp_path, opened):
    run, target = small_run("wide", {"name": "one_hot_mlp", "d_mlp": 4000}), tmp_path / "page.html"
    assert main(["--run", str(run), "--out", str(target)]) == 0
    text = target.read_text()
    assert (
        "Neurons are a sample, evenly spaced by frequency and phase: dense, seed 0: 256 of 4000."
        in notes_of(text)
    )
    (words,) = words_of(text)
    assert words["n_neurons"] == 256 and not words["what_if"]
    page = opened(target)
    page.see("spectrum")
    assert "its logits are not in the page" in page.page.locator("#view-logits").inner_text()
    assert page.errors == []


def test_unlike_tasks_are_side_by_side_where_views_apply(small_run, trained_run, tmp_path, opened, capsys):
    content = {"name": "parity", "seeds": [0], "arms": {"dense": {"min_steps": 20, "max_steps": 20}}}
    content |= {"task": {"name": "parity", "n_train": 50, "n_test": 50}, "model": {"name": "mlp"}}
    parity = trained_run(content | {"measure": {"checkpoints": [{"every": 10}]}}).path
    runs = [str(parity), str(small_run("attending", TRANSFORMER)), str(small_run("one_hot", ONE_HOT))]
    target = tmp_path / "page.html"
    assert main(["--run", *runs, "--out", str(target)]) == 0
    assert "no network that snapshots can read" in capsys.readouterr().err
    assert "parity: left out: snapshots: " in notes_of(target.read_text())
    page = opened(target)
    for view in ("curves", "neurons", "logits", "attention", "circles"):
        page.see(view)
    assert len(page.state["shown"]) == 3
    assert "parity: dense, seed 0: no neurons" in page.page.locator("#view-neurons").inner_text()
    seen = page.evaluate("[...explorer.app.panels.keys()]")
    assert {"attention-attention-1", "attention-head_waves-1", "circles-circles-1"} <= set(seen)
    assert {"neurons-neurons-1", "neurons-neurons-2", "logits-logits-1", "logits-logits-2"} <= set(seen)
    assert page.errors == []


def test_an_adopted_network_opens_like_a_trained_one(small_run, tmp_path, opened):
    import torch

    weights = RunDir(small_run("source", ONE_HOT)).arm("dense", 0).checkpoints()
    for t in (0, 1):
        state = {name: torch.tensor(W[t]) for name, W in weights.items()}
        torch.save(state, tmp_path / f"step_{20 * t}.pt")
    files = [str(tmp_path / f"step_{step}.pt") for step in (0, 20)]
    told = ["--model", "one_hot_mlp", "--p", "7", "--set", "task.pairs=ordered"]
    assert adopt([*files, *told, "--out", str(tmp_path / "theirs")]) == 0
    assert main(["--run", str(tmp_path / "theirs")]) == 0
    page = opened(tmp_path / "theirs" / "explorer.html")
    for view in ("neurons", "spectrum", "neuron", "phases", "logits", "race"):
        page.see(view)
    assert page.evaluate("explorer.app.networks[0].words.what_if")
    assert "accuracy on all pairs" in page.evaluate("explorer.accuracyWords(explorer.app.networks[0], 1)")
    assert page.errors == []


def test_released_weights_open_like_trained_ones(tmp_path, opened):
    steps = [0, 5000, 10000, 49800]
    he = [str(released_weights(f"he_p23_grokking_step_{step}.pth")) for step in steps]
    nanda = [str(released_weights("nanda_low_precision_mod_addition.pth"))]
    theirs, ours = tmp_path / "he", tmp_path / "nanda"
    told = ["--model", "one_hot_mlp", "--p", "23", "--set", "task.pairs=ordered"]
    assert adopt([*he, *told, "--out", str(theirs)]) == 0
    assert adopt([*nanda, "--model", "transformer", "--p", "113", "--out", str(ours)]) == 0
    assert main(["--run", str(theirs), str(ours), "--out", str(tmp_path / "page.html")]) == 0
    page = opened(tmp_path / "page.html")
    assert page.evaluate("explorer.app.controls.steps") == steps
    for view in ("neurons", "spectrum", "neuron", "phases", "logits", "race", "attention", "circles"):
        page.see(view)
    words = page.evaluate("explorer.accuracyWords(explorer.app.networks[0], 3)")
    assert "he: dense, seed 0, step 49,800: accuracy on all pairs 99.43 %" in words
    assert "12762 of 12769 pairs are right" in page.page.locator("#view-logits").inner_text()
    assert page.evaluate("explorer.app.networks[1].words.circles") == [3, 6, 9, 23, 35, 39]
    assert page.errors == []


def test_a_page_keeps_to_its_size_by_leaving_out_checkpoints(trained_run, tmp_path, capsys):
    content = {"name": "long", "seeds": [0], "arms": {"dense": {"min_steps": 600, "max_steps": 600}}}
    content |= {"task": {"name": "add", "p": 23, "pairs": "ordered"}, "model": ONE_HOT | {"d_mlp": 400}}
    run = trained_run(content | {"measure": {"checkpoints": [{"every": 20}]}}).path
    sizes = {}
    for megabytes in ("15", "2.1"):
        target = tmp_path / f"{megabytes}.html"
        assert main(["--run", str(run), "--out", str(target), "--megabytes", megabytes]) == 0
        sizes[megabytes] = target.stat().st_size / 1e6
    assert sizes["2.1"] <= 2.1 < sizes["15"]
    (words,) = words_of(target.read_text())
    assert 2 <= words["shown"] < words["checkpoints"] == 31
    assert f"dense, seed 0: {words['shown']} of 31 are shown" in notes_of(target.read_text())


def test_fewer_steps_keep_the_first_and_the_last():
    arrays = {"steps": np.arange(0, 1000, 10), "input": np.zeros((100, 3, 7)), "curves": np.zeros((2, 100))}
    fewer = with_fewer_steps(arrays, 0.1)
    assert fewer["steps"][[0, -1]].tolist() == [0, 990] and 2 <= len(fewer["steps"]) <= 10
    assert len(fewer["input"]) == len(fewer["steps"]) and fewer["curves"].shape == (2, 100)
    assert with_fewer_steps(arrays, 1.0) is arrays


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--run", "{run}", "--out", "{run}/config.json/page.html"], 1, "config.json"),
        (["--run", "{run}", "--arms", "dens"], 2, "--arms: expected some of dense, grokked_ticket, random"),
        (["--run", "{run}/no_such"], 2, "no_such"),
        (["--run", "{run}", "--megabytes", "-1"], 2, "expected a number above 0, got '-1'"),
    ],
)
def test_bad_input_is_one_line(tiny_copy, capsys, arguments, code, said):
    filled = [each.replace("{run}", str(tiny_copy)) for each in arguments]
    try:
        got = main(filled)
    except SystemExit as end:
        got = end.code
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert got == code and len(error) == 1 and said in error[0]
    assert not (tiny_copy / "explorer.html").exists()


def test_a_run_without_networks_is_refused(tmp_path, new_run, capsys):
    recipe = read_recipe("modadd_fast", quick=True)[0]
    from training.schema.validation import to_dict

    run, _ = new_run(to_dict(recipe))
    assert main(["--run", str(run.path)]) == 1
    assert "no finished network" in capsys.readouterr().err


def test_a_notebook_shows_the_page_in_a_frame(tiny_copy, tmp_path, opened):
    page = explore(tiny_copy, arms=["dense"], height=500)
    frame = tmp_path / "notebook.html"
    frame.write_text(f"<!doctype html><body data-state=ready>{page._repr_html_()}</body>")
    shown = opened(frame)
    inner = shown.page.frame_locator("iframe")
    inner.locator("body[data-state=ready]").wait_for()
    assert inner.locator("h1").inner_text() == "Explorer: tiny"
    assert shown.page.locator("iframe").bounding_box()["height"] == 500
    assert shown.errors == []
    assert page.save(tmp_path / "saved.html").read_text() == page.content
