"""`python -m analyses.phases`."""

import sys

from analyses.phases.command import main

sys.exit(main())
