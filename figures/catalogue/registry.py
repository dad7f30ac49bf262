"""Every figure that `make figures` draws, in order of need: a file per group."""

from figures.catalogue.additional import NEW
from figures.catalogue.he import HE
from figures.catalogue.minegishi import MINEGISHI
from figures.catalogue.progress_measures import PROGRESS

ENTRIES = {entry.name: entry for entry in (*MINEGISHI, *HE, *PROGRESS, *NEW)}
