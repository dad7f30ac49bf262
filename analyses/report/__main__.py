"""`python -m analyses.report`."""

import sys

from analyses.report.command import main

sys.exit(main())
