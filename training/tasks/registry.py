"""Registry of the tasks: `TASKS`, by the recipe's `task.name`."""

from functools import partial

from training.schema.registry import Registry
from training.schema.validation import check_settings_class
from training.tasks.dataset import Task
from training.tasks.images import DigitsTask, MNISTTask
from training.tasks.modular import OPERATIONS, ModularTask
from training.tasks.parity import ParityTask
from training.tasks.polynomial import PolynomialTask

TASKS: Registry[type[Task]] = Registry(
    "task",
    {
        **dict.fromkeys(OPERATIONS, ModularTask),
        "polynomial": PolynomialTask,
        "parity": ParityTask,
        "digits": DigitsTask,
        "mnist": MNISTTask,
    },
    check=partial(check_settings_class, base=Task),
)
