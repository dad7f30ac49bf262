"""Text of recipes in pictures: never mathtext.

Names of arms, runs and fields come from recipes and may hold any sign. Matplotlib reads text between two
dollar signs as a formula, and refuses one that is none. Dollar signs of tables are therefore escaped before a
figure is drawn, and restored in the files of numbers and captions. Formulas of our own stay formulas.
"""

from __future__ import annotations

import pandas as pd

DOLLAR, ESCAPED = "$", r"\$"


def escaped(text: str) -> str:
    """Return text that matplotlib draws as it is.

    Examples
    --------
    >>> print(escaped("a $x$"))
    a \\$x\\$
    """
    return text.replace(DOLLAR, ESCAPED)


def restored(text: str) -> str:
    """Return text as it was before `escaped`.

    Examples
    --------
    >>> restored(escaped("a $x$"))
    'a $x$'
    """
    return text.replace(ESCAPED, DOLLAR)


def escaped_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its texts escaped, itself if none has to be."""
    changed = {}
    for name in table.columns[table.dtypes.map(lambda dtype: dtype.kind == "O")]:
        texts = [text for text in table[name].unique() if isinstance(text, str) and DOLLAR in text]
        if texts:
            changed[name] = table[name].replace({text: escaped(text) for text in texts})
    return table.assign(**changed) if changed else table
