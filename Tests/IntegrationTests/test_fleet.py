"""What a fleet of real daemons does: who is reached, who is missed, who comes back."""

import signal
import time

import pytest
from peers import Peer, PeerFactory
from rest_only_peer import RESTOnlyPeer
from waiting import until


@pytest.fixture(scope="module")
def four(shared_factory: PeerFactory) -> list[Peer]:
    four = shared_factory.fleet(4)
    for number, peer in enumerate(four, 1):
        peer.share(f"dir/report-{number}.bin", 1000 * number)
        peer.share("same.txt", b"the same everywhere")
    for peer in four:
        peer.wait_for_files(2)
    return four


def urls(peers: list[Peer]) -> set[str]:
    return {peer.url for peer in peers}


def test_fanout_3_reaches_all_four_from_each(four):
    for asked in four:
        found, coverage = asked.search("report", fanout=3, ttl=3)
        assert {url for url, paths in found.items() if paths} == urls(four)
        assert found[four[2].url] == ["dir/report-3.bin"]
        assert (coverage["reached"], coverage["known"], coverage["failed"], coverage["truncated"]) == (4, 4, [], False)


def test_fanout_1_and_ttl_1_reach_one_neighbour(four):
    """The friend comes first; a peer without one asks any one."""
    for asked in four:
        found, coverage = asked.search("report", fanout=1, ttl=1)
        assert coverage["reached"] == 2
        assert asked.url in found
        if asked is not four[0]:
            assert set(found) == {asked.url, four[0].url}


@pytest.mark.parametrize("fanout, ttl, reached", [(3, 0, 1), (2, 1, 3), (3, 1, 4), (1, 3, 4)])
def test_fanout_and_ttl_mean_what_they_say(four, fanout, ttl, reached):
    _, coverage = four[1].search("report", fanout=fanout, ttl=ttl)
    # One neighbour a hop may run into somebody who was asked before.
    assert coverage["reached"] == reached or (fanout == 1 and 2 <= coverage["reached"] <= reached)


def test_a_cycle_does_not_multiply_answers(four):
    """All know each other, so that each query meets each peer by several ways."""
    for _ in range(10):
        replies = list(four[3].replies("Search", {"query": "", "fanout": 3, "ttl": 10}))
        answered = [answer["url"] for reply in replies for answer in reply["answers"]]
        assert sorted(answered) == sorted(urls(four))


def test_the_same_file_is_found_everywhere(four):
    found, _ = four[0].search("same.txt")
    assert list(found.values()) == [["same.txt"]] * 4


def test_a_killed_peer_is_reported_and_costs_at_most_a_timeout(peer_factory):
    """Checks are rare here, so that the search is the first to notice."""
    four = peer_factory.fleet(4, health_check_interval=60, search_timeout=2)
    for peer in four:
        peer.share("file.bin", b"x")
        peer.wait_for_files(1)
    four[2].kill()
    begin = time.monotonic()
    found, coverage = four[0].search("file", fanout=3, ttl=3)
    assert time.monotonic() - begin < 2 + 1
    assert {url for url, paths in found.items() if paths} == urls(four) - {four[2].url}
    assert [failure["url"] for failure in coverage["failed"]] == [four[2].url]
    assert coverage["failed"][0]["reason"]
    assert (coverage["reached"], coverage["known"]) == (3, 4)
    result = four[1].adm("search", "file")
    assert result.returncode == 0
    assert four[2].url in result.stderr or "reached 3 of 4" in result.stdout
    # The next search does not run into it again.
    begin = time.monotonic()
    assert four[0].search("file", fanout=3, ttl=1)[1]["reached"] == 3
    assert time.monotonic() - begin < 1


def test_a_peer_that_hangs_costs_one_timeout(peer_factory):
    three = peer_factory.fleet(3, health_check_interval=60, search_timeout=1)
    three[2].send(signal.SIGSTOP)
    begin = time.monotonic()
    found, coverage = three[0].search("", fanout=3, ttl=3)
    assert time.monotonic() - begin < 1 + 1.5
    assert set(found) == urls(three[:2])
    assert three[2].url in {failure["url"] for failure in coverage["failed"]} or coverage["truncated"]


def test_a_peer_that_is_gone_is_noticed_and_used_again_when_it_is_back(peer_factory):
    three = peer_factory.fleet(3)
    for peer in three:
        peer.share("file.bin", b"x")
        peer.wait_for_files(1)
    gone = three[1]
    gone.keep_ports()
    gone.kill()
    for other in (three[0], three[2]):
        until(lambda: other.members()[gone.url]["state"] == "dead", f"{other.name} to hold it for dead")
        assert other.members()[gone.url]["reason"]
    assert three[0].search("file")[1]["reached"] == 2
    gone.start()
    for other in (three[0], three[2]):
        until(lambda: gone.url in other.alive(), f"{other.name} to hold it for alive again")
    until(lambda: gone.alive() == {three[0].url, three[2].url}, "it to know the others")
    found, coverage = three[0].search("file")
    assert found[gone.url] == ["file.bin"]
    assert coverage["reached"] == 3


def test_one_that_leaves_says_so(peer_factory):
    two = peer_factory.fleet(2, health_check_interval=2)
    for peer in two:
        peer.wait_for_gossip()
    assert two[1].stop() == 0
    until(lambda: two[0].members()[two[1].url]["state"] == "left", "the other to hear that it is gone")


def test_peers_known_survive_a_restart(peer_factory):
    """The friend is gone, and the fleet is found without it."""
    three = peer_factory.fleet(3)
    three[2].keep_ports()
    assert three[2].stop() == 0
    three[0].kill()
    three[2].start()
    until(lambda: three[2].alive() == {three[1].url}, "it to find the peer that it knew")
    assert three[0].url in three[2].members()


def test_the_second_friend_stands_in_for_the_first(peer_factory):
    friend = peer_factory()
    peer = peer_factory(friend_primary="http://127.0.0.1:9", friend_secondary=friend.url)
    until(lambda: friend.url in peer.alive(), "the second friend to be alive")
    until(lambda: peer.url in friend.alive(), "the second friend to know it")


def test_a_friend_that_starts_later_is_joined(peer_factory):
    friend = peer_factory()
    friend.keep_ports()
    assert friend.stop() == 0
    peer = peer_factory(friend_primary=friend.url)
    assert peer.alive() == set()
    friend.start()
    until(lambda: friend.url in peer.alive(), "the friend to be joined")


# --- A neighbour that speaks only REST ---


def test_a_rest_only_neighbour_is_a_full_neighbour(peer_factory):
    files = {"original report.txt": b"from the original program", "other.bin": bytes(1000)}
    two = peer_factory.fleet(2)
    with RESTOnlyPeer("original", files) as original:
        answer = original.register_with(two[0].url)
        assert answer["ok"] is True
        assert original.url in answer["peers"]
        member = until(lambda: two[0].members().get(original.url), "it to be listed")
        assert (member["state"], member["protocol"], member["name"]) == ("alive", "rest", "original")
        until(lambda: two[0].url in original.known, "us to register with it")
        until(lambda: original.asked["GET /health"] >= 3, "its health to be checked again and again")

        found, coverage = two[0].search("REPORT", fanout=3, ttl=3)
        assert found[original.url] == ["original report.txt"]
        assert coverage["reached"] == 3
        assert original.asked["GET /files"] >= 1
        assert original.asked["GET /search"] == 0, "a /search there floods again"

        two[0].adm_json("get", "original report.txt")
        assert (two[0].shared / "original report.txt").read_bytes() == files["original report.txt"]
        original.stop()
        until(lambda: two[0].members()[original.url]["state"] == "dead", "its end to be noticed")
        assert two[0].search("report", fanout=3)[1]["reached"] == 2


def test_a_rest_only_friend_is_joined(peer_factory):
    with RESTOnlyPeer("original", {"a.txt": b"a"}) as original:
        peer = peer_factory(friend_primary=original.url)
        until(lambda: peer.alive() == {original.url}, "the friend to be alive")
        assert peer.url in original.known
        # Its answer to /register says nothing of it: that comes with the check right behind.
        until(lambda: peer.members()[original.url]["protocol"] == "rest", "its protocol to be known")
        assert peer.search("a.txt")[0][original.url] == ["a.txt"]
