"""What an administrator does: reload, restart, stop."""

import time
from collections.abc import Iterator

import pytest
from fleet import network
from fleet.figures import Step
from fleet.get import Get
from fleet.load import ConnectionLoad
from fleet.peer import DEADLINE, UNIT, Peer
from waiting import until

ADMIN_SOCKETS = ("p2p-peer-admin.socket", "p2p-peer-read.socket")
RELOADS = 100
RESTARTS = 50


@pytest.fixture
def reloading(peers: list[Peer]) -> Iterator[Peer]:
    """A peer whose configuration is as before afterwards."""
    peer = peers[0]
    yield peer
    peer.configure(friend_primary=peers[1].url, health_check_interval=1)
    peer.systemctl("reload", UNIT)


def test_reload(step: Step, reloading: Peer) -> None:
    """systemctl reload returns when the new configuration is in effect"""
    done = 0
    for count in range(RELOADS):
        wanted = 3 + count % 2
        reloading.configure(friend_primary="", health_check_interval=1, search_ttl=wanted)
        reloading.systemctl("reload", UNIT)
        done += reloading.rest("/status")["config"]["search_ttl"] == wanted
    step.measure("reloads without effect, of 100", RELOADS - done, "", at_most=0)


def test_bad_reload(step: Step, reloading: Peer) -> None:
    """a reload of a faulty configuration fails, names the fault, and the old one goes on"""
    before = (reloading.pid(), reloading.rest("/status")["config"])
    cursor = reloading.host.journal_cursor()
    reloading.write_faulty_configuration()
    failed = sum(reloading.systemctl("reload", UNIT, check=False).returncode != 0 for _ in range(RELOADS))
    step.measure("reloads that did not fail, of 100", RELOADS - failed, "", at_most=0)
    assert (reloading.pid(), reloading.rest("/status")["config"]) == before
    assert reloading.host.property(UNIT, "ActiveState") == "active"
    said = "\n".join(str(entry["MESSAGE"]) for entry in reloading.host.journal("-u", UNIT, f"--after-cursor={cursor}"))
    for part in ("search_ttl", "serach_timeout", "50-fleet.json"):
        assert part in said


def test_stop_with_transfers(step: Step, peers: list[Peer]) -> None:
    """a stop with transfers running, in both directions, takes at most 10 s"""
    step.hosts = 2
    source, target = peers[0], peers[1]
    source.share("long.bin", 64 << 20)
    source.wait_until_shared("long.bin")
    target.share("long-back.bin", 64 << 20)
    target.wait_until_shared("long-back.bin")
    for peer in (source, target):
        network.slow_down(peer.name, "20mbit")
    gets = [Get(target, f"long.bin@{source}"), Get(source, f"long-back.bin@{target}")]
    try:
        for get in gets:
            get.wait_until_flowing()
        begun = time.monotonic()
        # With the admin sockets: whoever asks there would start the service again.
        source.systemctl("stop", UNIT, *ADMIN_SOCKETS)
        took = time.monotonic() - begun
        assert source.host.properties(UNIT, "ActiveState", "Result") == {"ActiveState": "inactive", "Result": "success"}
    finally:
        for get in gets:
            get.end()
        for peer in (source, target):
            network.speed_up(peer.name)
        source.systemctl("start", *ADMIN_SOCKETS, UNIT)
    step.measure("stop", took, "s", at_most=10)


def test_restarts_under_load(step: Step, peers: list[Peer]) -> None:
    """50 restarts under load with p2p-peer.socket: no connection to any public port is refused"""
    step.hosts = 1
    peer = peers[0]
    peer.systemctl("stop", UNIT)
    peer.systemctl("enable", "--now", "p2p-peer.socket")
    peer.systemctl("start", UNIT)
    with ConnectionLoad(peer) as load:
        for _ in range(RESTARTS):
            answered = {port: load.outcomes[port, "answered"] for port in ("REST", "gRPC", "metrics")}
            peer.restart()
            # All ports have served somebody before the next one.
            until(
                lambda: all(load.outcomes[port, "answered"] > count for port, count in answered.items()),
                "an answer on each port",
                DEADLINE,
            )
    step.note(f"{load.total('answered')} connections answered, {load.total('cut')} cut by the daemon's end")
    step.measure("timed out", load.total("timed out"), "", at_most=0)
    step.measure("refused", load.total("refused"), "", at_most=0)
    assert peer.host.property(UNIT, "NRestarts") == "0"
