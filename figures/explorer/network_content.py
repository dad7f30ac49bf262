"""Content of one network for the page: words and numbers as JSON, and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.fourier import schema as fourier
from analyses.graph_props import schema as graph_props
from analyses.progress import schema as progress
from analyses.snapshots import schema as snapshots
from analyses.tables.labels import arm_label
from figures.explorer.packing import quantized
from training.runs.log_spacing import thinned

if TYPE_CHECKING:
    import pandas as pd

    from figures.explorer.sources import ExploredRun
    from training.inspection.trained_network import Network

Arrays = dict[str, np.ndarray]
CURVES = ("train_acc", "test_acc", "train_loss", "test_loss", "l1", "l2")
PROGRESS = (
    *("train_loss", "test_loss", "restricted_sum2", "excluded", "trig_loss"),
    *("trig_r2", "key_share", "gini_embedding", "gini_logit_map", "circularity", "gradient_symmetricity"),
)
"""Progress measures that are shown; the first five are losses."""
MAP_MODELS = ("embed_mlp", "one_hot_mlp")
"""Models whose logits follow from the maps of their neurons: the page can ask what if."""


def network_content(source: ExploredRun, network: Network) -> tuple[dict[str, Any], Arrays]:
    """Return what the page knows of a network: words and numbers, and arrays."""
    model, task = network.setting.model, network.setting.task
    arrays: Arrays = {}
    words: dict[str, Any] = {
        "run": source.name,
        "arm": network.arm,
        "seed": network.seed,
        "role": network.role,
        "label": f"{arm_label(network.arm)}, seed {network.seed}",
        "task": task.describe(),
        "model": model.name,
        "activation": getattr(model, "activation", "relu"),
        "p": getattr(task, "p", None),
        "t_mem": network.t_mem,
        "t_gen": network.t_gen,
        "checkpoints": len(network.steps),
    }
    words |= _curves(network, arrays)
    words |= _masks(network, arrays)
    words |= _waves(source.rows(snapshots.WAVES, network), arrays)
    words |= _pairs(source.rows(snapshots.PAIRS, network), arrays)
    words |= _circles(source.rows(snapshots.CIRCLES, network), arrays)
    words |= _race(source.rows(fourier.SPECTRA, network), arrays)
    words |= _progress(source.rows(progress.ANALYSIS.tables[0], network), arrays)
    arrays.setdefault("steps", network.steps.astype(np.int32))
    words |= _mask_graphs(source.rows(snapshots.MASK_GRAPHS, network), arrays)
    words["graph"] = _graph(source.rows(graph_props.PROPERTIES, network))
    width = getattr(model, "d_mlp", None)
    is_sample = width is not None and words.get("n_neurons", width) < width
    words["sampled"] = width if is_sample else None
    words["what_if"] = model.name in MAP_MODELS and "input" in arrays and not is_sample
    return words, arrays


def numbered_values(rows: pd.DataFrame) -> np.ndarray:
    """Return the numbered columns of a table's rows, float32 (rows, n)."""
    return rows[[name for name in rows.columns if str(name).isdecimal()]].to_numpy(dtype=np.float32)


def _curves(network: Network, arrays: Arrays) -> dict[str, Any]:
    metrics = network.metrics
    if metrics is None:
        return {"curves": []}
    steps = metrics["step"].to_numpy()
    kept = np.union1d(thinned(steps), np.flatnonzero(np.isin(steps, network.steps)))
    names = [name for name in CURVES if name in metrics and metrics[name].notna().any()]
    arrays["curve_steps"] = steps[kept].astype(np.int32)
    arrays["curves"] = metrics[names].to_numpy(dtype=np.float32)[kept].T
    return {"curves": names}


def _masks(network: Network, arrays: Arrays) -> dict[str, Any]:
    mask = network.mask
    layers = []
    for name, is_kept in (mask or {}).items():
        heads = is_kept if is_kept.ndim == 3 else is_kept[None]
        for head, of_head in enumerate(heads):
            layer = f"{name} head {head}" if len(heads) > 1 else name
            layers.append({"name": layer, "rows": of_head.shape[0], "columns": of_head.shape[1]})
            arrays[f"mask {layer}"] = np.packbits(of_head)
    return {"layers": layers, "density": None if mask is None else float(mask.density)}


def _mask_graphs(rows: pd.DataFrame | None, arrays: Arrays) -> dict[str, Any]:
    """Return the joined pairs of each layer's units, in bits, in its mask and in random ones."""
    if rows is None:
        return {"mask_graphs": []}
    layers = []
    for layer, of_layer in rows.groupby("layer", sort=False):
        own = of_layer[of_layer["kind"] == "mask"].sort_values("place")
        n = len(own)
        arrays[f"units {layer}"] = own["unit"].to_numpy().astype(np.int32)
        for kind, of_kind in of_layer.groupby("kind", sort=False):
            joined = numbered_values(of_kind.sort_values("place"))[:, :n] > 0
            arrays[f"graph {layer} {kind}"] = np.packbits(joined[np.triu_indices(n, 1)])
        layers.append({"layer": str(layer), "units": n})
    return {"mask_graphs": layers}


def _waves(rows: pd.DataFrame | None, arrays: Arrays) -> dict[str, Any]:
    if rows is None:
        return {}
    rows = rows.sort_values(["map", "step", "neuron"], kind="stable")
    steps, neurons = np.unique(rows["step"]), np.unique(rows["neuron"])
    for name in ("input", "output"):
        values = numbered_values(rows[rows["map"] == name])
        arrays[name], arrays[f"{name}_step"] = quantized(values.reshape(len(steps), len(neurons), -1))
    arrays["steps"], arrays["neurons"] = steps.astype(np.int32), neurons.astype(np.int32)
    return {"n_neurons": len(neurons)}


def _pairs(rows: pd.DataFrame | None, arrays: Arrays) -> dict[str, Any]:
    if rows is None:
        return {"heads": 0}
    rows = rows.sort_values(["step", "a"], kind="stable")
    heads = 0
    for quantity, of_quantity in rows.groupby("quantity"):
        values = numbered_values(of_quantity)
        p = values.shape[-1]
        if quantity in ("label", "trained"):
            arrays[str(quantity)] = np.where(np.isfinite(values), values, -1).astype(np.int16)
            continue
        name = str(quantity).replace("attention ", "attention_")
        heads += name != "margin"
        arrays[name], arrays[f"{name}_step"] = quantized(np.nan_to_num(values).reshape(-1, p, p))
    return {"heads": heads}


def _circles(rows: pd.DataFrame | None, arrays: Arrays) -> dict[str, Any]:
    if rows is None:
        return {"circles": []}
    rows = rows.sort_values(["step", "frequency", "axis"], kind="stable")
    steps, frequencies = np.unique(rows["step"]), np.unique(rows["frequency"])
    values = numbered_values(rows).reshape(len(steps), len(frequencies), 2, -1)
    arrays["circles"], arrays["circles_step"] = quantized(values)
    return {"circles": frequencies.tolist()}


def _race(rows: pd.DataFrame | None, arrays: Arrays) -> dict[str, Any]:
    """Return the share of each frequency in the first weights or the input map, at every checkpoint."""
    if rows is None:
        return {"race": None}
    weight = next((name for name in ("W_E", "input") if name in set(rows["weight"])), rows["weight"].iloc[0])
    shares = rows[rows["weight"] == weight].pivot(index="step", columns="frequency", values="share")
    arrays["race_steps"] = shares.index.to_numpy().astype(np.int32)
    arrays["race"] = np.rint(np.nan_to_num(shares.to_numpy()) * 255).astype(np.uint8)
    return {"race": weight}


def _progress(rows: pd.DataFrame | None, arrays: Arrays) -> dict[str, Any]:
    if rows is None:
        return {"progress": []}
    names = [name for name in PROGRESS if name in rows and rows[name].notna().any()]
    rows = rows.sort_values("step")
    arrays["progress_steps"] = rows["step"].to_numpy().astype(np.int32)
    arrays["progress"] = rows[names].to_numpy(dtype=np.float32).T
    return {"progress": names}


def _graph(rows: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return statistics of the mask at its last step beside those of random masks."""
    if rows is None:
        return []
    last = rows[(rows["step"] == rows["step"].max()) & rows["statistic"].isin(graph_props.GRAPH_SHOWN)]
    columns = ("value", "density_mean", "density_sd", "degree_mean", "degree_sd", "density_z", "degree_z")
    return [
        {"where": row["where"], "statistic": graph_props.GRAPH_SHOWN[row["statistic"]]}
        | {name: float(row[name]) if np.isfinite(row[name]) else None for name in columns}
        for row in last.to_dict("records")
    ]
