"""The next version, while the old one works."""

from pathlib import Path

from fleet import debs, network
from fleet.figures import Step
from fleet.get import Get
from fleet.peer import Peer

#: Bytes; with RATE they take longer than apt, also on a busy machine, so that the upgrade cuts them off.
SIZE = 128 << 20
RATE = "24mbit"


def test_upgrade(step: Step, peers: list[Peer], next_deb: Path) -> None:
    """an upgrade with transfers running: those from and to the host end with the right SHA-256"""
    step.hosts = 3
    upgraded, other, source = peers[:3]
    digests = {"out.bin": upgraded.share("out.bin", SIZE), "in.bin": source.share("in.bin", SIZE)}
    upgraded.wait_until_shared("out.bin")
    source.wait_until_shared("in.bin")
    before = upgraded.status()
    configuration = upgraded.host.path("/etc/p2p-peer/peer.json").read_bytes()
    for peer in (upgraded, other):
        network.slow_down(peer.name, RATE)
    try:
        outward = Get(other, f"out.bin@{upgraded}", "--output", "/tmp/out.bin")
        inward = Get(upgraded, f"in.bin@{source}", "--output", "/tmp/in.bin")
        for get in (outward, inward):
            get.wait_until_flowing()
        upgraded.install(next_deb)
        assert not outward.has_all(SIZE) and not inward.has_all(SIZE), "the transfers were done before the upgrade"
    finally:
        for peer in (upgraded, other):
            network.speed_up(peer.name)
    outward.finish()
    inward.finish()
    assert other.digest("/tmp/out.bin") == digests["out.bin"]
    assert upgraded.digest("/tmp/in.bin") == digests["in.bin"]
    installed = upgraded.host.run("dpkg-query", "-W", "-f", "${Version}", "p2p-peer").stdout
    assert installed == debs.version(next_deb)
    after = upgraded.status()
    assert after["pid"] != before["pid"] and after["id"] == before["id"]
    assert upgraded.host.path("/etc/p2p-peer/peer.json").read_bytes() == configuration
    step.note(f"from the host: {outward.told()}")
    step.note(f"to the host: {inward.told()}")
