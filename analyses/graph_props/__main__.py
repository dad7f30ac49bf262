"""`python -m analyses.graph_props`."""

import sys

from analyses.graph_props.command import main

sys.exit(main())
