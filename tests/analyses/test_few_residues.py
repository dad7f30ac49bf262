"""Analyses of networks on three and five residues, adopted as a single checkpoint."""

import json

import pandas as pd
import pytest
import torch
from builders import drawn, run_analysis, table_files

from figures.catalogue.registry import FIGURES
from figures.drawing.render import draw_picture
from training.adopt.command import main as adopt

NAMES = {3: ("fourier", "progress"), 5: ("fourier", "lottery", "progress", "speed")}
DRAWN = ("fourier", "lottery", "speed")
"""Figures whose axis of steps would be empty with one checkpoint, at step 0."""
REASONS = {"fourier": "there is no entropy_paper", "progress": "there is no circularity"}


@pytest.mark.parametrize("p", [3, 5])
def test_missing_quantities_are_left_out_with_their_reason(p, tmp_path):
    torch.save(drawn({"W_E": (p, 6), "W_in": (6, 5), "W_out": (5, 6), "W_U": (6, p)}), tmp_path / "w.pt")
    run = tmp_path / "run"
    options = ["--model", "embed_mlp", "--p", str(p), "--metrics", "--frac-train", "0.5"]
    assert adopt([str(tmp_path / "w.pt"), *options, "--out", str(run)]) == 0
    for name in NAMES[p]:
        done = run_analysis(name, run)
        assert done.code == 0, done.err
        json.loads((run / "analyses" / f"{name}.json").read_text(), parse_constant=pytest.fail)
        if name in REASONS:
            assert (REASONS[name] in " ".join(done.out.split())) == (p == 3)
    for table, column in (("fourier", "entropy_paper"), ("progress", "circularity")):
        values = pd.read_parquet(run / "analyses" / f"{table}.parquet")[column]
        assert values.isna().all() == (p == 3) and (p == 3 or values.notna().all())
    for name in DRAWN if p == 5 else ():
        assert draw_picture(
            FIGURES[name], table_files(run, FIGURES[name].tables), tmp_path / name, preview=True
        )
    weights = pd.read_parquet(run / "analyses" / "fourier_input_weights.parquet")
    assert len(weights) == 5 * p and set(weights["step"]) == {0}
