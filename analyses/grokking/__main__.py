"""`python -m analyses.grokking`."""

import sys

from analyses.grokking.command import main

sys.exit(main())
