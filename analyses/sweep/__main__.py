"""`python -m analyses.sweep`."""

import sys

from analyses.sweep.command import main

sys.exit(main())
