"""`python -m analyses.speed`."""

import sys

from analyses.speed.command import main

sys.exit(main())
