"""`python -m analyses.mechanism`."""

import sys

from analyses.mechanism.command import main

sys.exit(main())
