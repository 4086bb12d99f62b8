"""Weft's launcher: starts, watches, scales and stops a cluster on one machine.

`cluster` is the model (what `cluster.yaml` says); `configs`, `supervisor`, `haproxy` and `nginx`
turn it into files; `lifecycle` starts and stops it; `cli` is the command line.
"""
