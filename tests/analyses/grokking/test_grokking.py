import json

import pandas as pd

from analyses.grokking.command import main
from analyses.loading.outcomes import read_outcomes
from analyses.loading.trained_network import open_networks
from analyses.speed.comparisons import arm_row


def test_times_of_every_arm_and_seed(tiny_run, tmp_path, capsys, planted):
    assert main(["--run", str(tiny_run), "--out", str(tmp_path), "--no-plot"]) == 0
    table = pd.read_parquet(tmp_path / "analyses" / "grokking.parquet").set_index(["arm", "seed"])
    for arm, times in planted["t_gen"].items():
        for seed, t_gen in enumerate(times):
            assert table.loc[(arm, seed), "t_mem_interval"] == "(50, 100]"
            wanted = f"({t_gen - 50}, {t_gen}]" if t_gen else "> 2000"
            assert table.loc[(arm, seed), "t_gen_interval"] == wanted
    assert table.loc[("dense", 1), "tau"] == 75
    assert table.loc[("random", 0), ["tau_lower", "test_acc", "train_acc"]].tolist() == [20, 0.1, 1]
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["dense", "1", "(50,", "100]", "(7450,", "7500]", "75.0", "1.00", "1.00"] in lines
    assert ["random", "0", "(50,", "100]", ">", "2000", ">", "20.0", "1.00", "0.100"] in lines


def test_an_arm_that_was_skipped_is_said(tiny_copy, capsys):
    for seed in (0, 1):
        folder = tiny_copy / "arms" / "random" / f"seed_{seed}"
        record = json.loads((folder / "DONE").read_text())
        (folder / "DONE").unlink()
        (folder / "SKIPPED").write_text(json.dumps({"hash": record["hash"], "reason": "its source was lost"}))
    assert main(["--run", str(tiny_copy), "--no-plot"]) == 0
    out, err = capsys.readouterr()
    assert "random seed 0: its source was lost" in out and "random seed 0: left out: not trained" in err
    assert ["random", "1", "-", "skipped", "-", "-", "-"] in [line.split() for line in out.splitlines()]


def test_what_ended_after_the_networks_were_opened_is_not_done(tiny_run):
    run, networks = open_networks(str(tiny_run))
    rows, curves = read_outcomes(run, networks[:1], None)
    assert list(curves) == [(networks[0].arm, networks[0].seed)]
    assert [row["status"] for row in rows] == ["done"] + ["half trained"] * (len(rows) - 1)
    of_arms = [arm_row(networks[0].recipe, rows, arm) for arm in networks[0].recipe.arms]
    assert [row["n"] for row in of_arms] == [1] + [0] * (len(of_arms) - 1)
