"""Pruning methods and starts, by name."""

from functools import partial

from training.pruning.degree_preserving import degree_preserving
from training.pruning.elastic import elastic
from training.pruning.grasp import grasp
from training.pruning.imp import imp
from training.pruning.initialization import (
    Initialization,
    norm_controlled,
    random_reinit,
    reshuffle,
    rewind,
    signed_constant,
)
from training.pruning.layer_shuffle import shuffled
from training.pruning.magnitude import magnitude
from training.pruning.mask_criteria import CRITERIA, CRITERIA_OF_START, criterion
from training.pruning.method import Method
from training.pruning.random_mask import random
from training.pruning.snip import snip
from training.pruning.synflow import synflow, synflow_minegishi, synflow_one_shot
from training.schema.registry import Registry
from training.schema.validation import check_instance

METHODS: Registry[Method] = Registry(
    "pruning method",
    {
        "magnitude": Method(magnitude, source="weights"),
        "imp": Method(imp, source="weights"),
        "random": Method(random, source=None),
        "shuffled": Method(shuffled, source="mask"),
        "degree_preserving": Method(degree_preserving, source="mask"),
        "elastic": Method(elastic, source="mask", takes_layers=True),
        "snip": Method(snip, source=None),
        "grasp": Method(grasp, source=None),
        "synflow": Method(synflow, source=None),
        "synflow_one_shot": Method(synflow_one_shot, source=None),
        "synflow_minegishi": Method(synflow_minegishi, source=None),
        **{
            name: Method(criterion(name), source="weights", scores_start=name in CRITERIA_OF_START)
            for name in CRITERIA
        },
        **{
            f"{name}_same_sign": Method(criterion(name, same_sign=True), source="weights")
            for name in CRITERIA
        },
    },
    check=partial(check_instance, cls=Method),
)

STARTS: Registry[Initialization] = Registry(
    "start",
    {
        "rewind": Initialization(rewind, keeps_weights=True),
        "random_reinit": Initialization(random_reinit),
        "reshuffle": Initialization(reshuffle),
        "signed_constant": Initialization(signed_constant),
        "norm_l1": Initialization(partial(norm_controlled, q=1), needs_mask=True),
        "norm_l2": Initialization(partial(norm_controlled, q=2), needs_mask=True),
    },
    check=partial(check_instance, cls=Initialization),
)
