"""What goes wrong by itself: a daemon that hangs or dies, a host without power, a network in two parts."""

import time
from collections.abc import Iterator

import pytest
from fleet import network
from fleet.figures import Step
from fleet.peer import DEADLINE, SHARED, UNIT, Peer, wait_until_whole
from waiting import until

#: Seconds; the unit's own is longer, and a test need not wait for it.
WATCHDOG = 8


@pytest.fixture
def watched(peers: list[Peer]) -> Iterator[Peer]:
    """A peer with a short WatchdogSec=."""
    peer = peers[1]
    drop_in = f"/run/systemd/system/{UNIT}.d/fleet.conf"
    peer.host.run("mkdir", "-p", drop_in.rsplit("/", 1)[0])
    peer.host.shell(f"printf '[Service]\\nWatchdogSec={WATCHDOG}\\n' > {drop_in}; systemctl daemon-reload")
    peer.restart()
    yield peer
    peer.host.shell(f"rm {drop_in}; systemctl daemon-reload")
    peer.restart()


def test_watchdog(step: Step, watched: Peer) -> None:
    """a daemon that hangs (SIGSTOP) is killed and back within twice WatchdogSec"""
    step.note(f"WatchdogSec={WATCHDOG}")
    seconds = _seconds_until_back(watched, "STOP")
    step.measure("killed and back", seconds, "s", at_most=2 * WATCHDOG)


def test_the_watchdog_lets_a_busy_daemon_live(step: Step, watched: Peer) -> None:
    """a daemon that works is not taken for one that hangs"""
    pid = watched.pid()
    begun = time.monotonic()
    until(
        lambda: watched.search("needle") and time.monotonic() - begun > 2 * WATCHDOG, "searches for a while", DEADLINE
    )
    assert watched.pid() == pid


def test_kill(step: Step, peers: list[Peer]) -> None:
    """a daemon that dies (SIGKILL) is back by itself, with its identity and its files"""
    before = peers[1].status()
    seconds = _seconds_until_back(peers[1], "KILL")
    after = peers[1].status()
    assert (after["id"], after["catalog"]["files"]) == (before["id"], before["catalog"]["files"])
    step.measure("back", seconds, "s", at_most=5)


def test_power_loss(step: Step, peers: list[Peer]) -> None:
    """a host loses its power: searches say who was not reached, others notice, and it comes back"""
    step.hosts = len(peers)
    lost, others = peers[-1], peers[:-1]
    lost_id = lost.status()["id"]
    digest = lost.digest(f"{SHARED}/needle-{lost}.bin")
    lost.host.cut_power()
    begun = time.monotonic()
    found, coverage = others[0].search("needle")
    assert found == {f"needle-{peer}.bin" for peer in others}
    assert coverage["reached"] == len(others)
    assert lost.url in {failure["url"] for failure in coverage["failed"]}
    for peer in others:
        until(lambda: peer.peer_states()[lost.url] == "dead", f"{peer} to notice that {lost} is gone", DEADLINE)
    step.measure("all have noticed", time.monotonic() - begun, "s", at_most=30)

    lost.host.boot()
    lost.host.wait_until_up()
    wait_until_whole(peers)
    assert lost.status()["id"] == lost_id
    found, coverage = others[0].search(f"needle-{lost}")
    assert (found, coverage["reached"]) == ({f"needle-{lost}.bin"}, len(peers))
    others[0].adm("get", f"needle-{lost}.bin@{lost}", "--output", "/tmp/after-power-loss")
    assert others[0].digest("/tmp/after-power-loss") == digest


def test_partition(step: Step, peers: list[Peer]) -> None:
    """a network in two parts: each goes on with its own, and they find each other again"""
    step.hosts = len(peers)
    sides = peers[: len(peers) // 2], peers[len(peers) // 2 :]
    network.partition(*([peer.name for peer in side] for side in sides))
    try:
        for side, other in (sides, sides[::-1]):
            unreachable = {peer.url for peer in other}
            for peer in side:
                until(
                    lambda: {url for url, state in peer.peer_states().items() if state == "dead"} == unreachable,
                    f"{peer} to notice the partition",
                    DEADLINE,
                )
            found, coverage = side[0].search("needle")
            assert found == {f"needle-{peer}.bin" for peer in side}
            assert coverage["reached"] == len(side)
    finally:
        network.heal()
    begun = time.monotonic()
    wait_until_whole(peers)
    step.measure("whole again", time.monotonic() - begun, "s", at_most=60)
    found, coverage = peers[0].search("needle")
    assert (len(found), coverage["reached"]) == (len(peers), len(peers))


def _seconds_until_back(peer: Peer, signal: str) -> float:
    """Sends the signal to the daemon, and waits until another one has taken its place and serves."""
    pid = peer.pid()
    begun = time.monotonic()
    peer.systemctl("kill", "--kill-whom=main", f"--signal=SIG{signal}", UNIT)
    until(
        lambda: peer.pid() not in (0, pid) and peer.host.property(UNIT, "ActiveState") == "active",
        "another daemon",
        DEADLINE,
    )
    seconds = time.monotonic() - begun
    assert peer.rest("/health")["status"] == "ok"
    return seconds
