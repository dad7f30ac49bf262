"""`python -m analyses.bench`."""

import sys

from analyses.bench.command import main

if __name__ == "__main__":  # a worker process imports it again
    sys.exit(main())
