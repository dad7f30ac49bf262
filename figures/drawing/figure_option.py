"""Option of a figure: a number or text that changes what it shows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from training.schema.validation import names, require

SHARED = ("help", "names", "of", "plugin", "run", "runs", "version")
"""Options of the command that draws, which no figure may have."""
KINDS: dict[type, str] = {int: "a whole number", float: "a number", str: "text"}
"""Words for the kinds of values."""

Options = Mapping[str, Any]
"""Values by the option's name; those of the command line are text."""


@dataclass(frozen=True, kw_only=True)
class FigureOption:
    """An option of a figure.

    Raises
    ------
    ConfigError
        If its name is no word of small letters, or is one of the command's, or its kind is none of `KINDS`.
    """

    name: str
    """Name, as `--NAME` of the command and as `draw`'s argument."""
    about: str
    """Help: what it changes."""
    default: Any = None
    """Value unless it is given; None where `about` says what is shown then."""
    kind: type = int
    """Type of its values: int, float or str."""
    least: float = -math.inf
    """Smallest number."""
    most: float = math.inf
    """Largest number."""

    def __post_init__(self) -> None:
        is_word = re.fullmatch(r"[a-z]+", self.name) is not None and self.name not in SHARED
        require(is_word, "option", f"a word of small letters, none of {names(SHARED)}", self.name)
        require(self.kind in KINDS, f"option {self.name}", "int, float or str", self.kind.__name__)

    def value(self, given: Any) -> Any:
        """Return a given value, converted and checked.

        Raises
        ------
        ConfigError
            If it is not of the option's kind or outside its limits.

        Examples
        --------
        >>> FigureOption(name="frames", about="frames of the animation", least=2).value("60")
        60
        """
        value: Any = None
        try:
            value = self.kind(given)
            fits = self.kind is str or (value == float(given) and self.least <= value <= self.most)
        except (TypeError, ValueError, OverflowError):
            fits = False
        fits = fits and not isinstance(given, bool)
        require(fits, f"--{self.name}", self._expected(), given)
        return value

    def _expected(self) -> str:
        """Return what values have to be, in words."""
        least = f" from {self.least:g}" if self.least > -math.inf else ""
        most = f" to {self.most:g}" if self.most < math.inf else ""
        return f"{KINDS[self.kind]}{least}{most}"

    def help(self) -> str:
        """Return the option's help, with its default."""
        default = "" if self.default is None else f" (default: {self.default})"
        return f"{self.about}{default}"


def option_values(options: Iterable[FigureOption], given: Options) -> dict[str, Any]:
    """Return a value for every option: the given one, or its default.

    Raises
    ------
    ConfigError
        If a given option is none of these, or its value does not fit.
    """
    by_name = {option.name: option for option in options}
    unknown = given.keys() - by_name.keys()
    require(not unknown, "options", f"some of {names(by_name)}", names(unknown))
    return {
        name: option.default if given.get(name) is None else option.value(given[name])
        for name, option in by_name.items()
    }
