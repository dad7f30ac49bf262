"""Training loop on a pretended GPU: the host reads what it writes into files, and nothing else."""

from collections import Counter

from builders import LoneChannel, changed_recipe
from pretended_gpu import DEVICE, PretendedGPU

from training.execution.arms.jobs import ArmTask, jobs
from training.execution.arms.training_loop import TrainingLoop
from training.execution.identity.start_record import Start
from training.optimization.evaluation import METRICS
from training.runs.run_directory import RunDir
from training.schema.validation import to_dict

STEPS = 20
N_SLOTS = 2


def test_the_host_reads_metrics_checkpoints_and_final_states_only(tiny_recipe, tmp_path):
    content = to_dict(tiny_recipe) | {"seeds": [0, 1, 2]}
    content["measure"] |= {"eval_every": 10, "checkpoints": [{"every": 10}]}
    content["arms"] = {"dense": {"max_steps": STEPS}}
    recipe, run, channel = changed_recipe(content), RunDir(tmp_path), LoneChannel()
    tasks = [ArmTask(recipe, run, job, Start(), n) for n, job in enumerate(jobs(recipe, recipe.seeds))]
    with PretendedGPU() as gpu:
        loop = TrainingLoop(DEVICE, channel, fit=lambda *_: N_SLOTS)
        with loop.locks:
            loop.train(tasks)
    steps = range(0, STEPS + 1, 10)
    assert Counter(step for _, step, _ in channel.reports) == dict.fromkeys(steps, len(tasks))
    assert all(run.arm("dense", seed).done()["steps"] == STEPS for seed in recipe.seeds)

    reads = Counter(read.rpartition(" of ")[2] for read in gpu.reads)
    shapes = recipe.setting("dense").shapes()
    n_weights = sum(rows * columns for rows, columns in shapes.values())
    per_arm = (
        len(steps) + 3
    )  # a checkpoint at each, and the final state: weights, means of gradients, means of squares
    assert reads.pop(f"({n_weights},)") == len(tasks) * per_arm
    n_rounds = sum(n for shape, n in reads.items() if shape.endswith(f", {len(METRICS)})"))
    assert n_rounds == 2 * len(steps)  # two arms together, then the third
