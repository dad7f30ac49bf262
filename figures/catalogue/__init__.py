"""Catalogue of all figures: the one registry.

Each figure is declared in the `__init__.py` of its question's folder. May import these folders and
figures.drawing; importing it loads neither matplotlib nor pandas.
"""

from figures.catalogue.registry import FIGURES

__all__ = ["FIGURES"]
