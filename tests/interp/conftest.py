import jaxtyping
import pytest


@pytest.fixture
def unchecked(monkeypatch):
    """Switch off the shape checks of jaxtyping, as outside the tests."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
