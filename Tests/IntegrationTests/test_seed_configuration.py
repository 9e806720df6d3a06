"""A configuration file of the directory system, as it is."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from peers import Peer, PeerFactory
from test_configuration import run
from waiting import until

PASSWORD = "sd1234-not-to-be-seen"


def original(peer: Peer, **changes: Any) -> dict[str, Any]:
    return {
        "peer_name": peer.name,
        "ip": "127.0.0.1",
        "port": 0,
        "directory": str(peer.shared),
        "api_url": "http://127.0.0.1:1/login",
        "api_search_url": "http://127.0.0.1:1/buscar_archivos",
        "peer_urls": ["127.0.0.1:50062"],
        "grpc_urls": ["127.0.0.1:50062"],
        "peer_amigo_titular": "127.0.0.1:50062",
        "peer_amigo_suplente": "",
        "password": PASSWORD,
        "auth_enabled": True,
    } | changes


@pytest.fixture
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the file has no key for: several peers of that system share a host."""

    def of(peer: Peer) -> dict[str, str]:
        return {"P2P_STATE_DIR": str(peer.state), "P2P_ADMIN_SOCKET": str(peer.socket), "P2P_LOG_LEVEL": "trace"}

    return of


def test_three_peers_run_from_their_original_files(peer_factory: PeerFactory, surroundings):
    for name in ("Peer1", "Peer2", "Peer3"):
        peer = peer_factory.new(name)
        peer.config_file.write_text(json.dumps(original(peer)))
        peer.share(f"{name}.txt", b"x")
        peer.start(**surroundings(peer)).wait_for_files(1)
        assert peer.status()["name"] == name
        assert requests.get(f"{peer.url}/files", timeout=10).json()["files"][0]["name"] == f"{name}.txt"
        until(lambda: "127.0.0.1:50062" in peer.log(), "the log to say that a friend has no REST URL")
        assert PASSWORD not in peer.log()


def test_another_password_needs_a_restart_and_is_not_shown(peer_factory: PeerFactory, surroundings):
    peer = peer_factory.new("Peer1")
    peer.config_file.write_text(json.dumps(original(peer)))
    peer.start(**surroundings(peer))
    peer.config_file.write_text(json.dumps(original(peer, password="another-" + PASSWORD)))
    assert peer.call("Reload")["needs_restart"] == ["directory.password"]
    assert PASSWORD not in peer.log()


def test_a_check_prints_no_secret(tmp_path: Path):
    path = tmp_path / "peer.json"
    path.write_text(
        json.dumps(
            {
                "peer_name": "Peer1",
                "password": PASSWORD,
                "peer_amigo_titular": "127.0.0.1:50062",
            }
        )
    )
    result = run("--check-config", path, environment={"P2P_DIRECTORY_STORE": f"postgresql://u:{PASSWORD}@h/db"})
    assert result.returncode == 0
    assert "directory.password = ***\n" in result.stdout
    assert "directory.store = postgresql://u:***@h/db\n" in result.stdout
    assert "127.0.0.1:50062" in result.stderr
    assert PASSWORD not in result.stdout + result.stderr
