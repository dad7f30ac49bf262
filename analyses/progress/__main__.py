"""`python -m analyses.progress`."""

import sys

from analyses.progress.command import main

sys.exit(main())
