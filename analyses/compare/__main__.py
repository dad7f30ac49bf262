"""`python -m analyses.compare`."""

import sys

from analyses.compare.command import main

sys.exit(main())
