import numpy as np
import pytest

from interp.statistics.censored_times import CensoredTimes


@pytest.fixture
def times():
    """Return a function that makes times; negative numbers are censored."""

    def make(*at):
        at = np.array(at, dtype=float)
        return CensoredTimes(np.abs(at), at > 0)

    return make


@pytest.fixture
def drawn():
    """Return a function that draws times with many ties and censorings."""

    def make(seed, n):
        rng = np.random.default_rng(seed)
        return CensoredTimes(rng.integers(1, 8, n).astype(float), rng.uniform(size=n) < 0.6)

    return make
