import io

import pytest

from training.execution.arms.jobs import Job
from training.execution.scheduling.progress import LINE_SECONDS, Progress


class Clock:
    seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def progress(recipe):
    todo = [Job("dense", 0), Job("random", 0)]
    shown = Progress(output=io.StringIO(), clock=Clock())
    shown.add(recipe, todo)
    yield shown
    shown.close()


def lines(progress):
    return progress.output.getvalue().splitlines()


def test_off_a_terminal_a_line_is_printed_at_intervals(progress, recipe):
    progress(recipe, Job("dense", 0), 0, 0.25)
    progress(recipe, Job("dense", 0), 100, 0.25)
    assert lines(progress) == []  # a short run prints nothing
    progress.clock.seconds = LINE_SECONDS
    progress(recipe, Job("dense", 0), 3000, 0.5)
    progress(recipe, Job("random", 0), 1000, 0.5)  # resumed there
    assert lines(progress) == [
        "0 of 2 networks done; dense seed 0 at step 3,000, test accuracy 0.50; 200 steps/s"
    ]
    progress.ended(recipe, Job("dense", 0))
    progress.clock.seconds += 2 * LINE_SECONDS
    progress(recipe, Job("random", 0), 4000, float("nan"))
    assert lines(progress)[1:] == ["1 of 2 networks done; random seed 0 at step 4,000; 100 steps/s"]


def test_the_total_grows_with_long_arms_and_shrinks_with_ended_ones(progress, recipe):
    random = recipe.arms["random"].max_steps
    assert progress.bar.total == recipe.arms["dense"].min_steps + random
    progress(recipe, Job("dense", 0), 300, 1.0)
    assert progress.bar.total == 300 + random
    progress.ended(recipe, Job("random", 0))
    assert progress.bar.total == 300
