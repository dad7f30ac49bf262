"""Commands `python -m training VERB` with a parser of their own, one file each.

May import every folder of `training`; nothing but `training.__main__` imports these.
"""
