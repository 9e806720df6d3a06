"""The fleet of a run, and the table of what it did."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import debs, network
from fleet.command import run
from fleet.figures import Step, table
from fleet.fleet import Fleet, host_count
from fleet.peer import UNIT, Peer, wait_until_whole

_steps: dict[str, Step] = {}
_fleets: list[Fleet] = []


def pytest_sessionstart(session: pytest.Session) -> None:
    """Makes the namespaces, which Tests/fleet/run has entered, fit for hosts."""
    if "P2P_FLEET_RUN" not in os.environ:
        pytest.exit("these tests boot hosts in namespaces of their own: make test-fleet, or Tests/fleet/run", 2)
    # All hosts see cgroups as a Debian 12 does, whatever this machine mounts.
    run(["mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"])
    # systemd-nspawn's locks, by host name: another run's hosts have the same.
    run(["mount", "-t", "tmpfs", "tmpfs", "/run/systemd"])
    network.create()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Notes each test's outcome for the table, and shows the hosts' journals where it failed."""
    report = yield
    step = _steps.get(item.nodeid)
    if step and (report.when == "call" or report.failed):
        step.outcome = report.outcome if report.when == "call" else f"{report.when} failed"
    if report.failed:
        hosts = [host for fleet in _fleets for host in fleet.hosts if host.is_on()]
        report.sections += [(f"journal of {host}", host.tail(UNIT)) for host in hosts]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _steps:
        terminalreporter.section("fleet")
        terminalreporter.write_line(table(list(_steps.values())))


@pytest.fixture
def step(request: pytest.FixtureRequest) -> Step:
    """This test's line in the table."""
    _steps[request.node.nodeid] = step = Step(request.function.__doc__.split("\n")[0].rstrip("."))
    return step


@pytest.fixture(scope="session")
def deb() -> Path:
    """The package under test."""
    return Path(os.environ["P2P_PEER_DEB"])


@pytest.fixture(scope="session")
def next_deb(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a higher version."""
    return debs.bumped(deb, tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    fleet = Fleet()
    _fleets.append(fleet)
    try:
        yield fleet
    finally:
        fleet.close()
        _fleets.remove(fleet)


@pytest.fixture(scope="session")
def hosts(fleet: Fleet) -> list[Peer]:
    """The hosts that the story is about, booted, without the package."""
    peers = [Peer(fleet.add(f"h{number}")) for number in range(1, host_count() + 1)]
    for peer in peers:
        peer.host.wait_until_up()
    return peers


@pytest.fixture(scope="session")
def peers(hosts: list[Peer], deb: Path) -> list[Peer]:
    """The same hosts as one fleet of peers: installed, configured, each with a file of its own to find."""
    for peer in hosts:
        if not peer.is_installed():
            peer.install(deb)
        # The first is everybody's friend, and the second is the first's.
        friend = hosts[1] if peer is hosts[0] else hosts[0]
        peer.configure(friend_primary=friend.url, health_check_interval=1)
        peer.share(f"needle-{peer}.bin", 1 << 20)
        peer.restart()
    for peer in hosts:
        peer.wait_until_shared(f"needle-{peer}.bin")
    wait_until_whole(hosts)
    return hosts
