"""Running: the command line, the registry and the processes of all analyses.

May import `analyses.loading` and `analyses.tables`; loads nothing heavy when imported.
"""
