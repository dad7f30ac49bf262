"""`python -m analyses.fourier`."""

import sys

from analyses.fourier.command import main

sys.exit(main())
