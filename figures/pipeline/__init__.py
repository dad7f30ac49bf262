"""Pipeline of `python -m figures make`: plan, run, keep what is current.

It plans the trainings, analyses and drawings that the catalogue's figures still need, and runs them as
commands; `shown_figure` draws one figure from Python. It may import the catalogue, figures.drawing,
analyses.tables, analyses.running, and of training the config, the runs, their inspection, the command line
and the execution's plan of arms.
"""
