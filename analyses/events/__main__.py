"""`python -m analyses.events`."""

import sys

from analyses.events.command import main

sys.exit(main())
