"""`python -m analyses.stages`."""

import sys

from analyses.stages.command import main

sys.exit(main())
