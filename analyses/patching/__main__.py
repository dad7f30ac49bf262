"""`python -m analyses.patching`."""

import sys

from analyses.patching.command import main

sys.exit(main())
