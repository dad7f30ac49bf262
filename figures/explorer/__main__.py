"""`python -m figures.explorer`."""

import sys

from figures.explorer.command import main

sys.exit(main())
