"""Figures of the question `mechanism`: frequencies that a ticket inherits.

Each figure has its file; `FIGURES` declares them. May import analyses.mechanism.schema, analyses.tables and
figures.drawing.
"""

from analyses.mechanism import schema as mechanism
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="mechanism",
        shows="frequencies that a ticket inherits from its dense network, and predictions from its mask",
        draws="mechanism.ticket_mechanism",
        tables=(mechanism.MEANS, mechanism.STAGES, mechanism.FREQUENCIES, mechanism.WINNERS),
        recipe="modadd_ticket",
        after_analysis=True,
    ),
    FigureSpec(
        name="mechanism_transformer",
        shows="frequencies that a transformer's tickets inherit, and predictions from their masks",
        draws="mechanism.ticket_mechanism",
        tables=(mechanism.MEANS, mechanism.STAGES, mechanism.FREQUENCIES, mechanism.WINNERS),
        recipe="m_transformer",
    ),
)
