"""Peers that log in to a directory: ours, and a stand-in for the original's."""

import hashlib
from pathlib import Path
from typing import Any

import requests
from original_directory import OriginalDirectory
from peers import Peer, PeerFactory
from test_directory import PASSWORD, start
from waiting import until

HEARTBEAT = 0.3


def client(factory: PeerFactory, name: str, *urls: str, password: str = PASSWORD, **configuration: Any) -> Peer:
    """A peer that logs in, not started yet."""
    peer = factory.new(name)
    secret = peer.directory / "password"
    secret.write_text(f"{password}\n")
    role = {"url": list(urls), "password_file": str(secret), "heartbeat_interval": HEARTBEAT}
    peer.write_configuration(directory=role, **configuration)
    return peer


def login(peer: Peer) -> dict[str, Any]:
    return peer.status()["login"]


def wait_for_login(peer: Peer, state: str = "logged_in") -> dict[str, Any]:
    until(lambda: login(peer)["state"] == state, f"{peer.name} to be {state}")
    return login(peer)


def listed(directory: Peer, peer: str) -> dict[str, dict[str, Any]]:
    answer = requests.get(f"{directory.url}/v1/directory/files", params={"peer": peer, "limit": 1000}, timeout=20)
    assert answer.status_code == 200, answer.text
    return {file["filename"]: file for file in answer.json()["files"]}


def nothing_secret(*peers: Peer) -> None:
    for peer in peers:
        assert PASSWORD not in peer.log()


def test_a_peer_logs_in_and_tells_what_changes(peer_factory: PeerFactory):
    directory = start(peer_factory, "Peer1")
    peer = client(peer_factory, "Peer1", directory.url)
    peer.share("a b/informe ñ.txt", b"one")
    peer.start()
    state = wait_for_login(peer)
    assert (state["account"], state["url"]) == ("Peer1", directory.url)
    until(lambda: "sha256" in listed(directory, "Peer1").get("a b/informe ñ.txt", {}), "the file to be listed")
    entry = listed(directory, "Peer1")["a b/informe ñ.txt"]
    assert entry["size"] == 3
    assert requests.get(entry["url"], timeout=20).content == b"one"
    for number in range(5):
        peer.share(f"new{number}.bin", 10)
    until(lambda: len(listed(directory, "Peer1")) == 6, "new files to be listed")
    (peer.shared / "new0.bin").unlink()
    until(lambda: "new0.bin" not in listed(directory, "Peer1"), "a file that is gone to be so there, too")
    assert f"Peer1 at {directory.url} for" in peer.adm("status").stdout
    assert "p2p_directory_logged_in 1" in requests.get(peer.metrics_url, timeout=20).text
    assert login(peer)["files"] == 5
    nothing_secret(peer, directory)


def test_a_login_that_the_directory_has_forgotten_is_made_again(peer_factory: PeerFactory):
    directory = start(peer_factory, "Peer1")
    peer = client(peer_factory, "Peer1", directory.url)
    peer.share("x.bin", 10)
    peer.start()
    wait_for_login(peer)
    until(lambda: listed(directory, "Peer1"), "the file to be listed")
    assert directory.adm("user", "disable", "Peer1").returncode == 0
    reason = wait_for_login(peer, "away")["reason"]
    assert reason == f"{directory.url} does not accept the user name or the password"
    assert "the directory refuses the login of this peer" in peer.log()
    assert directory.adm("user", "enable", "Peer1").returncode == 0
    wait_for_login(peer)
    until(lambda: listed(directory, "Peer1"), "the file to be listed again")
    nothing_secret(peer, directory)


def test_a_search_asks_both_and_names_each_file_once(peer_factory: PeerFactory, tmp_path: Path):
    directory = start(peer_factory, "near", "far")
    near = client(peer_factory, "near", directory.url)
    far = client(peer_factory, "far", directory.url)
    data = far.share("sub/shared.bin", 70_000)
    near.share("shared.txt", b"text")
    for peer in (near, far):
        peer.start()
        wait_for_login(peer)
    # A neighbour that is in both: itself is believed.
    asker = peer_factory(
        "asker", friend_primary=near.url, directory={"url": directory.url, "heartbeat_interval": HEARTBEAT}
    )
    until(lambda: asker.alive() == {near.url}, "asker to know near")
    until(lambda: "sha256" in listed(directory, "far").get("sub/shared.bin", {}), "far to be listed")
    hits = [line["hit"] for line in asker.adm_json("search", "SHARED") if line["type"] == "hit"]
    assert {(hit["peer"], hit["path"], hit["via"]) for hit in hits} == {
        ("near", "shared.txt", "overlay"),
        ("far", "sub/shared.bin", "directory"),
    }
    assert len(hits) == 2
    for via, paths in (("overlay", {"shared.txt"}), ("directory", {"shared.txt", "sub/shared.bin"})):
        found, coverage = asker.search("shared", via=via)
        assert {path for files in found.values() for path in files} == paths
        assert coverage.get("directory") == (None if via == "overlay" else directory.url)
    answer = requests.get(f"{asker.url}/search?query=shared&via=directory", timeout=20).json()
    assert {result["via"] for result in answer["results"]} == {"directory"}
    assert requests.get(f"{near.url}/search?query=shared&via=nowhere", timeout=20).status_code == 400
    assert "far*" in asker.adm("search", "shared").stdout
    # Found by the directory alone, brought by its contact.
    result = asker.adm("get", "shared.bin")
    assert result.returncode == 0, result.stderr
    assert (asker.shared / "sub/shared.bin").read_bytes() == data
    (asker.shared / "sub/shared.bin").unlink()
    result = asker.adm("get", f"sha256:{hashlib.sha256(data).hexdigest()}")
    assert result.returncode == 0, result.stderr
    assert (asker.shared / "sub/shared.bin").read_bytes() == data
    nothing_secret(near, far, asker, directory)


def test_a_directory_that_is_away_hides_nothing(peer_factory: PeerFactory):
    directory = start(peer_factory, "Peer1")
    directory.keep_ports()
    peer = client(peer_factory, "Peer1", directory.url)
    peer.share("here.bin", 10)
    peer.start()
    wait_for_login(peer)
    assert directory.stop() == 0
    state = wait_for_login(peer, "away")
    assert state["reason"].startswith(directory.url)
    found, coverage = peer.search("here")
    assert found == {peer.url: ["here.bin"]}
    assert [failure["url"] for failure in coverage["failed"]] == [directory.url]
    assert coverage["failed"][0]["reason"].startswith("directory: ")
    assert peer.adm("search", "here").returncode == 0
    assert "in no directory for" in peer.adm("status").stdout
    assert peer.log().count("no directory can be reached") == 1
    directory.start()
    wait_for_login(peer)
    until(lambda: listed(directory, "Peer1"), "the file to be listed again")


def test_a_peer_that_stops_in_order_leaves_at_once(peer_factory: PeerFactory):
    directory = start(peer_factory, "Peer1", lease=3600)
    peer = client(peer_factory, "Peer1", directory.url)
    peer.share("x.bin", 10)
    peer.start()
    until(lambda: "sha256" in listed(directory, "Peer1").get("x.bin", {}), "the file to be listed")
    assert peer.stop() == 0
    assert requests.get(f"{directory.url}/peers_activos", timeout=20).json() == {"peers": []}
    assert requests.get(f"{directory.url}/buscar_archivos?filename=x.bin", timeout=20).status_code == 404
    assert "Peer 'Peer1' has logged out" in directory.log()
    # Its list is kept: it is back with its login, and has nothing to send.
    peer.start()
    wait_for_login(peer)
    assert "x.bin" in listed(directory, "Peer1")
    # Killed it can not tell, and stays until its lease ends; a directory that is away does not keep it from stopping.
    peer.kill()
    assert "x.bin" in listed(directory, "Peer1")
    peer.start()
    wait_for_login(peer)
    directory.kill()
    assert peer.stop() == 0


def test_directories_are_tried_in_turn(peer_factory: PeerFactory):
    first = start(peer_factory, "Peer1", lease=1)
    second = start(peer_factory, "Peer1")
    peer = client(peer_factory, "Peer1", first.url, second.url)
    peer.share("x.bin", 10)
    peer.start()
    until(lambda: listed(first, "Peer1"), "the file at the first")
    first.kill()
    until(lambda: listed(second, "Peer1"), "the file at the second")
    assert wait_for_login(peer)["url"] == second.url


def test_without_a_directory_via_is_refused(peer: Peer):
    result = peer.adm("search", "x", "--via", "directory")
    assert result.returncode != 0
    assert "this peer has no directory to ask" in result.stderr
    assert requests.get(f"{peer.url}/search?query=x&via=both", timeout=20).status_code == 400
    assert requests.get(f"{peer.url}/search?query=x&via=overlay", timeout=20).status_code == 200
    assert "login" not in peer.status()


def test_the_originals_directory(peer_factory: PeerFactory):
    """It gets the whole list each heartbeat, in the query, and may go and come."""
    with OriginalDirectory({"Peer1": "sd 1234&ñ", "Peer2": "sd1234"}) as directory:
        peer = client(peer_factory, "Peer1", directory.url, password="sd 1234&ñ")
        peer.share("informe ñ&.txt", b"one")
        peer.start()
        wait_for_login(peer)
        until(lambda: len(directory.logins) >= 4, "logins each heartbeat")
        assert directory.names("Peer1") == ["informe ñ&.txt"]
        peer.share("dos.bin", 10)
        until(lambda: directory.names("Peer1") == ["dos.bin", "informe ñ&.txt"], "the new file")
        # As the original's peers say it: where they are reached is not told.
        directory.lists["Peer2"] = [{"filename": "DOS.txt", "url": []}]
        found, coverage = peer.search("dos", via="directory")
        assert found == {peer.url: ["dos.bin"]}
        assert [failure["reason"] for failure in coverage["failed"]] == [
            "directory: does not tell where to reach Peer2"
        ]
        port = directory.port
        url = directory.url
    wait_for_login(peer, "away")
    assert peer.search("dos")[0] == {peer.url: ["dos.bin"]}
    with OriginalDirectory({"Peer1": "sd 1234&ñ"}, port=port) as directory:
        assert wait_for_login(peer)["url"] == url
        until(lambda: directory.names("Peer1") == ["dos.bin", "informe ñ&.txt"], "the list again")
    assert "sd 1234" not in peer.log()
    assert "sd%201234" not in peer.log()
    assert "files_index" not in peer.log()


def test_the_originals_configuration(peer_factory: PeerFactory):
    with OriginalDirectory({"Peer3": PASSWORD}) as directory:
        peer = peer_factory.new("Peer3")
        peer.share("tres.bin", 10)
        seed = {"peer_name": "Peer3", "api_url": f"{directory.url}/login", "password": PASSWORD}
        peer.write_configuration(name=None, directory={"heartbeat_interval": HEARTBEAT}, **seed)
        peer.start()
        until(lambda: directory.names("Peer3") == ["tres.bin"], "the login of Peer3")
    nothing_secret(peer)
