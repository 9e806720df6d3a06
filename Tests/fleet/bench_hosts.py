"""How much memory twenty hosts take, each with the package. `make bench-fleet` runs it."""

import os

import pytest
from fleet.figures import Step
from fleet.fleet import available_memory, host_count
from fleet.peer import Peer, wait_until_whole


def test_memory_of_many_hosts(step: Step, request: pytest.FixtureRequest) -> None:
    """hosts that know each other, each with one file"""
    if "P2P_FLEET_HOSTS" not in os.environ:
        pytest.fail("P2P_FLEET_HOSTS says how many")
    step.hosts = host_count()
    before = available_memory()
    peers: list[Peer] = request.getfixturevalue("peers")
    wait_until_whole(peers)
    for peer in peers:
        peer.wait_until_settled()
    daemons = [peer.memory() for peer in peers]
    taken = (before - available_memory()) / 1e6
    step.note(f"all hosts together {taken:.0f} MB of MemAvailable")
    step.measure("a host, its systemd, journal and daemon", taken / len(peers), "MB", at_most=100)
    step.measure("its daemon's VmRSS, worst", max(resident for resident, _ in daemons), "MB", at_most=36)
    step.measure("its daemon's PSS, worst", max(shared for _, shared in daemons), "MB", at_most=36)
