"""Queue of networks to train, and the worker processes that train them.

The queue decides what is ready, what runs, and what failed and why; a pool of workers carries it out. No
module imports torch at its top. May import the execution's arms and identity, the config, the runs, their
inspection, the schema and the command line.
"""
