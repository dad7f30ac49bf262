"""What runs when, and what carries it out.

A dispatcher decides what is ready, what runs, what failed and what follows from it, for the networks of all
recipes and for the commands of the figures' pipeline. An executor carries out its calls: worker processes of
this machine, or a cluster's, through Parsl. No module imports torch or Parsl at its top. May import the
execution's arms, identity and cluster, the config, the runs, their inspection, the schema and the command
line.
"""
