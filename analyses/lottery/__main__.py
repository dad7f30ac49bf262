"""`python -m analyses.lottery`."""

import sys

from analyses.lottery.command import main

sys.exit(main())
