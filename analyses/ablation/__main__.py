"""`python -m analyses.ablation`."""

import sys

from analyses.ablation.command import main

sys.exit(main())
