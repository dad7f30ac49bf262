"""`python -m analyses.flow`."""

import sys

from analyses.flow.command import main

sys.exit(main())
