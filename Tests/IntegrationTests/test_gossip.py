"""Members by gossip over the gRPC port: who is told of whom, and how the end of one is noticed."""

import os
import re
import signal
import time
from types import SimpleNamespace

import grpc
import pytest
from grpc_calls import unary_unary
from peers import Peer, PeerFactory
from rest_only_peer import RESTOnlyPeer
from waiting import until


def counted(peer: Peer, text: str) -> int:
    """How often its log says so."""
    return len(re.findall(text, peer.log()))


def states(peer: Peer) -> dict[str, str]:
    return {url: member["state"] for url, member in peer.members().items()}


def test_who_knows_one_knows_all(peer_factory: PeerFactory):
    """A chain of friends: nobody but the gossip tells the ends of each other."""
    chain = [peer_factory()]
    for _ in range(4):
        chain.append(peer_factory(friend_primary=chain[-1].url))
    for peer in chain:
        others = {other.url for other in chain if other is not peer}
        until(lambda: peer.alive() == others, f"{peer.name} to know {others}")
    for other, member in chain[0].members().items():
        assert member["protocol"] == "p2p" and member["id"] and member["version"], other
    chain[0].share("a.txt", b"12345")
    chain[0].wait_for_files(1)
    figures = lambda: [(m["files"], m["bytes"]) for m in [chain[4].members()[chain[0].url]]]  # noqa: E731
    until(lambda: figures() == [(1, 5)], "the other end to hear what is shared")
    until(lambda: all(m["round_trip_us"] for m in chain[4].members().values()), "round trips to be measured")


def test_members_of_the_gossip_are_not_checked_by_rest(peer_factory: PeerFactory):
    two = peer_factory.fleet(2)
    two[0].wait_for_gossip()

    def checks() -> int:
        return counted(two[0], "path=/health")

    # Whatever was on its way has come by the second round trip that is measured anew.
    before, times = checks(), set()
    until(lambda: times.add(two[1].members()[two[0].url]["round_trip_us"]) or len(times) > 4, "some probes")
    assert checks() <= before + 1


def test_a_crash_is_told_to_everybody(peer_factory: PeerFactory):
    four = peer_factory.fleet(4, health_check_interval=0.5)
    four[3].kill()
    for peer in four[:3]:
        until(lambda: states(peer)[four[3].url] == "dead", f"{peer.name} to hold it for dead")
        assert "does not answer" in peer.log() or "peer lost" in peer.log()
    assert four[0].members()[four[3].url]["reason"] == "did not answer the gossip's probes"


def test_a_stalled_peer_is_a_suspect_and_comes_back(peer_factory: PeerFactory):
    three = peer_factory.fleet(3, health_check_interval=1)
    three[2].send(signal.SIGSTOP)
    until(lambda: states(three[0])[three[2].url] in ("suspect", "dead"), "it to be a suspect")
    three[2].send(signal.SIGCONT)
    for peer in three[:2]:
        until(lambda: states(peer)[three[2].url] == "alive", f"{peer.name} to believe it alive")
    until(lambda: set(states(three[2]).values()) == {"alive"}, "it to believe the others alive")


def test_leaving_is_told_apart_from_dying(peer_factory: PeerFactory):
    three = peer_factory.fleet(3, health_check_interval=2)
    for peer in three:
        peer.wait_for_gossip()
    begin = time.monotonic()
    assert three[2].stop() == 0
    assert time.monotonic() - begin < 8
    for peer in three[:2]:
        until(lambda: states(peer)[three[2].url] == "left", f"{peer.name} to hear the goodbye")
        assert "peer left" in peer.log()


def test_one_that_returns_is_told_of(peer_factory: PeerFactory):
    two = peer_factory.fleet(2)
    two[1].keep_ports()
    for peer in two:
        peer.wait_for_gossip()
    assert two[1].stop() == 0
    until(lambda: states(two[0])[two[1].url] == "left", "the goodbye")
    two[1].start()
    until(lambda: two[0].alive() == {two[1].url}, "its return")
    assert "peer returned" in two[0].log()


def test_a_fleet_that_was_switched_off_finds_itself(peer_factory: PeerFactory):
    """The friend of all others comes last."""
    four = peer_factory.fleet(4)
    for peer in four:
        peer.keep_ports()
    for peer in four:
        peer.kill()
    for peer in reversed(four[1:]):
        peer.start()
    for peer in four[1:]:
        others = {other.url for other in four[1:] if other is not peer}
        until(lambda: peer.alive() >= others, f"{peer.name} to find {others}", 30)
    four[0].start()
    until(lambda: len(four[0].alive()) == 3, "the friend to be known again", 30)


def test_a_peer_that_speaks_only_rest_stays_a_member(peer_factory: PeerFactory):
    two = peer_factory.fleet(2)
    with RESTOnlyPeer("original", {"a.txt": b"a"}) as original:
        original.register_with(two[0].url)
        until(lambda: original.asked["GET /health"] >= 5, "it to be checked again and again")
        member = two[0].members()[original.url]
        assert (member["state"], member["protocol"], member["neighbour"]) == ("alive", "rest", False)
        original.stop()
        until(lambda: states(two[0])[original.url] == "dead", "its end to be noticed")


def test_the_graph_is_the_same_for_all(peer_factory: PeerFactory):
    four = peer_factory.fleet(4)

    def links(peer: Peer) -> set[tuple[str, str]]:
        graph = peer.call("Graph")
        names = [node["name"] for node in graph["peers"]]
        assert names[0] == peer.name
        return {
            tuple(sorted((names[link["one"]], names[link["other"]])))
            for link in graph["links"]
            if link["kind"] == "ring"
        }

    until(lambda: all(links(peer) == links(four[0]) for peer in four), "them to see one graph")
    # Three rings of four, which may have links in common.
    assert 4 <= len(links(four[0])) <= 6
    assert {name for link in links(four[0]) for name in link} == {peer.name for peer in four}
    text = four[1].adm("graph").stdout
    assert re.search(rf"^{four[1].name} +this peer .*{four[0].name}\*", text, re.MULTILINE)
    dot = four[1].adm("graph", "--dot").stdout
    # A friend is linked, whatever the rings say.
    assert dot.startswith("graph p2p {") and f'"{four[1].url}" -- "{four[0].url}" [style=dashed];' in dot
    assert any(line["type"] == "link" for line in four[1].adm_json("graph"))


# --- The wire ---


@pytest.fixture(scope="module")
def asked(shared_factory: PeerFactory):
    peer = shared_factory()
    with grpc.insecure_channel(peer.grpc_target) as channel:
        yield SimpleNamespace(peer=peer, channel=channel)


def tell(asked: SimpleNamespace, wire: SimpleNamespace, message: object) -> grpc.StatusCode:
    call = unary_unary(asked.channel, "/p2p.v1.Gossip/Tell", wire.peer.GossipReceipt)
    try:
        call(message, timeout=20)
        return grpc.StatusCode.OK
    except grpc.RpcError as error:
        return error.code()


def record(wire: SimpleNamespace, **fields: object):
    return wire.peer.MemberRecord(**({"id": os.urandom(32), "grpc": "127.0.0.1:1", "boot": 7} | fields))


def test_a_peer_says_who_it_is(asked, wire):
    describe = unary_unary(asked.channel, "/p2p.v1.Gossip/Describe", wire.peer.Description)
    answer = describe(wire.peer.DescribeRequest(), timeout=20)
    assert (answer.peer.url, answer.peer.name) == (asked.peer.url, asked.peer.name)
    assert answer.peer.id.hex() == asked.peer.status()["id"]


def test_a_stranger_that_nobody_can_ask_is_no_member(asked, wire):
    assert tell(asked, wire, wire.peer.GossipMessage(**{"from": record(wire)})) is grpc.StatusCode.OK
    assert asked.peer.members() == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda wire: {"from": record(wire, id=b"short")},
        lambda wire: {"from": record(wire, boot=1 << 62)},
        lambda wire: {"from": record(wire, grpc="x" * 271)},
        lambda wire: {"from": record(wire, state=4)},
        lambda wire: {"from": record(wire), "updates": [record(wire)] * 257},
        lambda wire: {"from": record(wire), "updates": [record(wire, suspected_by=b"x")]},
        lambda wire: {"from": record(wire), "digest": wire.peer.GossipMessage.Digest(buckets=[1])},
        lambda wire: {"from": record(wire), "ping": wire.peer.GossipMessage.Ping(target=b"x")},
    ],
)
def test_what_is_no_message_of_the_gossip_is_refused(asked, wire, change):
    message = wire.peer.GossipMessage(**change(wire))
    assert tell(asked, wire, message) is grpc.StatusCode.INVALID_ARGUMENT


def test_a_lie_about_itself_is_contradicted(asked, wire):
    """Whoever says that this peer is dead, of a run long after this one, is told better."""
    own = bytes.fromhex(asked.peer.status()["id"])
    lie = record(wire, id=own, boot=(1 << 62) - 1, refutations=(1 << 32) - 1, state=2)
    assert tell(asked, wire, wire.peer.GossipMessage(**{"from": record(wire), "updates": [lie]})) is grpc.StatusCode.OK
    assert asked.peer.status()["id"] == own.hex()
