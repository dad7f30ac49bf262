"""Sweep: outcomes of arms over the fields in which they differ.

`schema` declares the tables, `command` makes them, `axes` chooses the fields that are compared, `summary`
prints them. Above the questions: imports `analyses.speed` and `analyses.grokking`, what they import, and
`training`.
"""
