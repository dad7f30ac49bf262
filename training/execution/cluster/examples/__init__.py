"""Settings and Parsl configs to copy: Slurm, PBS Pro and Kubernetes.

No module of the project imports them; `--executor FILE` reads a copy.
"""
