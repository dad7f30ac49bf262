"""What a figure of the catalogue is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A figure of a paper, or a new one, with all that must be there before it can be drawn."""

    name: str
    """File name of the figure, without its end."""
    shows: str
    """What one sees, in words."""
    paper: str
    """Whose figure it is, as "Minegishi et al.: speed"; "new here" where nobody has published it."""
    script: str
    """Module of `figures` that draws it.

    Its `TABLES` name what `draw` takes: "" or "_pairs" is the main or another table of the entry's only run
    and analysis; "m_ops/speed_pairs" is a table of a named run.
    """
    needs: tuple[tuple[str, str], ...]
    """Recipe and analysis of the tables, as ("m_norms", "norms")."""
    moving: bool = False
    """Whether it is an animation."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Ends of the files that it becomes: the picture, then the others."""
        return (".gif", ".csv", ".txt") if self.moving else (".png", ".pdf", ".csv", ".txt")

    def source(self, table: str) -> tuple[str, str, str]:
        """Recipe, analysis and name of one of the script's `TABLES`.

        Raises
        ------
        ValueError
            If the needs do not cover it.
        """
        recipe, slash, name = table.rpartition("/")
        if not slash and len(self.needs) == 1:
            recipe, analysis = self.needs[0]
            return recipe, analysis, analysis + table
        of_recipe = [analysis for of, analysis in self.needs if of == recipe]
        covering = [analysis for analysis in of_recipe if f"{name}_".startswith(f"{analysis}_")]
        if not covering:
            raise ValueError(
                f"{self.name}: {table!r} of figures/{self.script}.py is no table of {self.needs}"
            )
        return recipe, max(covering, key=len), name
