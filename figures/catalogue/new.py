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
)
