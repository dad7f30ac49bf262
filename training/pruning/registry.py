"""Masks: one method per file, found by name in METHODS."""

from training.pruning.degree_preserving import degree_preserving
from training.pruning.elastic import elastic
from training.pruning.grasp import grasp
from training.pruning.imp import imp
from training.pruning.layer_shuffle import shuffled
from training.pruning.magnitude import magnitude
from training.pruning.mask_criteria import CRITERIA, criterion
from training.pruning.method import Method
from training.pruning.random_mask import random
from training.pruning.snip import snip
from training.pruning.synflow import synflow, synflow_one_shot

METHODS: dict[str, Method] = {
    "magnitude": Method(magnitude, source="weights"),
    "imp": Method(imp, source="weights"),
    "random": Method(random, source=None),
    "shuffled": Method(shuffled, source="mask"),
    "degree_preserving": Method(degree_preserving, source="mask"),
    "elastic": Method(elastic, source="mask"),
    "snip": Method(snip, source=None),
    "grasp": Method(grasp, source=None),
    "synflow": Method(synflow, source=None),
    "synflow_one_shot": Method(synflow_one_shot, source=None),
}
METHODS |= {name: Method(criterion(name), source="weights") for name in CRITERIA}
METHODS |= {
    f"{name}_same_sign": Method(criterion(name, same_sign=True), source="weights") for name in CRITERIA
}

NORM_STARTS = ("norm_l1", "norm_l2")
"""Starts of dense networks that are controlled for the norm of a ticket, their source."""
