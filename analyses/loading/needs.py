"""Needs of analyses and columns, and the one gate that leaves out networks that lack them.

A need is a name in `NEEDS`. An analysis, a table or a column declares the names of what it needs; a network
without one of them is left out by name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyses.loading.pairs import is_of_all_pairs, sum_signs
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, names

if TYPE_CHECKING:
    from analyses.tables.schema import Analysis
    from training.inspection.trained_network import Network

OTHER_ARMS = "--arms chooses other networks"


@dataclass(frozen=True)
class Need:
    """Property of a network that a measure needs."""

    expected: str
    """The property in words, as "a task over residues mod p"."""
    instead: Callable[[Network], str | None]
    """Returns what a network has instead, in words; None if it has the property."""
    cure: str = OTHER_ARMS
    """What to do where no network has it."""


@dataclass(frozen=True)
class LeftOut:
    """Network that an analysis leaves out, or columns of it that stay empty."""

    arm: str
    seed: int
    reason: str
    """What was expected, and what the network has instead."""
    cure: str
    columns: tuple[str, ...] = ()
    """Columns and tables without values for the network; empty if it is left out of all tables."""

    @property
    def network(self) -> str:
        """Name of the network, as "dense seed 0"."""
        return f"{self.arm} seed {self.seed}"

    @property
    def record(self) -> dict[str, str | int]:
        """Return the entry of a summary."""
        return {
            "arm": self.arm,
            "seed": self.seed,
            "columns": ", ".join(self.columns) or "all",
            "reason": self.reason,
        }


def lacks(network: Network, need: str) -> str | None:
    """Return why a network lacks what a measure needs; None if it has it.

    Raises
    ------
    ConfigError
        If there is no such need; the message lists those there are.
    """
    if need not in NEEDS:
        raise ConfigError(f"needs: expected some of {names(NEEDS)}, got {need!r}")
    instead = NEEDS[need].instead(network)
    return None if instead is None else f"expected {NEEDS[need].expected}, got {instead}"


def admitted(analysis: Analysis, networks: Sequence[Network]) -> tuple[list[Network], list[LeftOut]]:
    """Return the networks that an analysis can read, and those and the columns that are left out.

    Every left-out network is named on stderr, with the reason.

    Raises
    ------
    RunError
        If none can be read.
    """
    ready, left_out = [], []
    for network in networks:
        missing = _first_lack(network, analysis.needs)
        if missing is not None:
            left_out.append(LeftOut(network.arm, network.seed, *missing))
            continue
        ready.append(network)
        for need, columns in _columns_by_need(analysis).items():
            if (reason := lacks(network, need)) is not None:
                entry = LeftOut(network.arm, network.seed, reason, NEEDS[need].cure, tuple(columns))
                left_out.append(entry)
    if not ready:
        path = networks[0].files.path.parents[2]
        raise RunError(f"{path}: no network that {analysis.name} can read: {_sentences(left_out)}")
    for line in _by_reason(left_out):
        print(line, file=sys.stderr)
    return ready, left_out


def _first_lack(network: Network, needs: Sequence[str]) -> tuple[str, str] | None:
    """Return the reason and the cure of the first need that a network lacks."""
    for need in needs:
        if (reason := lacks(network, need)) is not None:
            return reason, NEEDS[need].cure
    return None


def _columns_by_need(analysis: Analysis) -> dict[str, dict[str, None]]:
    """Return the names of tables and columns that need more than the analysis, by need."""
    columns: dict[str, dict[str, None]] = {}
    for table in analysis:
        declared = [(table.name, table.needs), *((column.name, column.needs) for column in table.columns)]
        for name, needs in declared:
            for need in needs:
                columns.setdefault(need, {})[name] = None
    return columns


def _by_reason(left_out: Sequence[LeftOut]) -> list[str]:
    """Return a line per reason and columns, with all networks that it holds for."""
    return [
        f"{', '.join(networks)}: {f'{columns} ' if columns else ''}left out: {reason}"
        for (reason, columns), networks in _networks_by(left_out).items()
    ]


def _sentences(left_out: Sequence[LeftOut]) -> str:
    """Return the reasons of all networks, and what to do, in one line."""
    reasons = [f"{', '.join(found)}: {reason}" for (reason, _), found in _networks_by(left_out).items()]
    return "; ".join([*reasons, *dict.fromkeys(entry.cure for entry in left_out)])


def _networks_by(left_out: Sequence[LeftOut]) -> dict[tuple[str, str], list[str]]:
    """Return the names of networks by reason and columns."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for entry in left_out:
        grouped.setdefault((entry.reason, ", ".join(entry.columns)), []).append(entry.network)
    return grouped


# --- needs -------------------------------------------------------------------------------------------


def _task(network: Network) -> str:
    return network.setting.task.name


def _unless(holds: bool, instead: str) -> str | None:
    return None if holds else instead


def _no_curves(network: Network) -> str | None:
    has_curves = (network.files.path / "metrics.parquet").exists()
    return _unless(has_curves or network.files.done() is not None, "weights without metrics.parquet")


def _no_neurons(network: Network) -> str | None:
    model = network.setting.model
    has_neurons = model.symmetric or model.name == "mlp"
    return _unless(has_neurons, f"a {model.name}, whose neurons are not all that reaches the logits")


def _no_addition(network: Network) -> str | None:
    return _unless(sum_signs(network.setting) == (1, 1), _task(network))


def _no_test_pairs(network: Network) -> str | None:
    n_train, n_all = network.setting.task.sizes() or (0, 1)
    return _unless(n_train < n_all, "one that trains on all pairs")


def _no_order(network: Network) -> str | None:
    pairs = getattr(network.setting.task, "pairs", None)
    return _unless(pairs == "ordered", f"{pairs} pairs" if pairs else _task(network))


def _no_mask(network: Network) -> str | None:
    """Return None for a network with a mask, or whose run says at which sparsity to draw one."""
    run = RunDir(network.files.path.parents[2])
    told = run.provenance() is not None or "pruning" in (run.config() or {})
    return _unless(told or network.files.has_mask(), "adopted weights without either")


def _not_dense(network: Network) -> str | None:
    prunes = network.recipe.arms[network.arm].prunes or network.files.has_mask()
    return _unless(not prunes, "a pruned one")


def _no_plain_descent(network: Network) -> str | None:
    optimizer = network.setting.optimizer
    is_plain = optimizer.name == "sgd" and not optimizer.weight_decay
    return _unless(is_plain, f"{optimizer.name} with weight decay {optimizer.weight_decay:g}")


def _no_single_frequencies(network: Network) -> str | None:
    model = network.setting.model
    init = getattr(model, "init", "normal")
    fits = model.function == "one_hot_mlp.relu" and init == "single_frequency"
    return _unless(fits, f"{model.function} with init {init}")


NEEDS: Mapping[str, Need] = {
    "residues": Need(
        "a task over residues mod p",
        lambda n: _unless(getattr(n.setting.task, "p", None) is not None, _task(n)),
    ),
    "summed inputs": Need(
        "a network that adds its two inputs",
        lambda n: _unless(n.setting.model.symmetric, f"a {n.setting.model.name}"),
    ),
    "classes": Need(
        "a task with classes", lambda n: _unless(n.setting.task.loss_threshold is None, _task(n))
    ),
    "neurons": Need("logits that are neurons times an output map", _no_neurons),
    "addition": Need("labels a + b mod p", _no_addition),
    "sum": Need(
        "labels that are a sum or difference of the two inputs over all ordered pairs",
        lambda n: _unless(sum_signs(n.setting) is not None, _task(n)),
    ),
    "all pairs": Need(
        "a task of all pairs",
        lambda n: _unless(is_of_all_pairs(n.setting.task), f"{_task(n)}, which leaves out some"),
    ),
    "ordered pairs": Need(
        "a task of ordered pairs", _no_order, f"{OTHER_ARMS}, or train with --set task.pairs=ordered"
    ),
    "split": Need(
        "known training pairs",
        lambda n: _unless(n.setting.task.split_known, "adopted weights of an unknown split"),
        "adopt the weights again with --train-indices or --frac-train, and --force",
    ),
    "test pairs": Need(
        "a task with test pairs", _no_test_pairs, f"{OTHER_ARMS}, or train with --set task.frac_train=0.75"
    ),
    "no test pairs": Need(
        "training on all pairs",
        lambda n: _unless(_no_test_pairs(n) is not None, "a part of them"),
    ),
    "curves": Need(
        "curves of training",
        _no_curves,
        "adopt the weights again with --metrics-file, or with --train-indices or --frac-train, and --force",
    ),
    "mask": Need(
        "a mask, or a sparsity at which to draw one by magnitude",
        _no_mask,
        "adopt the weights again with --mask FILE or --set pruning.sparsity=0.6, and --force",
    ),
    "dense": Need("a dense network", _not_dense),
    "two checkpoints": Need("at least two checkpoints", lambda n: _unless(len(n.steps) > 1, "one")),
    "plain gradient descent": Need("gradient descent without weight decay", _no_plain_descent),
    "squaring neurons": Need(
        "a one_hot_mlp.square network",
        lambda n: _unless(n.setting.model.function == "one_hot_mlp.square", n.setting.model.function),
    ),
    "single frequencies": Need(
        "a one_hot_mlp.relu network with init single_frequency", _no_single_frequencies
    ),
}
"""By the name that analyses, tables and columns declare."""
