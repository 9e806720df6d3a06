"""Friends by a name that leads to many peers, as a DNS name with many addresses does.

The peers are on 127.0.0.2, 127.0.0.3 and so on, on one port, as the hosts of a fleet are; the name is in an /etc/hosts of
their own.
"""

import socket
from pathlib import Path
from typing import Any

import pytest
from namespaces import inside
from peers import Peer, PeerFactory
from waiting import until

NAME = "peers.fleet.test"


class Fleet:
    """Peers that have nothing but the name in common."""

    def __init__(self, factory: PeerFactory, directory: Path) -> None:
        self.factory = factory
        self.hosts = directory / "hosts"
        self.prefix = inside("--mount", f"mount --bind '{self.hosts}' /etc/hosts")
        # The ephemeral range is per host; a port that is free on one loopback address is on the next.
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.friend = f"http://{NAME}:{self.port}"
        self.name_leads_to()

    def name_leads_to(self, *numbers: int) -> None:
        lines = ["127.0.0.1 localhost", *(f"127.0.0.{number} {NAME}" for number in numbers)]
        self.hosts.write_text("\n".join(lines) + "\n")

    def url(self, number: int) -> str:
        return f"http://127.0.0.{number}:{self.port}"

    def start(self, number: int, **configuration: Any) -> Peer:
        address = f"127.0.0.{number}"
        peer = self.factory.new(
            f"peer{number}",
            **{"rest_port": self.port, "ip": address, "bind_address": address, "friend_primary": self.friend}
            | configuration,
        )
        peer.prefix = self.prefix
        return peer.start()

    def knows(self, peer: Peer, *numbers: int) -> None:
        """Waits until these are all that it knows, and they live."""
        urls = {self.url(number) for number in numbers}
        until(lambda: peer.alive() == urls == set(peer.members()), f"{peer.name} to know {urls} and nobody else")


@pytest.fixture
def fleet(peer_factory: PeerFactory, tmp_path: Path) -> Fleet:
    return Fleet(peer_factory, tmp_path)


def test_peers_find_each_other_by_one_name(fleet: Fleet):
    # Nobody listens at the last one.
    fleet.name_leads_to(2, 3, 4, 9)
    peers = {number: fleet.start(number) for number in (2, 3, 4)}
    for number, peer in peers.items():
        fleet.knows(peer, *(peers.keys() - {number}))
    answer = peers[4].call("Bootstrap")
    assert answer["registered"] == [fleet.friend] and answer["failed"] == []
    peers[2].share("report.txt", b"x")
    peers[2].wait_for_files(1)
    answers, coverage = peers[4].search("report")
    assert answers[peers[2].url] == ["report.txt"] and coverage["reached"] == 3


def test_the_first_peer_waits_for_others_behind_the_name(fleet: Fleet):
    fleet.name_leads_to(2)
    first = fleet.start(2)
    until(lambda: first.members() == {}, "it to see that the name leads to itself")
    # The second one does not know the name: the first finds it.
    second = fleet.start(3, friend_primary="")
    fleet.name_leads_to(2, 3)
    fleet.knows(first, 3)
    fleet.knows(second, 2)


def test_a_name_that_appears_later(fleet: Fleet):
    first = fleet.start(2)
    until(lambda: fleet.friend in first.members(), "it to list the friend that cannot be found")
    fleet.start(3, friend_primary="")
    fleet.start(4, friend_primary="")
    fleet.name_leads_to(3, 4)
    fleet.knows(first, 3, 4)


def test_alone_it_looks_the_name_up_again(fleet: Fleet):
    fleet.name_leads_to(2, 3)
    first = fleet.start(2)
    second = fleet.start(3)
    fleet.knows(first, 3)
    second.kill()
    until(lambda: not first.alive(), "it to be alone")
    fleet.start(4, friend_primary="")
    fleet.name_leads_to(2, 4)
    until(lambda: first.alive() == {fleet.url(4)}, "it to find another way in")


def test_a_single_host_by_its_name(fleet: Fleet):
    fleet.name_leads_to(3)
    second = fleet.start(3, friend_primary="")
    first = fleet.start(2)
    until(lambda: first.alive() == {fleet.friend}, "it to know its friend by the name")
    assert first.members()[fleet.friend]["name"] == second.name
