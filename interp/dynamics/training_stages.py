"""Three stages of grokking, from the curves of one network.

    n  measurements at increasing steps

Stage 1: the network memorizes. Stage 2: it generalizes while the weights still grow. Stage 3: weight decay
shrinks the weights.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from interp.dynamics.threshold_crossings import Crossing, first_crossing, grokking_times

__all__ = ["GrokkingStages", "grokking_stages"]


@dataclass(frozen=True, kw_only=True)
class GrokkingStages:
    """Ends of the first two stages, and the peak of the weight norm."""

    stage_1_end: Crossing
    """Train accuracy reaches the threshold: t_mem."""
    stage_2_end: Crossing
    """Test accuracy reaches the threshold: t_gen."""
    norm_peak_step: int
    """First measured step of the largest norm; the last step if the norm only grows."""
    norm_peak: float
    """Largest norm, in the units of the weights."""


def grokking_stages(
    steps: Int[np.ndarray, " n"],
    train_accuracy: Float[np.ndarray, " n"],
    test_accuracy: Float[np.ndarray, " n"],
    norm: Float[np.ndarray, " n"],
    threshold: float = 0.95,
) -> GrokkingStages:
    """Ends of the stages, and the peak of the weight norm.

    Parameters
    ----------
    steps : Int[np.ndarray, " n"]
        Optimizer updates done at each measurement, at least 0, strictly increasing.
    train_accuracy, test_accuracy : Float[np.ndarray, " n"]
        In [0, 1]; NaN where not measured.
    norm : Float[np.ndarray, " n"]
        L2 norm of all weights, such as "global" of `interp.masks.weight_norms.weight_norm`; NaN where not
        measured.
    threshold : float
        Accuracy at which a stage ends.

    Returns
    -------
    GrokkingStages
        Steps; a stage that does not end within the curve is censored.

    Raises
    ------
    ValueError
        As `first_crossing`, for each curve.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, three stages of grokking (norm sqrt(||W_in||^2 + ||W_out||^2)).

    Examples
    --------
    >>> train, test = np.array([0.1, 1.0, 1.0, 1.0]), np.array([0.1, 0.7, 0.97, 1.0])
    >>> stages = grokking_stages(np.arange(0, 400, 100), train, test, np.array([1.0, 4.0, 5.0, 3.0]))
    >>> print(stages.stage_1_end, stages.stage_2_end, stages.norm_peak_step)
    (0, 100] (100, 200] 200
    """
    times = grokking_times(steps, train_accuracy, test_accuracy, threshold)
    peak = float(np.max(norm, initial=-np.inf, where=~np.isnan(norm)))
    peak_crossing = first_crossing(steps, norm, peak)
    assert peak_crossing.at is not None
    return GrokkingStages(
        stage_1_end=times.t_mem,
        stage_2_end=times.t_gen,
        norm_peak_step=peak_crossing.at,
        norm_peak=peak,
    )
