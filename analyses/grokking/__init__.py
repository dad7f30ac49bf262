"""Question: when does each network memorise and generalise?

`schema` declares the tables, `command` writes and prints them. Imports `interp`, `training` and the folders
`loading`, `running` and `tables` of `analyses`; no other question.
"""
