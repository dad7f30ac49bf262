"""`python -m analyses.snapshots`."""

import sys

from analyses.snapshots.command import main

sys.exit(main())
