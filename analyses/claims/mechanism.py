"""Claims about the mechanism of modular addition: H1 to H4 and H8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.claims.findings import Limit, amount, by_seed, every_seed
from analyses.tables.long_format import first_and_last, groups, records
from interp.statistics.censored_times import Bounded

STAGE_ENDS = {"stage_1_end": 1_744, "stage_2_end": 9_431}
"""Published of p = 23."""
NEAR = 0.25
"""Stage ends count as near within this share of the published ones."""
PLATEAU = 0.7368
"""Published of p = 23, in these digits."""
EXACT = (3, 5)
"""Neurons of every frequency for which the closed form holds: 3, and from 5 on."""


def features(means: pd.DataFrame, spectra: pd.DataFrame) -> list[Finding]:
    """H1, from the tables of `analyses.phases` and `analyses.fourier`.

    The published IPR is the mean over both maps: that, and neither map's own, has its digits from step 0 on.
    """
    _, phases = first_and_last(means)
    _, last = first_and_last(spectra)
    both = last.groupby("seed")["ipr_frequency"].mean().reset_index()
    published = Limit(0.63, 0.67)
    return [
        every_seed("neurons of one frequency", Limit(0.97), by_seed(phases, "same_frequency")),
        every_seed("IPR, mean over both weights", published, by_seed(both, "ipr_frequency")),
        *(
            _beside(f"IPR of the {name} weights", published, by_seed(own, "ipr_frequency"))
            for (name,), own in groups(last, ["map"])
        ),
    ]


def alignment(means: pd.DataFrame) -> list[Finding]:
    """H2, from the table of `analyses.phases`."""
    first, last = first_and_last(means)
    chance = 2 / np.pi
    return [
        every_seed("mean |sin D|", Limit(most=0.12), by_seed(last, "mean_abs_sin")),
        every_seed("mean cos D", Limit(0.98), by_seed(last, "mean_cos")),
        every_seed(
            "mean |sin D| at the start",
            Limit(round(chance - 0.03, 4), round(chance + 0.03, 4)),
            by_seed(first, "mean_abs_sin"),
        ),
    ]


def diversity(means: pd.DataFrame) -> list[Finding]:
    """H3, likewise; the resultants of the phases stand beside, over what independent phases have."""
    _, last = first_and_last(means)
    over = {order: last.assign(over=last[f"R_{order}"] / last["rayleigh"]) for order in range(1, 5)}
    return [
        every_seed("p of χ²", Limit(0.01, strict=True), by_seed(last, "chi2_p_value")),
        *(
            _beside(f"R{order} over Rayleigh", Limit(most=1, strict=True), by_seed(own, "over"))
            for order, own in over.items()
        ),
    ]


def indicator(fits: pd.DataFrame, ideal: pd.DataFrame) -> list[Finding]:
    """H4: ideal neurons decide; how near the trained networks of each arm come stands beside."""
    three, more = EXACT
    exact = ideal[(ideal["n_neurons"] == three) | (ideal["n_neurons"] >= more)]
    _, last = first_and_last(fits)
    trained = [
        _beside(f"{words} of {arm}", limit, by_seed(own, column))
        for (arm,), own in groups(last, ["arm"])
        for column, words, limit in (("ratio", "ghost / main", Limit(0.45, 0.55)), ("r2", "R²", Limit(0.9)))
    ]
    error, most = float(exact["error"].max()), exact["n_neurons"].max()
    return [
        Finding(
            name=f"error of the closed form: {three}, {more} to {most} neurons of each frequency",
            expected="at most 1e-10",
            value=amount(error),
            n=0,
            held=int((exact["error"] <= 1e-10).sum()),
            of=len(exact),
        ),
        *trained,
    ]


def stages(ends: pd.DataFrame, checkpoints: pd.DataFrame) -> list[Finding]:
    """H8, from the tables of `analyses.stages`."""
    n = len(ends)
    found = [
        every_seed(
            f"end of stage {place} (published: {published:,})",
            Limit(round(published * (1 - NEAR)), round(published * (1 + NEAR))),
            {int(row["seed"]): _time(row, name) for row in records(ends)},
        )
        for place, (name, published) in enumerate(STAGE_ENDS.items(), start=1)
    ]
    memorised = checkpoints[checkpoints["train_acc"] == 1].groupby("seed")["test_acc"].first()
    there = memorised.reindex(ends["seed"]) - ends.set_index("seed")["plateau"]
    sooner = [
        _time(row, "common").bound == "=" and row["common"] <= row["rare_after"] for row in records(ends)
    ]
    return [
        *found,
        Finding(
            name="|test-sym| / |test|",
            expected=f"{PLATEAU}, as published",
            value=_by_seed(ends["plateau"], ".4f"),
            n=n,
            held=int((ends["plateau"].round(4) == PLATEAU).sum()),
            of=n,
        ),
        Finding(
            name="test accuracy less that, when the training set is known",
            expected="0 to 1e-12",
            value=_by_seed(there, ".1g"),
            n=n,
            held=int((there.abs() <= 1e-12).sum()),
            of=n,
        ),
        Finding(
            name="common and rare pairs memorised at",
            expected="common first",
            value=f"{_by_seed(ends['common'], ',.0f')} against {_by_seed(ends['rare'], ',.0f')}",
            n=n,
            held=sum(sooner),
            of=n,
        ),
        _beside(
            "step of the largest norm over that of stage 2's end",
            Limit(1 - NEAR, 1 + NEAR),
            by_seed(ends.assign(over=ends["norm_peak_step"] / ends["stage_2_end"]).dropna(), "over"),
        ),
        _beside("test accuracy at the end (published: .9624)", Limit(0.95), by_seed(ends, "test_acc")),
    ]


def _beside(name: str, limit: Limit, found: Mapping[int, Bounded]) -> Finding:
    """Reported, without bearing on the verdict."""
    return replace(every_seed(name, limit, found), beside=True)


def _time(row: Mapping[str, Any], name: str) -> Bounded:
    """A step, or the budget within which it never came."""
    at = row[name]
    return Bounded(float(row[f"{name}_after"]), ">") if pd.isna(at) else Bounded(float(at))


def _by_seed(values: pd.Series, form: str) -> str:
    return f"{', '.join(format(value, form) for value in values)} (by seed)"


CLAIMS = (
    Claim(
        id="H1",
        words="neurons are Fourier features",
        holds_when="input and output frequency agree for at least 97 % of the neurons; IPR .63 to .67, as a "
        "mean over input and output weights",
        kind="hard",
        evidence=(Evidence("h_standard", (("phases", ".parquet"), ("fourier", ".parquet")), features),),
    ),
    Claim(
        id="H2",
        words="output phases are twice the input phases",
        holds_when="mean |sin D| at most .12 and mean cos D at least .98; 2/π within .03 at the start",
        kind="hard",
        evidence=(Evidence("h_standard", (("phases", ".parquet"),), alignment),),
    ),
    Claim(
        id="H3",
        words="neurons spread over frequencies and phases",
        holds_when="χ² against uniform frequencies has p above .01; R of the phases beside its Rayleigh "
        "baseline",
        kind="medium",
        evidence=(Evidence("h_standard", (("phases", ".parquet"),), diversity),),
    ),
    Claim(
        id="H4",
        words="the output of ideal neurons is the flawed indicator",
        holds_when="ideal neurons give it to 1e-10; of trained networks the fitted ratio is reported",
        kind="hard",
        evidence=(Evidence("h_quad", (("logits", ".parquet"), ("logits", "_ideal.parquet")), indicator),),
    ),
    Claim(
        id="H8",
        words="grokking has three stages, and memorisation its classes",
        holds_when="stages end within a quarter of the published steps; test accuracy waits at exactly the "
        "share of test pairs whose other order is trained on; common pairs are memorised before rare ones",
        kind="hard",
        evidence=(Evidence("h_grokking", (("stages", "_ends.parquet"), ("stages", ".parquet")), stages),),
    ),
)
