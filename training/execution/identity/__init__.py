"""Identity of what is computed: code of an arm, platform, record of a start.

`arm_code` hashes the code that decides an arm's bytes, `device` names and prepares the platform, and
`start_record` makes a start's entry in provenance.json. May import what `training.execution` may; torch only
inside functions.
"""
