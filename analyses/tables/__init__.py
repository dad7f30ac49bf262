"""Tables: declared schemas, saving and loading by them, shared columns and words.

Schemas, columns, storage and inputs load neither pandas nor numpy when imported. May import
`training.schema` and `training.runs`.
"""
