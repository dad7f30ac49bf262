"""Entry point of `python -m training.adopt`."""

import sys

from training.adopt.command import main

sys.exit(main())
