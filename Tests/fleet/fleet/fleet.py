"""All hosts of a run, and their end."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from fleet import network
from fleet.host import Host

#: What a host with the package takes at most, measured by bench_hosts.py; a guess on the safe side.
_HOST_BYTES = 200 << 20
#: What is left for everything else on this machine.
_SPARE_BYTES = 1 << 30
FEWEST, MOST = 4, 10
#: Hosts of one test have low addresses, so that the README's are among them; the fleet's follow.
_FIRST_FLEET_ADDRESS = 101


def host_count() -> int:
    """As many hosts as P2P_FLEET_HOSTS says, else ten where memory allows, and four at least."""
    if "P2P_FLEET_HOSTS" in os.environ:
        return max(FEWEST, int(os.environ["P2P_FLEET_HOSTS"]))
    return max(FEWEST, min(MOST, (available_memory() - _SPARE_BYTES) // _HOST_BYTES))


def available_memory() -> int:
    """Bytes that this machine can give without swapping (proc(5), MemAvailable)."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    raise RuntimeError("/proc/meminfo has no MemAvailable")


class Fleet:
    """Makes hosts, and ends all of them."""

    def __init__(self) -> None:
        self._rootfs = Path(os.environ["P2P_FLEET_ROOTFS"])
        self._directory = Path(os.environ["P2P_FLEET_RUN"])
        self._cgroup = Path("/sys/fs/cgroup") / os.environ["P2P_FLEET_NAME"]
        self.hosts: list[Host] = []

    def add(self, name: str, number: int | None = None) -> Host:
        """A host that is switched on but not yet waited for; its address ends with `number`."""
        if number is None:
            number = _FIRST_FLEET_ADDRESS + len(self.hosts)
        host = Host(name, f"{network.PREFIX}{number}", self._rootfs, self._directory / name, self._cgroup / name)
        self.hosts.append(host)
        host.boot()
        return host

    def discard(self, host: Host) -> None:
        """Ends a host that is not needed any more, and forgets its file system."""
        self.hosts.remove(host)
        host.cut_power()
        host.unmount()
        shutil.rmtree(host.directory)

    @contextlib.contextmanager
    def spare(self, name: str, number: int | None = None) -> Iterator[Host]:
        """A fresh host of one test."""
        host = self.add(name, number)
        try:
            host.wait_until_up()
            yield host
        finally:
            self.discard(host)

    def close(self) -> None:
        """Powers off all hosts at once."""
        for host in self.hosts:
            host.request_power_off()
        for host in list(self.hosts):
            host.wait_until_off()
            self.discard(host)
