"""The end: removed, purged, and nothing is left."""

import os
from pathlib import Path

from fleet.figures import Step
from fleet.fleet import Fleet
from fleet.host import Host
from fleet.peer import SHARED, UNIT, Peer

#: What a host changes by itself, and what dpkg and the account tools keep as their own record.
_OWN_RECORDS = ("/dev", "/proc", "/run", "/sys", "/tmp", "/var/cache", "/var/log", "/var/lib/apt", "/var/lib/dpkg")
_OWN_RECORDS += ("/var/lib/systemd",)


def test_remove_and_purge(step: Step, fleet: Fleet, deb: Path) -> None:
    """remove leaves configuration and state, purge leaves nothing"""
    with fleet.spare("gone") as host:
        peer = Peer(host)
        before = _everything(host)
        peer.install(deb)
        peer.share("a.bin", 1000)
        peer.wait_until_shared("a.bin")
        host.path(f"{SHARED}/a.bin").unlink()

        peer.remove()
        assert not peer.is_installed()
        assert peer.pid() == 0
        assert host.path("/etc/p2p-peer/peer.json").exists()
        assert any(host.path("/var/lib/p2p-peer").iterdir())

        peer.remove(purge=True)
        host.path(f"/root/{deb.name}").unlink()
        left = sorted(_everything(host) - before)
        assert left == []
        assert peer.systemctl("--failed", "--plain", "--no-legend").stdout == ""
        assert "could not be found" in peer.systemctl("status", UNIT, check=False).stderr
        step.measure("paths and accounts left", len(left), "", at_most=0)


def test_purge_keeps_the_users_files(step: Step, peers: list[Peer]) -> None:
    """what users put into the shared directory outlives the package"""
    peer = peers[-1]
    digest = peer.digest(f"{SHARED}/needle-{peer}.bin")
    peer.remove(purge=True)
    assert peer.digest(f"{SHARED}/needle-{peer}.bin") == digest
    assert not peer.host.path("/var/lib/p2p-peer").exists()


def _everything(host: Host) -> set[str]:
    """All paths of the host's file system but its own records, and all accounts."""
    paths = set()
    for directory, folders, files in os.walk(host.root):
        inside = "/" + os.path.relpath(directory, host.root).removeprefix(".")
        folders[:] = [name for name in folders if os.path.join(inside, name) not in _OWN_RECORDS]
        paths |= {os.path.join(inside, name) for name in folders + files}
    accounts = {f"{kind} {name}" for kind in ("passwd", "group") for name in _names(host, kind)}
    return paths | accounts


def _names(host: Host, kind: str) -> list[str]:
    return [line.split(":")[0] for line in host.run("getent", kind).stdout.splitlines()]
