"""`python -m analyses.logits`."""

import sys

from analyses.logits.command import main

sys.exit(main())
