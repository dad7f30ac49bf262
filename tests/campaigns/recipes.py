"""Tiny recipes of every kind of arm, model and numerical engine, each trained in seconds."""

from training.schema.toml_text import toml_document

BASE = {
    "seeds": [0],
    "task": {"name": "add", "p": 7, "frac_train": 0.8},
    "model": {"name": "embed_mlp", "d_emb": 10, "d_mlp": 12},
    "optimizer": {"name": "adamw", "lr": 0.01},
    "measure": {"eval_every": 10, "checkpoints": [{"every": 100}, {"every": 20, "last": 60}]},
    "pruning": {"sparsity": 0.5, "require_generalised": False},
}
STEPS = {"max_steps": 160}
DENSE = {"max_steps": 240}
TICKET = {"method": "magnitude", "source": "dense"} | STEPS
PLUGIN = '''
from dataclasses import dataclass, replace
from typing import Literal

from training.models.base import Model
from training.models.registry import MODELS
from training.pruning.method import Method
from training.pruning.registry import METHODS


@dataclass(frozen=True, kw_only=True)
class TanhMLP(Model):
    """Tanh network that adds two embeddings."""

    reads = "tokens"
    symmetric = True

    name: Literal["tanh_mlp"] = "tanh_mlp"
    d_mlp: int = 12

    def shapes(self, n_inputs, n_outputs):
        return {"W_E": (n_inputs, self.d_mlp), "W_U": (self.d_mlp, n_outputs)}

    def implementation(self):
        import torch

        from training.models.implementation import Implementation

        def forward(weights, tokens):
            return torch.tanh(weights["W_E"][tokens].sum(dim=1)) @ weights["W_U"]

        return Implementation(forward)

    def neuron_maps(self, weights):
        return {"input": weights["W_E"].swapaxes(-1, -2), "output": weights["W_U"]}


MODELS["tanh_mlp"] = TanhMLP


def smallest(subject):
    """Keep the smallest weights: a control."""
    return subject.keep({name: -abs(w) for name, w in subject.final.items()})


METHODS["smallest"] = Method(smallest, source="weights")
'''


def content(arms, **more):
    """Return the content of a recipe with these arms."""
    return BASE | more | {"arms": {"dense": DENSE} | arms}


def scores(form, **more):
    """Return an arm of trained scores."""
    return {"form": form, "optimizer": {"lr": 0.01, "weight_decay": 0.0}} | STEPS | more


ONE_HOT = {"name": "one_hot_mlp", "d_mlp": 16}
RECIPES = {
    "controls": content(
        {
            "ticket": TICKET,
            "random": {"method": "random"} | STEPS,
            "shuffled": {"method": "shuffled", "source": "ticket"} | STEPS,
            "rewired": {"method": "degree_preserving", "source": "ticket"} | STEPS,
            "norm_l2": {"start": "norm_l2", "source": "ticket"} | STEPS,
            "reinit": TICKET | {"start": "random_reinit"},
            "signed": TICKET | {"start": "signed_constant"},
        }
    ),
    "at_start": content(
        {name: {"method": name} | STEPS for name in ("snip", "grasp", "synflow", "synflow_one_shot")}
    ),
    "scores": content({form: scores(form) for form in ("edge_popup", "biprop", "supermask")}),
    "weights_and_scores": content({"both": scores("edge_popup", train_weights=True)}),
    "tangent": content({"tangent": scores("tangent"), "tangent_ticket": TICKET | scores("tangent")}),
    "from_step": content(
        {
            "later": {"source": "dense", "from_step": 100} | STEPS,
            "ticket": TICKET | {"from_step": 100, "source_step": 200},
            "popup": scores("edge_popup", source="dense", from_step=100),
        }
    ),
    "imp": content(
        {
            "imp_1": {"method": "imp", "source": "dense", "sparsity": 0.3, "from_step": 100} | STEPS,
            "imp_2": {"method": "imp", "source": "imp_1", "sparsity": 0.5, "from_step": 100} | STEPS,
            "imp_3": {"method": "imp", "source": "imp_2", "sparsity": 0.7, "from_step": 100} | STEPS,
        }
    ),
    "search": content(
        {f"ticket_{s}": TICKET | {"sparsity": s} for s in (0.2, 0.8)},
        seeds=[0],
        refine={"like": "ticket_0.2", "resolution": 0.1},
        task={"name": "add", "p": 7, "pairs": "ordered", "frac_train": 0.9},
    ),
    "transformer": content(
        {"ticket": TICKET, "random": {"method": "random"} | STEPS},
        model={"name": "transformer", "d_model": 12, "n_heads": 2, "d_head": 6, "d_mlp": 12},
    ),
    "transformer_full": content(
        {"ticket": TICKET},
        model={"name": "transformer", "d_model": 12, "d_head": 12, "d_mlp": 12}
        | {"equals": True, "positions": True, "biases": True, "attention_rate": 0.5},
        task={"name": "add", "p": 7, "pairs": "ordered", "frac_train": 0.8},
    ),
    "one_hot": content(
        {"ticket": TICKET, "snip": {"method": "snip"} | STEPS},
        model=ONE_HOT | {"activation": "square", "init": "single_frequency"},
        optimizer={"name": "sgd", "lr": 0.1, "weight_decay": 0.0},
    ),
    "embedded": content({"ticket": TICKET}, model={"name": "embedded_mlp", "d_mlp": 16, "d_emb": 8}),
    "depth": content(
        {
            "ticket": TICKET,
            "stretched": {
                "method": "elastic",
                "source": "ticket",
                "model": {"widths": [10, 10, 10]},
                "layers": {"W_0": "W_0", "W_1": "W_1", "W_2": "W_1", "W_3": "W_2"},
            }
            | STEPS,
        },
        task={"name": "parity", "n_bits": 8, "k": 2, "n_train": 60, "n_test": 60},
        model={"name": "mlp", "widths": [10, 10]},
    ),
    "polynomial": content(
        {"ticket": TICKET},
        task={"name": "polynomial", "d": 6, "n_train": 20, "n_test": 20},
        model={"name": "mlp", "widths": [8, 8]},
    ),
    "grown": content({"ticket": TICKET, "random": {"method": "random"} | STEPS}),
    "plugin": content({"smallest": TICKET | {"method": "smallest"}}, model={"name": "tanh_mlp"}),
}


GROWTH = {
    "grown": (
        *("--set", "arms.dense.max_steps=400", "--set", "arms.random.max_steps=305"),
        *("--set", "measure.checkpoints=[{every = 40}, {around = 't_mem', every = 10, within = 30}]"),
    )
}
"""Options by which a finished run is trained on, by recipe."""


def write_recipe(name, folder, *, content=None, plugin=PLUGIN):
    """Write a recipe and its plug-in, and return the recipe's path."""
    folder.mkdir(parents=True, exist_ok=True)
    content = RECIPES[name] if content is None else content
    if name == "plugin":
        (folder / "mine.py").write_text(plugin)
        content = content | {"plugins": ["mine.py"]}
    path = folder / f"{name}.toml"
    path.write_text(toml_document(content))
    return path
