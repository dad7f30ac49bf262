"""`python -m analyses.masks`."""

import sys

from analyses.masks.command import main

sys.exit(main())
