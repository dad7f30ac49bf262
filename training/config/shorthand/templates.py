"""Templates of arms: names with fields in braces, one arm per combination of values."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from training.config.shorthand.dotted_fields import Content, cells, field_value, set_field
from training.schema.validation import require

FIELD_IN_BRACES = re.compile(r"\{([\w.]+)\}")
MOST_TEMPLATE_ARMS = 10_000
"""Arms that one name with fields in braces stands for at most."""


def expand_templates(arms: Content) -> dict[str, Any]:
    """Return arms with every `{field}` in a name expanded.

    Such an arm lists values of each of these fields; there is one arm for every combination. The value
    replaces the braces in the name, and in every text that the arm's table holds.

    Raises
    ------
    ConfigError
        If such a field is not a list of one value or more, or the combinations are too many.

    Examples
    --------
    >>> arms = expand_templates({"{method}_{sparsity}": {"method": ["snip"], "sparsity": [0.5, 0.9]}})
    >>> list(arms), arms["snip_0.9"]
    (['snip_0.5', 'snip_0.9'], {'method': 'snip', 'sparsity': 0.9})
    """
    arms_by_name: dict[str, Any] = {}
    for name, arm in arms.items():
        fields = list(dict.fromkeys(FIELD_IN_BRACES.findall(name)))
        arms_by_name |= _template_arms(name, arm, fields) if fields else {name: arm}
    return arms_by_name


def _template_arms(name: str, arm: Any, fields: Sequence[str]) -> dict[str, Any]:
    """Return the arms that one with fields in its name stands for."""
    values = {field: field_value(arm, field) for field in fields}
    for field, listed in values.items():
        has_values = isinstance(listed, list) and len(listed) > 0
        require(has_values, f"arms.{name}.{field}", "a list of values", listed)
    n_arms = math.prod(map(len, values.values()))
    require(n_arms <= MOST_TEMPLATE_ARMS, f"arms.{name}", f"at most {MOST_TEMPLATE_ARMS:,} arms", n_arms)
    arms: dict[str, Any] = {}
    for cell in cells(values):
        filled = copy.deepcopy(arm)
        for field, value in cell.items():
            set_field(filled, field, value)
        texts = {field: _template_text(value) for field, value in cell.items()}
        arms[_fill(name, texts)] = {
            key: _fill(value, texts) if isinstance(value, str) else value for key, value in filled.items()
        }
    return arms


def _template_text(value: Any) -> str:
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)


def _fill(text: str, texts: Mapping[str, str]) -> str:
    """Return a text with the fields in braces that have a value replaced."""
    return FIELD_IN_BRACES.sub(lambda match: texts.get(match[1], match[0]), text)
