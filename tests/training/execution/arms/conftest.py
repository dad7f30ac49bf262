"""Recipe whose dense arm its budget alone ends."""

import pytest


@pytest.fixture
def slow(content):
    """Return the tiny recipe's content with a dense arm that its budget alone ends."""
    content["arms"] = {
        "dense": content["arms"]["dense"] | {"min_steps": 0, "settle_steps": 5000},
        "grokked_ticket": content["arms"]["grokked_ticket"],
    }
    content["pruning"] = {"require_generalised": False}
    return content
