"""`python -m analyses.steering`."""

import sys

from analyses.steering.command import main

sys.exit(main())
