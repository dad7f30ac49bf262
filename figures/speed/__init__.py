"""Figures of how much earlier arms generalise.

Imports figures.drawing, and the schemas of analyses.speed and analyses.grokking.
"""

from analyses.grokking import schema as grokking
from analyses.speed import schema as speed
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="norm_controls",
        shows="time to generalise of dense networks that start with the ticket's norm",
        draws="speed.time_to_generalize",
        tables=(speed.RATIOS, speed.PAIRS, speed.ARMS, speed.DOSES, speed.SURVIVAL),
        paper="Minegishi et al.: norm controls",
        recipe="m_norms",
    ),
    FigureSpec(
        name="pruning_at_initialisation",
        shows="time to generalise of the grokked ticket and of SNIP, GraSP, SynFlow and random masks",
        draws="speed.time_to_generalize",
        tables=(speed.RATIOS, speed.PAIRS, speed.ARMS, speed.DOSES, speed.SURVIVAL),
        paper="Minegishi et al.: pruning at initialisation",
        recipe="m_pai",
    ),
    FigureSpec(
        name="prune_rates",
        shows="tau over the sparsity of the ticket, and the curves of every sparsity",
        draws="speed.prune_rates",
        tables=(
            ("m_prune_rates", speed.DOSES),
            ("m_prune_rates", speed.ARMS),
            ("m_prune_rates", grokking.OUTCOMES),
            ("m_prune_rates", grokking.CURVES),
        ),
        paper="Minegishi et al.: pruning rates",
    ),
    FigureSpec(
        name="ticket_timing",
        shows="accuracy of tickets at fixed steps over that of their source at the step of the mask",
        draws="speed.ticket_timing",
        tables=(
            ("m_timing", speed.SOURCES),
            ("m_timing", speed.FIXED_STEPS),
            ("m_timing", speed.CORRELATIONS),
            ("m_timing", grokking.OUTCOMES),
            ("m_timing", grokking.CURVES),
        ),
        paper="Minegishi et al.: timing",
    ),
    FigureSpec(
        name="speed",
        shows="share of networks not generalised yet, ratios of t_gen to the dense network, tau by sparsity",
        draws="speed.time_to_generalize",
        tables=(speed.RATIOS, speed.PAIRS, speed.ARMS, speed.DOSES, speed.SURVIVAL),
        after_analysis=True,
    ),
)
