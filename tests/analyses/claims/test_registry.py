"""All claims: declared once, by tables alone, from schemas and summaries."""

import ast
from pathlib import Path

import pytest

from analyses.claims.registry import CLAIMS
from analyses.running.registry import ANALYSES
from analyses.tables.schema import Analysis
from training.config.recipe_files import recipe_names
from training.schema.validation import ConfigError

FOLDER = Path(__file__).parents[3] / "analyses" / "claims"


def test_every_claim_is_declared_once():
    expected = {f"M{i}" for i in range(1, 15)} | {"M1f", "N1"} | {f"H{i}" for i in range(1, 9)}
    assert set(CLAIMS) == expected and [claim.id for claim in CLAIMS.values()] == list(CLAIMS)
    assert all(claim.evidence and claim.statement and claim.holds_when for claim in CLAIMS.values())
    with pytest.raises(ConfigError, match="claim 'M1': registered twice"):
        CLAIMS["M1"] = CLAIMS["M1"]


def test_evidence_is_of_recipes_and_declared_tables():
    recipes = recipe_names()
    for claim in CLAIMS.values():
        for evidence in claim.evidence:
            assert evidence.recipe in recipes
            for source in evidence.sources:
                analysis = ANALYSES[source.name if isinstance(source, Analysis) else source.analysis]
                assert source is analysis or source in analysis.tables


def test_claims_import_only_schemas_and_summaries_of_questions():
    modules = {
        node.module
        for path in FOLDER.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    of_questions = [
        m.split(".")[2] for m in modules if m.startswith("analyses.") and m.split(".")[1] in ANALYSES
    ]
    assert len(of_questions) > 10 and set(of_questions) == {"schema", "summary"}
