"""Hosts that boot systemd on this machine, each with its own address, journal and package database.

`rootfs` makes the system that all start from, `network` the bridge between them, `host` one of them, `fleet` all
that a run needs; `peer` is what the tests do with the package on a host, `figures` the table at the end.
"""
