"""Figures that nobody has published."""

from figures.catalogue.entry import Entry

NEW = (
    Entry(
        name="mask_overlap",
        shows="overlap of the masks that different methods find, beside chance",
        paper="new here",
        script="mask_overlap",
        needs=(("filan_overlap", "masks"),),
    ),
    Entry(
        name="mechanism",
        shows="which frequencies a ticket has from its dense network, and whether its mask alone tells them",
        paper="new here",
        script="mechanism",
        needs=(("modadd_ticket", "mechanism"),),
    ),
    Entry(
        name="mechanism_transformer",
        shows="the same of a transformer's tickets",
        paper="new here",
        script="mechanism",
        needs=(("m_transformer", "mechanism"),),
    ),
    Entry(
        name="film",
        shows="animation: spectra and single neurons of the dense network beside its ticket, with accuracy",
        paper="new here",
        script="film",
        needs=(("modadd_ticket", "snapshots"),),
    ),
)
