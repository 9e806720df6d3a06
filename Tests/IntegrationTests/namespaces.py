"""Programs in namespaces of their own: another host name, other addresses, another /etc/hosts or /proc."""

import functools
import os
import shutil
import subprocess

import pytest

#: Root needs no user namespace; others are root in one of their own.
_UNSHARE = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"])]


def inside(kinds: str, script: str) -> list[str]:
    """The beginning of a command line: namespaces such as "--mount", a script in them, then the program.

    The program takes the place of the script, so that signals reach it.
    """
    _require(kinds)
    return [*_UNSHARE, *kinds.split(), "sh", "-c", f'set -e\n{script}\nexec "$@"', "sh"]


@functools.cache
def _refusal(kinds: str) -> str:
    if shutil.which("unshare") is None:
        return "no unshare(1)"
    result = subprocess.run([*_UNSHARE, *kinds.split(), "true"], capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stderr.strip()


def _require(kinds: str) -> None:
    if refusal := _refusal(kinds):
        pytest.skip(f"namespaces {kinds} cannot be made here: {refusal}")
