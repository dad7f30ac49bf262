import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from training.runs.atomic_files import RunError
from training.runs.sealed_table import files_written_with, intact_content, is_intact, seal_metadata, sealed

ROWS = pd.DataFrame({"arm": ["dense", "ticket"] * 20, "value": range(40)})


def written(metadata):
    """Return the bytes of a table with further metadata."""
    table = pa.Table.from_pandas(ROWS, preserve_index=False)
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, **metadata}), buffer)
    return buffer.getvalue()


def test_every_flipped_bit_is_seen():
    content = sealed(written(seal_metadata()))
    assert is_intact(content)
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 4
        assert is_intact(bytes(flipped)) is False, place


def test_a_sealed_table_reads_as_before_and_an_older_one_has_no_seal(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(sealed(written(seal_metadata({"a.csv": "12ab"}))))
    assert pd.read_parquet(path).equals(ROWS)
    assert files_written_with(path) == {"a.csv": "12ab"}
    older = written({b"mine": json.dumps([1]).encode()})
    assert is_intact(older) is None
    path.write_bytes(older)
    assert intact_content(path, "make it again") == older and files_written_with(path) == {}


def test_a_damaged_file_is_named_with_what_to_do(tmp_path):
    path = tmp_path / "a.parquet"
    content = sealed(written(seal_metadata()))
    path.write_bytes(content.replace(b"ticket", b"tickeT", 1))
    with pytest.raises(RunError, match=r"a.parquet: damaged: its content .*; make it again"):
        intact_content(path, "make it again")
