"""Clusters by Parsl: settings, the jobs' script, and the processes of a node.

`settings` reads the `[cluster]` table, `parsl_config` makes a Parsl config of it or of a user's Python file,
`node_pool` and `interchange` take the place of Parsl's own processes. Parsl is optional (extra `cluster`)
and imported inside functions. May import the identity, the schema, the runs and the command line.
"""
