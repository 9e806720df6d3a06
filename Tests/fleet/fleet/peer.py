"""The package on a host, as its administrator uses it."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

from waiting import until

from fleet.host import Host

UNIT = "p2p-peer.service"
SHARED = "/srv/p2p-peer"
PORTS = {"REST": 8001, "gRPC": 50051, "metrics": 9001}
#: Seconds. A transfer, or what is told from host to host, on a loaded machine.
DEADLINE = 60.0
_DROP_IN = "/etc/p2p-peer/peer.d/50-fleet.json"
_APT = ("apt-get", "-q", "-y", "--no-install-recommends")


class Peer:
    """A host with p2p-peer on it, or on which it is going to be."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.name = host.name
        self.url = f"http://{host.address}:{PORTS['REST']}"

    def __repr__(self) -> str:
        return self.name

    # --- The package ---

    def install(self, deb: Path) -> str:
        """Installs or upgrades to `deb` from root's home, and returns what apt said."""
        shutil.copy(deb, self.host.path("/root"))
        return self.host.shell(f"{' '.join(_APT)} install ./{deb.name}").stdout

    def is_installed(self) -> bool:
        return self.host.path("/usr/sbin/p2p-peer").exists()

    def remove(self, *, purge: bool = False) -> None:
        self.host.run(*_APT, "purge" if purge else "remove", "p2p-peer")

    def configure(self, **keys: object) -> None:
        """Writes one drop-in with `keys` beside the configuration, which stays as it was installed."""
        self.host.write(_DROP_IN, json.dumps(keys))

    def write_faulty_configuration(self) -> None:
        self.host.write(_DROP_IN, '{"search_ttl": "three", "serach_timeout": 1}')

    # --- The service ---

    def systemctl(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.host.run("systemctl", *arguments, check=check)

    def restart(self) -> None:
        self.systemctl("restart", UNIT)

    def pid(self) -> int:
        """The daemon's process on its host; 0 where there is none."""
        return int(self.host.property(UNIT, "MainPID"))

    def start_milliseconds(self) -> float:
        """From the start job to READY=1, by systemd's own clock."""
        begun, ready = "InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic"
        times = self.host.properties(UNIT, begun, ready)
        return (int(times[ready]) - int(times[begun])) / 1000

    def memory(self) -> tuple[float, float]:
        """The daemon's resident and proportional memory, in MB (proc(5): VmRSS, Pss)."""
        pid = self.pid()
        resident = re.search(r"VmRSS:\s+(\d+) kB", self.host.run("cat", f"/proc/{pid}/status").stdout)
        proportional = re.search(r"Pss:\s+(\d+) kB", self.host.run("cat", f"/proc/{pid}/smaps_rollup").stdout)
        assert resident and proportional
        return int(resident[1]) * 1024 / 1e6, int(proportional[1]) * 1024 / 1e6

    def wait_until_settled(self) -> None:
        """Waits until the service has been active for ten seconds: by then what only its start needed is given back."""
        active = "ActiveEnterTimestampMonotonic"

        def has_settled() -> bool:
            uptime = float(self.host.run("cat", "/proc/uptime").stdout.split()[0])
            return uptime - int(self.host.properties(UNIT, active)[active]) / 1e6 >= 10

        until(has_settled, f"{self} to have been active for ten seconds", DEADLINE)

    # --- p2padm ---

    def adm(self, *arguments: str, user: str = "root", check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.host.run("p2padm", *arguments, user=user, check=check)

    def adm_json(self, *arguments: str) -> list[dict[str, object]]:
        """The lines of `p2padm --json`; exit code 1, nothing found, is no failure."""
        result = self.adm(*arguments, "--json", check=False)
        assert result.returncode in (0, 1), result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    def status(self) -> dict[str, object]:
        (line,) = self.adm_json("status")
        return line["status"]

    def peer_states(self) -> dict[str, str]:
        """The state of every other peer that this one knows, by URL."""
        return {line["peer"]["url"]: line["peer"]["state"] for line in self.adm_json("peers")}

    def search(self, query: str) -> tuple[set[str], dict[str, object]]:
        """The paths that a search found, and how far it got."""
        *hits, last = self.adm_json("search", query)
        return {line["hit"]["path"] for line in hits if line["type"] == "hit"}, last["coverage"]

    def rest(self, path: str) -> dict[str, object]:
        """What the REST API answers to a client on the fleet's network."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:
            return json.load(answer)

    # --- Files ---

    def share(self, path: str, size: int) -> str:
        """Puts a file of random bytes into the shared directory, and returns its SHA-256."""
        data = os.urandom(size)
        self.host.write(f"{SHARED}/{path}", data)
        return hashlib.sha256(data).hexdigest()

    def wait_until_shared(self, path: str) -> None:
        """Waits until the file is in the catalog, with its checksum."""

        def is_hashed() -> bool:
            return any(line["file"]["path"] == path and line["file"]["sha256"] for line in self.adm_json("files", path))

        until(is_hashed, f"{path} to be shared by {self}", DEADLINE)

    def digest(self, path: str) -> str:
        """The SHA-256 that the host itself finds."""
        return self.host.run("sha256sum", path).stdout.split()[0]


def wait_until_whole(peers: list[Peer]) -> None:
    """Waits until every peer counts all others as alive."""
    for peer in peers:
        others = {other.url for other in peers if other is not peer}
        until(
            lambda: {url for url, state in peer.peer_states().items() if state == "alive"} >= others,
            f"{peer} to know {len(others)} others as alive",
            DEADLINE,
        )
