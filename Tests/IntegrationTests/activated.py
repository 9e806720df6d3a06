"""Runs a program as systemd does that passes it listening sockets (sd_listen_fds(3)).

    python activated.py NAME=FD[,NAME=FD...] PROGRAM ARGUMENT...

The descriptors must be inherited by this process; the program finds them from 3 on, in this order.
"""

import os
import sys

FIRST = 3

names, numbers = zip(*(item.split("=") for item in sys.argv[1].split(",")), strict=True)
# Out of the way first: a number that is to be taken may be one of those to be moved.
moved = [os.dup2(int(number), 100 + index) for index, number in enumerate(numbers)]
for index, number in enumerate(moved):
    os.dup2(number, FIRST + index, inheritable=True)
    os.close(number)
os.closerange(FIRST + len(moved), 200)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(moved)), "LISTEN_FDNAMES": ":".join(names)}
os.execv(sys.argv[2], sys.argv[2:])
