"""What users do: look, search, fetch, read the journal."""

import pytest
from fleet.figures import Step
from fleet.peer import DEADLINE, SHARED, UNIT, Peer
from waiting import until

#: Exit codes of p2padm: README.md.
NO_PERMISSION = 77
#: Of the journal's entry about a transfer that is done.
FIELDS = {"PEER", "TRANSFER", "MESSAGE_ID"}


@pytest.fixture(scope="module")
def users(peers: list[Peer]) -> Peer:
    """A host with a user of the group that may ask, one of the group that may do, and one of none."""
    host = peers[0].host
    host.run("useradd", "-G", "p2p-read", "reader")
    host.run("useradd", "-G", "p2p-admin", "keeper")
    host.run("useradd", "stranger")
    return peers[0]


def test_groups(step: Step, users: Peer) -> None:
    """p2p-read may ask, p2p-admin may do, and who is in none is told the group"""
    assert users.url in users.adm("status", user="reader").stdout
    assert users.adm("search", "needle", user="reader").returncode == 0
    refused = users.adm("reload", user="reader", check=False)
    assert refused.returncode == NO_PERMISSION
    assert "p2p-admin" in refused.stderr
    assert users.adm("reload", user="keeper").returncode == 0
    for command in (["status"], ["search", "needle"], ["reload"]):
        stranger = users.adm(*command, user="stranger", check=False)
        assert stranger.returncode == NO_PERMISSION
        assert "p2p-read" in stranger.stderr or "p2p-admin" in stranger.stderr
        assert len(stranger.stderr.splitlines()) <= 3


def test_search(step: Step, peers: list[Peer]) -> None:
    """a search on any host finds every host's file, and says that it reached all"""
    step.hosts = len(peers)
    elapsed = []
    for peer in peers:
        found, coverage = peer.search("needle")
        assert found == {f"needle-{other}.bin" for other in peers}
        assert (coverage["reached"], coverage["known"]) == (len(peers), len(peers))
        assert not coverage["failed"] and not coverage["truncated"]
        elapsed.append(coverage["elapsed_ms"])
    step.measure("slowest search", max(elapsed), "ms", at_most=2000)


def test_get(step: Step, peers: list[Peer]) -> None:
    """get on each host: the bytes have the SHA-256 that they have at their source"""
    step.hosts = len(peers)
    for peer, source in zip(peers, [*peers[1:], peers[0]], strict=True):
        name = f"from-{source}.bin"
        digest = source.share(name, 3_000_001)
        source.wait_until_shared(name)
        peer.adm("get", f"{name}@{source}")
        assert peer.digest(f"{SHARED}/{name}") == digest
        peer.adm("get", f"sha256:{digest}", "--output", "/tmp/by-digest")
        assert peer.digest("/tmp/by-digest") == digest


def test_get_of_nothing(step: Step, peers: list[Peer]) -> None:
    """get of a file that nobody has says so, with how many were asked"""
    result = peers[0].adm("get", "no-such-file", check=False)
    assert result.returncode == 1
    assert "no-such-file" in result.stderr and str(len(peers)) in result.stderr


def test_journal(step: Step, peers: list[Peer]) -> None:
    """the journal has PEER=, TRANSFER= and MESSAGE_ID= of a transfer, and the catalog explains it"""
    peer, source = peers[1], peers[2]
    source.share("journal.bin", 100_000)
    source.wait_until_shared("journal.bin")
    cursor = peer.host.journal_cursor()
    peer.adm("get", "journal.bin")

    def transfer() -> dict[str, object] | None:
        entries = peer.host.journal("-u", UNIT, f"--after-cursor={cursor}")
        return next((entry for entry in entries if entry.keys() >= FIELDS), None)

    entry = until(transfer, "the transfer in the journal", DEADLINE)
    assert all(entry[field] for field in FIELDS)
    assert _has_explanation(peer, f"MESSAGE_ID={entry['MESSAGE_ID']}")


def test_catalog(step: Step, peers: list[Peer]) -> None:
    """every MESSAGE_ID in the journal has its text in the catalog"""
    step.hosts = len(peers)
    ids = {
        entry["MESSAGE_ID"] for peer in peers for entry in peer.host.journal("-t", "p2p-peer") if "MESSAGE_ID" in entry
    }
    assert len(ids) >= 3, ids
    for message in ids:
        assert peers[0].host.run("journalctl", "--dump-catalog", str(message)).stdout.count("\n") > 2
    step.note(f"{len(ids)} kinds of message")


def _has_explanation(peer: Peer, match: str) -> bool:
    """Whether `journalctl -x` adds the catalog's text to an entry; its lines begin with "-- "."""
    explained = peer.host.run("journalctl", "-x", "-n", "1", "--no-pager", "-u", UNIT, match).stdout
    return sum(line.startswith("-- ") or line.startswith("░░") for line in explained.splitlines()) >= 3
