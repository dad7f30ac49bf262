import jaxtyping
import pytest


@pytest.fixture
def unchecked(monkeypatch):
    """Outside the tests nothing checks shapes before our own errors do."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
