"""Question `events`: what did each event in the middle of a training change?

`schema` declares the tables, `command` measures them: `recovery` reads the curve before and after an event,
`key_frequencies` counts the frequencies that are key ones at the end, `tables` makes rows, `summary` prints.
May import interp, training, and the folders loading, running and tables of analyses; no other question.
"""

from analyses.events.schema import ANALYSIS

__all__ = ["ANALYSIS"]
