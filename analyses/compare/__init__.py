"""Compare: arms of several runs side by side.

`schema` declares the tables, `command` makes them, `chosen_runs` opens the runs and refuses those that do
not fit each other, `summary` prints them. Above the questions: imports `analyses.speed`, what it imports, and
`training`.
"""
