"""Figures that nobody has published."""

from figures.catalogue.figure_spec import Entry

NEW = (
    Entry(
        name="mask_overlap",
        shows="overlap of the masks that different methods find, beside chance",
        paper="new here",
        script="masks.mask_overlap",
        needs=(("filan_overlap", "masks"),),
    ),
    Entry(
        name="mechanism",
        shows="which frequencies a ticket has from its dense network, and whether its mask alone tells them",
        paper="new here",
        script="mechanism.ticket_mechanism",
        needs=(("modadd_ticket", "mechanism"),),
    ),
    Entry(
        name="mechanism_transformer",
        shows="the same of a transformer's tickets",
        paper="new here",
        script="mechanism.ticket_mechanism",
        needs=(("m_transformer", "mechanism"),),
    ),
    Entry(
        name="tangent_space",
        shows="networks trained in their tangent space: what memorises, what generalises",
        paper="new here",
        script="grokking.outcomes",
        needs=(("kosoy_tangent", "grokking"),),
    ),
    Entry(
        name="multi_prize",
        shows="subnetworks of untrained weights: what memorises, what generalises",
        paper="new here",
        script="grokking.outcomes",
        needs=(("multi_prize", "grokking"),),
    ),
    Entry(
        name="elastic_depth",
        shows="a ticket stretched and squeezed in depth, beside controls",
        paper="new here",
        script="grokking.outcomes",
        needs=(("elastic_depth", "grokking"),),
    ),
    Entry(
        name="film",
        shows="animation: spectra and single neurons of the dense network beside its ticket, with accuracy",
        paper="new here",
        script="snapshots.training_animation",
        needs=(("modadd_ticket", "snapshots"),),
        moving=True,
    ),
)
