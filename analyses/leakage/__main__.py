"""`python -m analyses.leakage`."""

import sys

from analyses.leakage.command import main

sys.exit(main())
