"""The admin socket, asked by the `varlink` package of PyPI, which others wrote."""

import json
import stat
from collections.abc import Iterator
from typing import Any

import pytest
import varlink
from peers import Peer, PeerFactory

INTERFACE = "org.p2ppeer.Admin"


@pytest.fixture(scope="module")
def pair(shared_factory: PeerFactory) -> list[Peer]:
    pair = shared_factory.fleet(2)
    for number in range(3):
        pair[0].share(f"here/file-{number}.bin", 100 + number)
    pair[1].share("there/file.bin", 1000)
    pair[0].wait_for_files(3)
    pair[1].wait_for_files(1)
    return pair


@pytest.fixture
def connection(pair: list[Peer]) -> Iterator[Any]:
    with varlink.Client.new_with_address(f"unix:{pair[0].socket}") as client, client.open(INTERFACE) as connection:
        yield connection


def test_the_socket_is_its_owners_alone(pair):
    assert stat.S_IMODE(pair[0].socket.stat().st_mode) == 0o600


def test_get_info(pair):
    with varlink.Client.new_with_address(f"unix:{pair[0].socket}") as client:
        with client.open("org.varlink.service") as service:
            info = service.GetInfo()
    assert set(info["interfaces"]) == {"org.varlink.service", INTERFACE}
    assert all(info[field] for field in ("vendor", "product", "version", "url"))


def test_the_interface_is_described_and_documented(pair):
    with varlink.Client.new_with_address(f"unix:{pair[0].socket}") as client:
        interface = client.get_interface(INTERFACE)
        with client.open("org.varlink.service") as service:
            text = service.GetInterfaceDescription(INTERFACE)["description"]
    methods = {name for name, member in interface.members.items() if type(member).__name__ == "_Method"}
    users = {"ListUsers", "AddUser", "SetPassword", "DisableUser", "EnableUser", "RemoveUser"}
    transfers = {"Get", "GetTree", "Put", "ListTransfers", "CancelTransfer"}
    others = {"Status", "Peers", "Graph", "Files", "Search", "Bootstrap", "Reload", "Rescan"}
    assert methods == users | transfers | others
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith(("method ", "error ")):
            assert lines[number - 1].startswith("#"), f"not documented: {line}"


def test_status(pair, connection):
    status = connection.Status()
    assert (status["name"], status["url"], status["pid"]) == ("peer1", pair[0].url, pair[0].pid)
    assert (status["shared_dir"], status["state_dir"]) == (str(pair[0].shared), str(pair[0].state))
    assert status["config_file"] == str(pair[0].config_file)
    assert len(status["id"]) == 64
    assert (status["catalog"]["files"], status["catalog"]["bytes"], status["catalog"]["hashed"]) == (3, 303, 3)
    assert (status["peers_alive"], status["peers_known"]) == (1, 1)


def test_peers(pair, connection):
    (peer,) = connection.Peers()["peers"]
    assert (peer["url"], peer["name"], peer["state"], peer["protocol"]) == (pair[1].url, "peer2", "alive", "p2p")
    assert peer["id"] == pair[1].status()["id"]
    assert peer["round_trip_us"] > 0


def test_search_streams_an_answer_a_reply(pair, connection):
    replies = list(connection.Search("file", _more=True))
    assert all(len(reply["answers"]) == 1 for reply in replies[:-1])
    urls = [reply["answers"][0]["url"] for reply in replies[:-1]]
    assert sorted(urls) == sorted(peer.url for peer in pair)
    coverage = replies[-1]["coverage"]
    assert (coverage["reached"], coverage["known"], coverage["failed"]) == (2, 2, [])


def test_search_in_one_reply(connection):
    reply = connection.Search(query="file-1")
    paths = {answer["peer"]: [file["path"] for file in answer["files"]] for answer in reply["answers"]}
    assert paths == {"peer1": ["here/file-1.bin"], "peer2": []}
    assert reply["coverage"]["reached"] == 2


def test_files_in_pages(connection):
    one = connection.Files(limit=2)
    assert ([file["path"] for file in one["files"]], one["continues"]) == (["here/file-0.bin", "here/file-1.bin"], True)
    two = connection.Files(after=one["files"][-1]["path"], limit=2)
    assert ([file["path"] for file in two["files"]], two["continues"]) == (["here/file-2.bin"], False)
    streamed = list(connection.Files(limit=1, _more=True))
    assert [len(reply["files"]) for reply in streamed] == [1, 1, 1]
    assert [file["path"] for file in connection.Files(query="FILE-2")["files"]] == ["here/file-2.bin"]


def test_many_files_stream_in_several_replies(peer):
    for number in range(1203):
        (peer.shared / f"{number:04}.txt").write_bytes(b"")
    peer.call("Rescan")
    replies = list(peer.replies("Files"))
    assert [len(reply["files"]) for reply in replies] == [500, 500, 203]
    assert [file["path"] for reply in replies for file in reply["files"]] == [f"{n:04}.txt" for n in range(1203)]


def test_get_says_how_far_it_is(pair, connection):
    replies = list(connection.Get(path="there/file.bin", _more=True))
    last = replies[-1]["progress"]
    assert (last["state"], last["path"], last["received"], last["size"]) == ("done", "there/file.bin", 1000, 1000)
    assert (pair[0].shared / "there/file.bin").read_bytes() == (pair[1].shared / "there/file.bin").read_bytes()
    (pair[0].shared / "there/file.bin").unlink()
    pair[0].call("Rescan")


@pytest.mark.parametrize(
    "method, parameters, error, fields",
    [
        ("Nonsense", {}, "org.varlink.service.MethodNotFound", {"method": f"{INTERFACE}.Nonsense"}),
        ("Search", {}, "org.varlink.service.InvalidParameter", {"parameter": "query"}),
        ("Search", {"query": 1}, "org.varlink.service.InvalidParameter", {"parameter": "query"}),
        ("Search", {"query": "a", "ttl": -1}, f"{INTERFACE}.InvalidArgument", {"field": "ttl"}),
        ("Search", {"query": "a", "fanout": -1}, f"{INTERFACE}.InvalidArgument", {"field": "fanout"}),
        ("Files", {"limit": 0}, f"{INTERFACE}.InvalidArgument", {"field": "limit"}),
        ("Get", {"path": "missing.bin"}, f"{INTERFACE}.NotFound", {"what": "missing.bin"}),
        ("Get", {}, f"{INTERFACE}.InvalidArgument", {"field": "path"}),
        ("Get", {"path": "a", "peer": "nobody"}, f"{INTERFACE}.InvalidArgument", {"field": "peer"}),
        ("Get", {"path": "a", "output": 0}, f"{INTERFACE}.InvalidArgument", {"field": "output"}),
    ],
)
def test_errors_are_typed(pair, method, parameters, error, fields):
    """By hand, because the package checks arguments against the interface before it sends them."""
    message = {"method": f"{INTERFACE}.{method}", "parameters": parameters} | (
        {"more": True} if method == "Get" else {}
    )
    with varlink.Client.new_with_address(f"unix:{pair[0].socket}") as client, client.open(INTERFACE) as connection:
        with pytest.raises(varlink.VarlinkError) as raised:
            connection._send_message(json.dumps(message).encode())
            continues = True
            while continues:
                _, continues = connection._next_varlink_message()
    assert raised.value.error() == error
    assert fields.items() <= raised.value.parameters().items()


def test_an_unknown_interface_is_not_described(pair):
    with varlink.Client.new_with_address(f"unix:{pair[0].socket}") as client:
        with client.open("org.varlink.service") as service, pytest.raises(varlink.VarlinkError) as raised:
            service.GetInterfaceDescription("no.such")
    assert raised.value.error() == "org.varlink.service.InterfaceNotFound"
