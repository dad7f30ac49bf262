import re

import pytest

from analyses.running.registry import ANALYSES
from analyses.tables.explanation import explain
from analyses.tables.schema import Analysis, Column, SchemaError, Table

STEP = Column("step", int, "Step of the checkpoint.", unit="steps")
LOSS = Column("loss", float, "Loss on the test pairs.", unit="nats", missing="there is no test set")


def table(**changes):
    return Table(
        **{"analysis": "tiny", "meaning": "Losses.", "key": ("step",), "columns": (STEP, LOSS)} | changes
    )


def test_a_name_joins_analysis_and_part():
    assert table().name == "tiny" and table(part="ends").name == "tiny_ends"


def test_a_column_is_found_by_name_and_an_unknown_one_lists_the_columns():
    assert table()["loss"] is LOSS and "loss" in table() and "accuracy" not in table()
    with pytest.raises(
        SchemaError, match="table tiny: expected one of the columns step, loss, got 'accuracy'"
    ):
        table()["accuracy"]


def test_numbered_columns_share_one_declaration():
    weights = table(numbered=Column("residue", float, "Weight of the residue of this number."))
    assert "0" in weights and "112" in weights and weights["7"].meaning.startswith("Weight")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": (STEP, STEP)}, "column declared twice: step"),
        ({"key": ("step", "seed")}, "key: expected some of step, loss, got seed"),
    ],
)
def test_a_schema_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(SchemaError, match=message):
        table(**changes)


def test_a_column_of_another_type_is_refused():
    with pytest.raises(SchemaError, match="column x: expected one of int, float, bool, str"):
        Column("x", complex, "A number.")


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ((table(analysis="other"),), "expected tables of its own, got other"),
        ((table(), table()), "two tables have one name"),
        ((table(part="ends"),), "expected its main table first"),
    ],
)
def test_an_analysis_has_only_its_tables_each_once(tables, message):
    with pytest.raises(SchemaError, match=message):
        Analysis(name="tiny", answers="?", takes="networks", cost="1 s", tables=tables)


def test_the_digest_covers_types_and_keys_but_no_prose():
    digest = table().digest()
    other_words = Column("loss", float, "Other words.", missing="other words")
    assert table(meaning="Other words.", columns=(STEP, other_words)).digest() == digest
    for changes in (
        {"version": 2},
        {"key": ()},
        {"part": "ends"},
        {"columns": (LOSS, STEP)},
        {"columns": (STEP, Column("loss", int, "Loss.", missing="none"))},
        {"columns": (STEP, Column("loss", float, "Loss."))},
    ):
        assert table(**changes).digest() != digest


def test_an_explanation_describes_every_column():
    text = explain(
        Analysis(name="tiny", answers="How far?", takes="all networks", cost="1 s", tables=(table(),))
    )
    assert "How far?" in text and "One row per step." in text
    assert "loss (nats): Loss on the test pairs. Missing: there is no test set." in text


ALL_TABLES = [table for analysis in ANALYSES.values() for table in analysis]


@pytest.mark.parametrize("schema", ALL_TABLES, ids=lambda schema: schema.name)
def test_every_column_is_declared_in_plain_words(schema):
    texts = [schema.meaning, *(c.meaning for c in (*schema.columns, *filter(None, [schema.numbered])))]
    assert all(text[0].isupper() and text.endswith(".") and len(text.split()) <= 45 for text in texts), texts
    all_texts = texts + [text for c in schema.columns for text in (c.unit, c.missing, c.source, c.optional)]
    assert not any("TODO" in text for text in all_texts)
    assert schema.key, "a table has a key"
    by_role = {c.role_of for c in schema.columns if c.role_of}
    assert by_role <= {c.name for c in schema.columns}
    assert "arm" not in schema or "arm" in by_role


def test_every_analysis_declares_its_question_inputs_and_cost():
    for name, analysis in ANALYSES.items():
        assert analysis.name == name and analysis.answers.endswith("?")
        assert analysis.takes and re.match(r"\d+ (s|min)\b", analysis.cost)
        assert "TODO" not in analysis.takes + analysis.cost + analysis.answers
