"""`python -m analyses.norms`."""

import sys

from analyses.norms.command import main

sys.exit(main())
