"""`python -m analyses.stitching`."""

import sys

from analyses.stitching.command import main

sys.exit(main())
