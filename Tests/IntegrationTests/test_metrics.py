"""What a Prometheus server reads, on both ports, judged by promtool."""

import re
import shutil
import subprocess

import pytest
import requests
from peers import Peer, PeerFactory

SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?P<labels>.*)\})? (?P<value>\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


@pytest.fixture(scope="module")
def used(shared_factory: PeerFactory) -> Peer:
    """A peer that was asked everything, so that every metric has its series."""
    peer, neighbour = shared_factory.fleet(2)
    neighbour.share("secret-path/odd name.bin", 100_000)
    neighbour.wait_for_files(1)
    peer.adm_json("get", "secret-path/odd name.bin")
    for path in (
        "/files/secret-path/odd%20name.bin",
        "/files/missing-path",
        "/no-such-path",
        "/search?query=odd",
        "/files",
        "/peers",
        "/status",
        "/search",
    ):
        requests.get(peer.url + path, timeout=20)
    requests.request("BREW", peer.url + "/files", timeout=20)
    return peer


def exposition(url: str) -> str:
    answer = requests.get(url, timeout=20)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


def samples(text: str) -> list[tuple[str, dict[str, str], float]]:
    found = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            match = SAMPLE.match(line)
            assert match, line
            found.append((match["name"], dict(LABEL.findall(match["labels"] or "")), float(match["value"])))
    return found


def urls(peer: Peer) -> list[str]:
    return [peer.metrics_url, f"{peer.url}/metrics"]


def test_promtool_is_silent(used):
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: make setup"
    for url in urls(used):
        result = subprocess.run(
            [promtool, "check", "metrics"], input=exposition(url), capture_output=True, text=True, timeout=60
        )
        assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), url


def test_both_ports_say_the_same_names(used):
    names = [{name for name, _, _ in samples(exposition(url))} for url in urls(used)]
    assert names[0] == names[1]


def test_names_begin_with_p2p_or_are_those_of_every_process(used):
    names = {name for name, _, _ in samples(exposition(used.metrics_url))}
    # metrics_: what the exposition says of itself.
    assert all(name.startswith(("p2p_", "process_", "metrics_")) for name in names), names
    for wanted in (
        "p2p_http_requests_total",
        "p2p_peers",
        "p2p_shared_files",
        "p2p_searches_total",
        "p2p_search_hits_total",
        "p2p_transfers_total",
        "p2p_transfer_bytes_total",
        "process_resident_memory_bytes",
    ):
        assert wanted in names


def test_labels_are_bounded(used):
    """No value comes from a client: no path, address, query or peer."""
    for name, labels, _ in samples(exposition(used.metrics_url)):
        for label, value in labels.items():
            assert not re.search(r"secret|odd|missing|no-such|BREW|127\.0\.0\.1|http:", value), (name, label, value)
            assert label not in ("path", "peer", "client", "address", "url", "query", "file"), (name, label)


def test_the_count_of_series_does_not_grow_with_requests(used):
    def series() -> set[tuple[str, str]]:
        return {(name, str(sorted(labels.items()))) for name, labels, _ in samples(exposition(used.metrics_url))}

    before = series()
    for number in range(100):
        requests.get(f"{used.url}/files/missing-{number}", timeout=20)
        requests.get(f"{used.url}/other-{number}", timeout=20)
    assert series() == before


def test_figures_are_right(used):
    values = {(name, *labels.values()): value for name, labels, value in samples(exposition(used.metrics_url))}
    assert values[("p2p_peers", "alive")] == 1
    assert values[("p2p_shared_files",)] == 1
    assert values[("p2p_shared_bytes",)] == 100_000
    received = sum(value for key, value in values.items() if key[0] == "p2p_transfer_bytes_total" and "received" in key)
    assert received == 100_000


def test_the_metrics_port_serves_nothing_else(used):
    answer = requests.get(used.metrics_url.replace("/metrics", "/files"), timeout=20)
    assert answer.status_code == 404
