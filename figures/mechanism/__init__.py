"""Figures of what a ticket has from its dense network."""

from analyses.mechanism import schema as mechanism
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="mechanism",
        shows="which frequencies a ticket has from its dense network, and whether its mask alone tells them",
        draws="mechanism.ticket_mechanism",
        tables=(mechanism.MEANS, mechanism.STAGES, mechanism.FREQUENCIES, mechanism.WINNERS),
        recipe="modadd_ticket",
        after_analysis=True,
    ),
    FigureSpec(
        name="mechanism_transformer",
        shows="the same of a transformer's tickets",
        draws="mechanism.ticket_mechanism",
        tables=(mechanism.MEANS, mechanism.STAGES, mechanism.FREQUENCIES, mechanism.WINNERS),
        recipe="m_transformer",
    ),
)
