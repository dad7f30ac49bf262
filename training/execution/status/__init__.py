"""Status of a run that is trained now, here or on other machines: read from its files alone.

May import `training.execution` and what is below it. Nothing here loads torch or pandas.
"""
