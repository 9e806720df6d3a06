"""From a bare host to a running service."""

import re
import statistics
from pathlib import Path

from fleet.figures import Step
from fleet.host import Host
from fleet.peer import PORTS, SHARED, UNIT, Peer

REPOSITORY = Path(__file__).parents[2]
UNITS = [UNIT, "p2p-peer.socket", "p2p-peer-admin.socket", "p2p-peer-read.socket", "p2p-peer@one.service"]


def test_install(step: Step, hosts: list[Peer], deb: Path) -> None:
    """apt installs the package alone, and the service runs at once"""
    step.hosts = len(hosts)
    times = []
    for peer in hosts:
        said = peer.install(deb)
        assert "0 upgraded, 1 newly installed, 0 to remove" in said, said
        assert peer.host.property(UNIT, "ActiveState") == "active"
        assert peer.systemctl("is-enabled", UNIT).stdout.strip() == "enabled"
        times.append(peer.start_milliseconds())
    step.measure("READY on a fresh host, worst", max(times), "ms", at_most=1000)


def test_status(step: Step, hosts: list[Peer]) -> None:
    """status on each host: ports, directory, version; systemctl tells the STATUS"""
    step.hosts = len(hosts)
    for peer in hosts:
        status = peer.status()
        assert status["name"] == peer.name
        assert status["url"] == peer.url
        assert status["shared_dir"] == SHARED
        assert status["ports"] == {name.lower(): port for name, port in PORTS.items()}
        assert peer.rest("/health")["status"] == "ok"
        assert peer.host.property(UNIT, "StatusText")
        assert peer.host.properties(UNIT, "User", "NRestarts") == {"User": "p2p-peer", "NRestarts": "0"}


def test_nothing_failed(step: Step, hosts: list[Peer]) -> None:
    """no unit of any host has failed, and the daemon warned of nothing"""
    step.hosts = len(hosts)
    for peer in hosts:
        assert peer.systemctl("--failed", "--plain", "--no-legend").stdout == ""
        assert [entry["MESSAGE"] for entry in peer.host.journal("-u", UNIT, "-p", "warning")] == []


def test_boot(step: Step, hosts: list[Peer]) -> None:
    """a host that is switched off and on has its peer back by itself"""
    peer = hosts[-1]
    peer.host.request_power_off()
    peer.host.wait_until_off()
    peer.host.boot()
    peer.host.wait_until_up()
    assert peer.host.property(UNIT, "ActiveState") == "active"
    assert peer.status()["url"] == peer.url
    assert peer.systemctl("--failed", "--plain", "--no-legend").stdout == ""


def test_warm_start(step: Step, hosts: list[Peer]) -> None:
    """a warm start is ready within 200 ms"""
    times = []
    for _ in range(9):
        hosts[0].restart()
        times.append(hosts[0].start_milliseconds())
    step.note(f"worst of 9: {max(times):.0f} ms")
    step.measure("READY, median of 9", statistics.median(times), "ms", at_most=200)


def test_idle_memory(step: Step, hosts: list[Peer]) -> None:
    """an idle daemon's memory"""
    hosts[0].wait_until_settled()
    resident, proportional = hosts[0].memory()
    step.measure("VmRSS", resident, "MB", at_most=32)
    step.measure("PSS", proportional, "MB", at_most=32)


def test_units_verify(step: Step, hosts: list[Peer]) -> None:
    """systemd-analyze verify has nothing to say"""
    result = hosts[0].host.run("systemd-analyze", "verify", *UNITS)
    assert (result.stdout, result.stderr) == ("", "")


def test_security(step: Step, hosts: list[Peer]) -> None:
    """systemd-analyze security p2p-peer.service"""
    said = hosts[0].host.run("systemd-analyze", "security", "--no-pager", UNIT).stdout
    exposure = re.search(r"Overall exposure level for p2p-peer\.service: ([0-9.]+)", said)
    assert exposure, said
    step.measure("exposure", float(exposure[1]), "", at_most=1.2)


def test_manual_pages(step: Step, hosts: list[Peer]) -> None:
    """man --warnings has nothing to say about the three pages"""
    pages = [("8", "p2p-peer"), ("1", "p2padm"), ("5", "peer.json")]
    for section, name in pages:
        page = hosts[0].host.run("man", "--where", section, name).stdout.strip()
        assert page.endswith(f"{name}.{section}.gz")
        formatted = hosts[0].host.shell(f"man --warnings --encoding=UTF-8 --local-file {page}")
        assert len(formatted.stdout.splitlines()) > 30, formatted.stdout
        assert formatted.stderr == ""


def test_smoke(step: Step, hosts: list[Peer]) -> None:
    """the package's own smoke test (autopkgtest) passes"""
    smoke = REPOSITORY / "packaging" / "debian" / "tests" / "smoke"
    _run_smoke(hosts[0].host, smoke.read_text())


def _run_smoke(host: Host, script: str) -> None:
    host.write("/root/smoke", script)
    host.shell("chmod +x smoke && AUTOPKGTEST_TMP=$(mktemp -d) ./smoke")
