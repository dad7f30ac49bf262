"""Verdicts on planted tables: a claim that holds, fails, holds partly, or of which nothing is known."""

import math

import numpy as np
import pandas as pd
import pytest

from analyses.claims import fourier, graphs, masks, mechanism, norms, other_conditions, progress, speed
from analyses.claims.claim import Finding, verdict
from analyses.claims.findings import Limit, amount, every_seed, median, ratio
from analyses.claims.registry import CLAIMS
from analyses.speed.comparisons import arm_row, compare, comparisons
from interp.statistics.censored_times import Bounded, CensoredTimes, median_time
from training.config.build_recipe import recipe_from_dict

TICKET = {"method": "magnitude", "source": "dense"}
ARMS = {"dense": {}, "grokked_ticket": TICKET, "random": {"method": "random"}}


def network(arm, seed, t_mem, t_gen, steps=30_000, status="done", test_acc=1.0, sparsity=0.6):
    """A row of `analyses.grokking`; None for a time that never came."""
    row = {"arm": arm, "seed": seed, "status": status, "sparsity": sparsity, "steps": steps}
    row |= {"t_mem": t_mem, "t_gen": t_gen, "train_acc": 1.0, "test_acc": test_acc}
    row |= {f"{name}_after": at - 10 if at else steps for name, at in (("t_mem", t_mem), ("t_gen", t_gen))}
    tau = t_gen / t_mem if t_mem and t_gen else None
    return row | {"tau": tau, "tau_lower": steps / t_mem if t_mem else 0.0, "tau_upper": tau or math.inf}


def speed_tables(rows, arms=ARMS):
    """What `analyses.speed` makes of such rows: over seeds, by seed, and of every arm."""
    content = {"name": "planted", "seeds": [0, 1, 2], "task": {"name": "add", "p": 7}, "arms": arms}
    recipe = recipe_from_dict(content | {"model": {"d_emb": 4, "d_mlp": 3}})
    pairs = list(comparisons(recipe, list(arms), None))
    compared = [compare(rows, pair, quantity) for pair in pairs for quantity in ("t_gen", "t_mem", "tau")]
    by_seed = [row for _, own in compared for row in own]
    return tuple(
        map(pd.DataFrame, ([r for r, _ in compared], by_seed, [arm_row(recipe, rows, a) for a in arms]))
    )


def judged(findings, complete=True):
    return verdict(findings, complete)


def counts(findings):
    return [(finding.held, finding.of) for finding in findings if not finding.beside]


DENSE = [network("dense", seed, 90, t_gen) for seed, t_gen in enumerate((14_000, 20_000, 29_000))]


# what verdicts are made of


def test_limits_judge_bounds_only_where_they_decide():
    assert Limit(5).holds(Bounded(6.0, ">")) and not Limit(5).holds(Bounded(4.0, ">"))
    assert not Limit(5).holds(Bounded(6.0, "<")) and Limit(most=5).holds(Bounded(4.0, "<"))
    assert not Limit(1, 5).holds(Bounded(2.0, ">")) and Limit(1, 5).holds(Bounded(5.0))
    assert not Limit(most=0.5, strict=True).holds(Bounded(0.5))
    assert [str(Limit(12_000, 30_000)), str(Limit(0.8))] == ["12,000 to 30,000", "at least 0.8"]
    assert [amount(x) for x in (90.0, 20_470.0, 0.0391, 1_234.5)] == ["90", "20,470", "0.039", "1,234"]


def found(held, of, beside=False):
    return Finding(name="x", expected="y", value="z", n=of, held=held, of=of, beside=beside)


@pytest.mark.parametrize(
    ("findings", "complete", "said"),
    [
        ([found(3, 3), found(1, 1)], True, "reproduced"),
        ([found(3, 3), found(0, 3, beside=True)], True, "reproduced"),
        ([found(3, 3), found(2, 3)], True, "partly"),
        ([found(3, 3), found(0, 0)], True, "partly"),
        ([found(3, 3)], False, "partly"),
        ([found(0, 3), found(0, 0)], False, "not reproduced"),
        ([found(0, 0), found(3, 3, beside=True)], True, "not measured"),
        ([], True, "not measured"),
    ],
)
def test_verdict_of_findings(findings, complete, said):
    assert verdict(findings, complete) == said


def test_a_median_over_censored_seeds_is_a_bound():
    finding = every_seed(
        "t_gen", Limit(most=500), {0: Bounded(100.0), 1: Bounded(900.0, ">"), 2: Bounded(900.0, ">")}
    )
    assert (finding.value, finding.interval) == ("> 900", "100 to > 900 (seeds)")
    assert (finding.held, finding.of, finding.n) == (1, 3, 3)


@pytest.mark.parametrize("values", [[3.0], [1.0, 2.0], [5.0, 1.0, 3.0], [4.0, 1.0, 2.0, 3.0]])
def test_of_known_numbers_the_median_is_that_of_kaplan_and_meier_and_they_may_be_negative(values):
    times = median_time(CensoredTimes(np.array(values), np.full(len(values), True)))
    assert median({seed: Bounded(x) for seed, x in enumerate(values)}) == times
    below = median({seed: Bounded(x - 9) for seed, x in enumerate(values)})
    assert below == Bounded(times.value - 9)


def test_every_claim_is_told_once():
    ids = [claim.id for claim in CLAIMS]
    wanted = {f"M{i}" for i in range(1, 15)} | {"M1f", "N1"} | {f"H{i}" for i in range(1, 9)}
    assert len(ids) == len(set(ids)) and set(ids) == wanted
    assert all(claim.evidence and claim.words and claim.holds_when for claim in CLAIMS)


# M1 to M7


def test_m1():
    late = speed.groks_late(pd.DataFrame(DENSE))
    assert judged(late) == "reproduced" and counts(late) == [(3, 3), (1, 1), (3, 3)]
    assert late[1].value == "20,000" and late[1].interval == "14,000 to 29,000 (seeds)"
    early = [network("dense", seed, 300, 4_000) for seed in range(3)]
    assert judged(speed.groks_late(pd.DataFrame(early))) == "not reproduced"
    censored = [*DENSE[:1], *(network("dense", seed, 90, None) for seed in (1, 2))]
    assert counts(speed.groks_late(pd.DataFrame(censored))) == [(3, 3), (0, 1), (3, 3)]


def test_m1f_looks_at_the_shuffled_network_when_the_ticket_is_at_its_best():
    rows = [
        network(arm, 0, 90, t) for arm, t in (("dense", 5_000), ("grokked_ticket", 200), ("shuffled", None))
    ]
    steps = {"step": [0, 100, 200, 300]}
    ticket = pd.DataFrame(steps | {"test_acc": [0, 0.9, 1, 1], "arm": "grokked_ticket", "seed": 0})
    late, soon = ([0, 0.1, 0.4, 0.9], [0, 0.1, 0.6, 0.9])
    for accuracies, said in ((late, "reproduced"), (soon, "partly")):
        shuffled = pd.DataFrame(steps | {"test_acc": accuracies, "arm": "shuffled", "seed": 0})
        assert judged(speed.fast_recipe(pd.DataFrame(rows), pd.concat([ticket, shuffled]))) == said


def test_m2_counts_every_seed():
    rows = [*DENSE, *(network("grokked_ticket", seed, 100, t) for seed, t in enumerate((700, 2_000, 8_000)))]
    compared, pairs, _ = speed_tables(rows)
    findings = speed.removes_delay(pd.DataFrame(rows), compared, pairs)
    assert counts(findings) == [(2, 3), (2, 3)] and judged(findings) == "partly"
    assert "95 % BCa" in findings[0].interval


def test_m3_and_m4_over_sparsities():
    def arms(times):
        """By sparsity, t_mem and t_gen of all seeds; pruned arms only."""
        recipe_arms = {"dense": {}} | {f"ticket_{s}": TICKET | {"sparsity": s} for s in times}
        rows = DENSE + [
            network(f"ticket_{s}", seed, t_mem, t_gen)
            for s, (t_mem, t_gen) in times.items()
            for seed in range(3)
        ]
        return speed_tables(rows, recipe_arms)[2]

    as_told = arms({0.3: (110, 2_000), 0.5: (100, 600), 0.7: (150, 450), 0.9: (900, None)})
    assert judged(speed.slower_when_sparser(as_told)) == "reproduced"
    assert judged(speed.best_sparsity(as_told)) == "reproduced"
    best, worst = speed.best_sparsity(as_told)
    assert best.value == "0.7, where it is 3" and worst.value == "> 11.1"
    otherwise = arms({0.5: (200, 300), 0.7: (150, 450), 0.9: (100, 400)})
    assert judged(speed.slower_when_sparser(otherwise)) == "not reproduced"
    assert counts(speed.best_sparsity(otherwise)) == [(0, 1), (0, 1)]
    assert judged(speed.best_sparsity(arms({}))) == "not measured"


def test_m3_of_t_mem_by_seed():
    rows = [*DENSE, *(network("grokked_ticket", seed, t, 500) for seed, t in enumerate((130, 72, 71)))]
    assert counts(speed.memorises_no_faster(pd.DataFrame(rows))) == [(2, 3)]


def test_m5_tells_every_step_and_counts_pooled_and_seeds():
    rows = [{"step": 500, "seed": seed, "spearman": r} for seed, r in ((0, 0.9), (1, 0.79), (None, 0.95))]
    rows += [{"step": 1_000, "seed": seed, "spearman": None} for seed in (0, 1, None)]
    at_500, at_1000 = speed.timing({"correlations": rows})
    assert (at_500.held, at_500.of, at_500.value) == (2, 3, "0.950 pooled")
    assert at_1000.of == 0 and judged([at_500, at_1000]) == "partly"
    assert judged(speed.timing({"correlations": []})) == "not measured"


@pytest.mark.parametrize(
    ("random", "said", "value"),
    [
        ([None, None, None], "reproduced", "> 60"),  # bounds count: never within 60 times the ticket's steps
        ([None, 9_000, 2_500], "reproduced", "> "),
        ([None, None, 2_400], "partly", "> "),
        ([500, 600, 700], "not reproduced", "1.19"),
    ],
)
def test_m6_and_m7_count_bounds(random, said, value):
    rows = DENSE + [network("grokked_ticket", seed, 90, 500) for seed in range(3)]
    rows += [network("random", seed, 90, t_gen) for seed, t_gen in enumerate(random)]
    compared, pairs, _ = speed_tables(rows)
    findings = speed.later_than_ticket("random")(compared, pairs)
    assert judged(findings) == said and findings[0].value.startswith(value)


def test_a_ratio_of_which_nothing_is_known_does_not_hold():
    rows = [network(arm, 0, 90, None) for arm in ARMS]
    compared, pairs, _ = speed_tables(rows)
    finding = ratio("x", Limit(5), compared, pairs, "ticket", "random")
    assert (finding.value, finding.held, finding.of) == ("none generalised", 0, 1)
    assert ratio("x", Limit(5), compared.iloc[:0], pd.DataFrame(), "ticket", "random").of == 0


# M8 to M10, M14


def test_m8_readings_that_disagree_are_partly():
    row = {"l2": "kept_l2", "l1": "kept_l1", "n": 9, "l2_log_sd": 0.07, "l1_log_sd": 0.06, "smaller": "l1"}
    other = row | {"l1": "l1", "l1_log_sd": 0.1, "smaller": "l2"}
    assert judged(norms.zones({"comparisons": [row, other]})) == "partly"
    assert judged(norms.zones({"comparisons": [other]})) == "reproduced"
    assert judged(norms.zones({"comparisons": []})) == "not measured"


def test_m9_judges_the_whole_mask_and_tells_its_matrices():
    rows = [
        {"arm": "dense", "seed": seed, "layer": "global", "lag": 2_000, "holds": True} for seed in range(3)
    ]
    matrix = [row | {"layer": "W_U", "lag": -8_000, "holds": False} for row in rows]
    other = [row | {"arm": "edge_popup", "holds": False} for row in rows]
    findings = masks.turnover(pd.DataFrame(matrix + rows + other))
    assert judged(findings) == "reproduced" and [f.beside for f in findings] == [False, True]
    assert findings[1].value == "-8,000, -8,000, -8,000 (by seed)" and findings[1].held == 0
    unknown = pd.DataFrame([row | {"lag": None, "holds": None} for row in rows])
    assert judged(masks.turnover(unknown)) == "not measured"


def test_m10_a_curve_that_never_falls_is_never_first():
    def falls(ticket, dense):
        rows = {"grokked_ticket": ticket, "dense": dense}
        ways = ("half_fall_step", "dense_level_step")
        return {
            "falls": [{"arm": a, "seed": 0, "map": "input"} | dict.fromkeys(ways, t) for a, t in rows.items()]
        }

    assert judged(fourier.early(falls(200, 20_000))) == "reproduced"
    assert judged(fourier.early(falls(200, None))) == "reproduced"
    assert judged(fourier.early(falls(None, 20_000))) == "not reproduced"
    assert judged(fourier.early({"falls": []})) == "not measured"


def test_m14_compares_a_trend_with_those_of_its_nulls():
    row = {"where": "layered", "statistic": "latapy_clustering", "n_seeds": 3, "value_spearman": 0.9}
    up = row | {"density_z_spearman": 0.8, "degree_z_spearman": 0.5}
    down = up | {"statistic": "average_path_length", "degree_z_spearman": -0.5}
    flat = up | {"statistic": "dead_units", "density_z_spearman": None, "degree_z_spearman": None}
    together, *each = graphs.trends({"trends": [up, down, flat, down | {"where": "folded"}]})
    assert (together.value, together.held, together.of) == ("path length", 1, 2)
    assert [f.value for f in each] == ["+0.90 (z +0.80, +0.50)", "+0.90 (z +0.80, -0.50)"]
    assert judged(graphs.trends({"trends": [flat]})) == "not measured"


# M11 to M13


def test_m11_takes_the_best_sparsity_within_the_range():
    accuracies = {0.5: (1, 1, 1), 0.7: (0.99, 1, 0.5), 0.8: (0.99, 0.995, 1), 0.9: (1, 1, 1)}
    rows = [
        network(f"ticket_{s}", seed, 90, 500, test_acc=a, sparsity=s)
        for s, own in accuracies.items()
        for seed, a in enumerate(own)
    ]
    low = pd.DataFrame({"arm": "dense_no_wd", "seed": [0, 0, 1, 2], "step": 0, "test_acc": [0.1, 0.49, 0, 0]})
    findings = other_conditions.without_decay(pd.DataFrame(rows), low)
    assert judged(findings) == "reproduced" and findings[0].name.startswith("ticket 0.8")
    assert [f.name for f in findings if f.beside] == ["ticket 0.7, final test accuracy"]
    high = low.assign(test_acc=0.5)
    assert judged(other_conditions.without_decay(pd.DataFrame(rows), high)) == "partly"
    assert counts(other_conditions.without_decay(pd.DataFrame(rows[:3]), low)) == [(0, 0), (3, 3)]


@pytest.mark.parametrize(
    ("n_changed", "accuracy", "said"),
    [(0, 0.8, "reproduced"), (1, 0.8, "partly"), (0, 0.79, "partly"), (1, 0.79, "not reproduced")],
)
def test_m12_wants_the_bits_and_the_accuracy(n_changed, accuracy, said):
    frozen = pd.DataFrame({"arm": ["edge_popup"], "seed": [0], "n_changed": [n_changed], "n_kept": [100]})
    curves = pd.DataFrame(
        {"arm": "edge_popup", "seed": 0, "step": [0, 2_000, 2_010], "test_acc": [0, accuracy, 1]}
    )
    assert judged(other_conditions.edge_popup(frozen, curves)) == said
    assert judged(other_conditions.edge_popup(frozen.iloc[:0], curves.iloc[:0])) == "not measured"


def test_m13_a_ticket_that_could_not_be_taken_does_not_hold():
    rows = [network("dense", seed, 90, None) for seed in range(3)]
    rows += [network("grokked_ticket", seed, None, None, status="skipped") for seed in range(3)]
    compared, pairs, _ = speed_tables(rows)
    (finding,) = other_conditions.halves("polynomial", "grokked_ticket")(pd.DataFrame(rows), compared, pairs)
    assert (finding.held, finding.of) == (0, 3) and finding.value == "no ticket: dense never generalised"
    waiting = pd.DataFrame([row | {"status": "not trained"} for row in rows])
    (finding,) = other_conditions.halves("polynomial", "grokked_ticket")(waiting, compared, pairs)
    assert finding.of == 0


def test_m13_needs_three_operations_in_every_seed():
    names = other_conditions.OPERATIONS
    arms = {f"{name}_dense": {} for name in names}
    arms |= {f"{name}_ticket": {"method": "magnitude", "source": f"{name}_dense"} for name in names}

    def findings(n_halved):
        rows = [network(f"{name}_dense", seed, 90, 10_000) for name in names for seed in range(3)]
        rows += [
            network(f"{name}_ticket", seed, 90, 5_000 if place < n_halved else 5_010)
            for place, name in enumerate(names)
            for seed in range(3)
        ]
        compared, pairs, _ = speed_tables(rows, arms)
        return other_conditions.operations(pd.DataFrame(rows), compared, pairs)

    assert judged(findings(3)) == "reproduced" and judged(findings(2)) == "not reproduced"
    assert findings(3)[0].value == "3 of 4" and len(findings(3)) == 5


# N1


def moves(arm="dense", seed=0, **steps):
    """A row of the progress summary: by loss, the interval of its half fall, or None; and decades risen."""
    row = {"arm": arm, "seed": seed, "excluded_moves": steps.pop("decades", 4.4)}
    for loss in (
        "test",
        "excluded",
        *(f"restricted_{name}" for name in ("sum2", "block4", "block8", "neuron_sum2")),
    ):
        after, at = steps.get(loss, (6_800, 7_200)) or (40_000, None)
        row |= {f"{loss}_half_after": after, f"{loss}_half_step": at}
    return row


TEST = (7_600, 8_000)


@pytest.mark.parametrize(
    ("row", "held"),
    [
        (moves(test=TEST), [1, 1, 1]),
        (moves(test=TEST, restricted_sum2=(7_200, 7_600)), [1, 1, 1]),
        (moves(test=TEST, restricted_sum2=(7_400, 7_800)), [0, 1, 1]),  # the intervals overlap
        (moves(test=TEST, excluded=(8_000, 8_400)), [1, 1, 0]),
        (moves(test=TEST, decades=0.9), [1, 0, 1]),
        (moves(test=TEST, restricted_sum2=None, excluded=None, decades=None), [0, 0, 0]),
        (moves(test=None), [0, 1, 0]),
        (moves("grokked_ticket", test=TEST), []),
    ],
)
def test_n1(row, held):
    findings = progress.signs_of_progress({"moves": [row]})
    assert [own.held for own in findings if not own.beside] == (held or [0, 0, 0])
    assert [own.of for own in findings if not own.beside] == ([1, 1, 1] if held else [0, 0, 0])
    expected = {3: "reproduced", 0: "not reproduced"}.get(sum(held), "partly")
    assert judged(findings) == (expected if held else "not measured")


def test_n1_says_intervals_of_every_seed():
    rows = [moves(test=TEST), moves(seed=1, test=(None, 200), restricted_sum2=None)]
    first = progress.signs_of_progress({"moves": rows})[0]
    assert first.value == "6,800–7,200 against 7,600–8,000; never against 0–200"
    assert (first.held, first.of, first.n) == (1, 2, 2)


# H1 to H4, H8


def curves(**columns):
    """A table of one network's first and last checkpoint."""
    return pd.DataFrame({"arm": "dense", "seed": 42, "step": [0, 5_000]} | columns)


@pytest.mark.parametrize(
    ("share", "input_ipr", "said"),
    [
        (0.98, 0.62, "reproduced"),
        (0.96, 0.62, "partly"),
        (0.98, 0.66, "partly"),
        (0.96, 0.5, "not reproduced"),
    ],
)
def test_h1_takes_the_mean_of_both_maps_at_the_end(share, input_ipr, said):
    spectra = [
        curves(map=name, ipr_frequency=[0.17, ipr]) for name, ipr in (("input", input_ipr), ("output", 0.69))
    ]
    found = mechanism.features(curves(same_frequency=[0.1, share]), pd.concat(spectra))
    assert judged(found) == said and [f.beside for f in found] == [False, False, True, True]


@pytest.mark.parametrize(
    ("sin", "cos", "said"),
    [
        ([0.64, 0.09], [0.0, 0.99], "reproduced"),
        ([0.64, 0.09], [0.0, -0.99], "partly"),  # opposed phases have the same sines
        ([0.5, 0.2], [0.0, 0.9], "not reproduced"),
    ],
)
def test_h2_wants_the_cosine_and_the_start(sin, cos, said):
    assert judged(mechanism.alignment(curves(mean_abs_sin=sin, mean_cos=cos))) == said


def test_h3_is_judged_by_the_counts_and_tells_the_resultants():
    def found(p_value):
        resultants = {f"R_{order}": [0.5, 0.1 * order] for order in range(1, 5)}
        table = curves(chi2_p_value=[0.5, p_value], rayleigh=[0.25, 0.25], **resultants)
        return mechanism.diversity(table)

    assert [judged(found(p)) for p in (0.02, 0.01)] == ["reproduced", "not reproduced"]
    assert [f.held for f in found(0.02) if f.beside] == [1, 1, 0, 0]


def test_h4_is_about_ideal_neurons_and_tells_trained_ones():
    ideal = pd.DataFrame({"n_neurons": range(1, 9), "error": [1, 1, 1e-14, 1, *[1e-13] * 4]})
    fits = curves(ratio=[9.0, 0.2], r2=[0.0, 0.95])
    exact, *trained = mechanism.indicator(fits, ideal)
    assert (exact.held, exact.of) == (5, 5) and [(f.beside, f.held) for f in trained] == [
        (True, 0),
        (True, 1),
    ]
    wrong = ideal.assign(error=ideal["error"].where(ideal["n_neurons"] != 3, 1e-9))
    assert judged(mechanism.indicator(fits, wrong)) == "partly"


def stages_found(**changes):
    row = {"arm": "dense", "seed": 42, "stage_1_end": 1_750, "stage_2_end": 10_210, "plateau": 98 / 133}
    row |= {
        "stage_1_end_after": 1_740,
        "stage_2_end_after": 10_200,
        "norm_peak_step": 9_400,
        "test_acc": 0.96,
    }
    row |= {"common": 600, "common_after": 500, "rare": 2_000, "rare_after": 1_900}
    stuck = changes.pop("stuck_at", 98 / 133)
    table = pd.DataFrame(
        {"seed": 42, "step": range(4), "train_acc": [0.1, 1, 1, 1], "test_acc": [0, stuck, 0.8, 1]}
    )
    return mechanism.stages(pd.DataFrame([row | changes]), table)


def test_h8_holds_and_fails_part_by_part():
    assert judged(stages_found()) == "reproduced"
    for changes in (
        {"stage_1_end": 2_500},
        {"stage_2_end": math.nan, "stage_2_end_after": 50_000},
        {"plateau": 0.7},
        {"stuck_at": 0.74},
        {"common_after": 1_900, "common": 2_000},
        {"common": math.nan, "common_after": 50_000},
    ):
        assert judged(stages_found(**changes)) == "partly", changes
    assert judged(stages_found(rare=math.nan, rare_after=50_000)) == "reproduced"
