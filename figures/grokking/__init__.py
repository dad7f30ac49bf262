"""Figures of when networks memorise and generalise.

Imports figures.drawing, and the schema of analyses.grokking.
"""

from analyses.grokking import schema as grokking
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="speed_mlp",
        shows="accuracy of the dense network, its grokked ticket and the controls",
        draws="grokking.accuracy_curves",
        tables=(grokking.OUTCOMES, grokking.CURVES),
        paper="Minegishi et al.: speed",
        recipe="modadd_ticket",
    ),
    FigureSpec(
        name="speed_transformer",
        shows="accuracy of a dense transformer, its tickets by one threshold and by several, and controls",
        draws="grokking.accuracy_curves",
        tables=(grokking.OUTCOMES, grokking.CURVES),
        paper="Minegishi et al.: speed, transformer",
        recipe="m_transformer",
    ),
    FigureSpec(
        name="operations",
        shows="other modular operations: dense network and its grokked ticket",
        draws="grokking.operations",
        tables=(("m_ops", grokking.OUTCOMES), ("m_ops", grokking.CURVES)),
        paper="Minegishi et al.: other operations",
    ),
    FigureSpec(
        name="speed_parity",
        shows="parity: dense network, tickets at two sparsities, shuffled control",
        draws="grokking.accuracy_curves",
        tables=(grokking.OUTCOMES, grokking.CURVES),
        paper="Minegishi et al.: speed, parity",
        recipe="m_parity",
    ),
    FigureSpec(
        name="speed_polynomial",
        shows="regression on a polynomial: losses of dense network, ticket, shuffled control",
        draws="grokking.accuracy_curves",
        tables=(grokking.OUTCOMES, grokking.CURVES),
        paper="Minegishi et al.: speed, polynomial",
        recipe="m_polynomial",
    ),
    FigureSpec(
        name="no_decay",
        shows="tickets without weight decay over sparsity, and the critical sparsity",
        draws="grokking.no_weight_decay",
        tables=(("m_no_wd", grokking.OUTCOMES), ("m_no_wd", grokking.CURVES)),
        paper="Minegishi et al.: no weight decay",
    ),
    FigureSpec(
        name="edge_popup",
        shows="scores trained on a memorising network's weights: curves, and accuracy at four steps",
        draws="grokking.edge_popup",
        tables=(("m_edge_popup", grokking.CURVES),),
        paper="Minegishi et al.: edge-popup",
    ),
    FigureSpec(
        name="images",
        shows="handwritten digits: dense network, its grokked ticket, shuffled control",
        draws="grokking.accuracy_curves",
        tables=(grokking.OUTCOMES, grokking.CURVES),
        paper="Minegishi et al.: images",
        recipe="m_images",
    ),
    FigureSpec(
        name="tangent_space",
        shows="which networks trained in their tangent space memorise, and which generalise",
        draws="grokking.outcomes",
        tables=(grokking.OUTCOMES,),
        recipe="kosoy_tangent",
    ),
    FigureSpec(
        name="multi_prize",
        shows="which subnetworks of untrained weights memorise, and which generalise",
        draws="grokking.outcomes",
        tables=(grokking.OUTCOMES,),
        recipe="multi_prize",
    ),
    FigureSpec(
        name="elastic_depth",
        shows="a ticket stretched and squeezed in depth, and its controls",
        draws="grokking.outcomes",
        tables=(grokking.OUTCOMES,),
        recipe="elastic_depth",
    ),
    FigureSpec(
        name="grokking",
        shows="train and test accuracy of every arm, with t_gen",
        draws="grokking.accuracy_curves",
        tables=(grokking.OUTCOMES, grokking.CURVES),
        after_analysis=True,
    ),
    FigureSpec(
        name="outcomes",
        shows="last accuracies of every network, and the steps of memorising and generalising",
        draws="grokking.outcomes",
        tables=(grokking.OUTCOMES,),
        after_analysis=True,
    ),
)
