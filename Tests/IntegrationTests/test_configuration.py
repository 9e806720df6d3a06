"""How the daemon meets a configuration that it cannot use: every fault at once, one line, the right exit code."""

import json
import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import DAEMON, REPOSITORY, PeerFactory, clean_environment, unprivileged

Finished = subprocess.CompletedProcess[str]


def run(*arguments: str | Path, environment: dict[str, str] | None = None, **options: Any) -> Finished:
    return subprocess.run(
        [DAEMON, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=20,
        env=clean_environment(**(environment or {})),
        **options,
    )


def write(directory: Path, configuration: Any) -> Path:
    path = directory / "peer.json"
    path.write_text(configuration if isinstance(configuration, str) else json.dumps(configuration, indent=4))
    return path


def test_version():
    result = run("--version")
    assert result.returncode == 0
    assert re.fullmatch(r"(p2p-peer )?\d+\.\d+\.\d+\n", result.stdout) and result.stderr == ""


def test_help_lists_every_key_and_exit_code():
    result = run("--help")
    assert result.returncode == 0
    for part in ("--config", "--check-config", "78", "69", "SIGHUP"):
        assert part in result.stdout


def test_wrong_usage():
    result = run("--nonsense")
    assert result.returncode == 64 and result.stdout == ""


@pytest.mark.parametrize("path", [*(f"demo/peer{n}.json" for n in (1, 2, 3, 4)), "etc/p2p-peer/peer.json"])
def test_the_configurations_of_the_repository_are_good(path, tmp_path):
    result = run("--check-config", REPOSITORY / path, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert json.loads((REPOSITORY / path).read_text()).get("name", "") in result.stdout
    assert list(tmp_path.iterdir()) == [], "a check makes nothing"


def test_all_faults_are_reported_at_once(tmp_path):
    path = write(
        tmp_path,
        {
            "rest_prot": 8001,
            "grpc_port": 70000,
            "search_ttl": "three",
            "friend_primary": "nonsense",
            "rate_limit": {"requests_per_minit": 1},
            "health_check_interval": -1,
            "name": "",
            "serach_ttl": 1,
        },
    )
    for arguments in (("--check-config", path), ("--config", path)):
        result = run(*arguments)
        assert result.returncode == 78
        lines = result.stderr.splitlines()
        assert len(lines) == 8, result.stderr
        assert all("expected" in line and "found" in line for line in lines)
        text = result.stderr
        for near in ("`rest_port`", "`rate_limit.requests_per_minute`", "`search_ttl`"):
            assert f"did you mean {near}" in text
        for key, found in (
            ("grpc_port", "70000"),
            ("search_ttl", '"three"'),
            ("friend_primary", '"nonsense"'),
            ("health_check_interval", "-1"),
        ):
            assert any(key in line and found in line for line in lines), key
        # Each with its line in the file.
        assert f"{path}:2:" in text and f"{path}:3:" in text


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "nonsense", '{"name": "a",}', '{"name": "a" "ip": 1}', "\0", '{"a": 1}' * 2, "{" * 5000]
)
def test_what_is_no_json_is_told_with_its_place(tmp_path, text):
    path = write(tmp_path, text)
    result = run("--config", path)
    assert result.returncode == 78
    assert len(result.stderr.splitlines()) == 1
    assert f"{path}:1" in result.stderr


def test_a_missing_file(tmp_path):
    result = run("--config", tmp_path / "none.json")
    assert result.returncode in (66, 78)
    assert len(result.stderr.splitlines()) == 1 and "none.json" in result.stderr


def test_a_variable_overrides_the_file(peer_factory):
    peer = peer_factory.new(search_ttl=3)
    peer.start(P2P_SEARCH_TTL="9", P2P_NAME="from the environment")
    assert peer.status()["name"] == "from the environment"


def test_a_bad_variable_is_a_fault(tmp_path):
    result = run(
        "--check-config", write(tmp_path, {"name": "a"}), environment={"P2P_REST_PORT": "x", "P2P_SERCH_TTL": "1"}
    )
    assert result.returncode == 78
    assert "P2P_REST_PORT" in result.stderr and "P2P_SEARCH_TTL" in result.stderr


def test_drop_ins_override_in_their_order(peer_factory):
    peer = peer_factory.new()
    drop_ins = peer.directory / "peer.d"
    drop_ins.mkdir()
    (drop_ins / "20-later.json").write_text('{"name": "later"}')
    (drop_ins / "10-first.json").write_text('{"name": "first"}')
    (drop_ins / "ignored.txt").write_text("nonsense")
    assert peer.start().status()["name"] == "later"


# --- What is around it ---


def failed_start(factory: PeerFactory, **configuration: Any) -> tuple[int, str]:
    """A daemon that cannot start: its exit code, and the one line that it says."""
    peer = factory.new(**configuration)
    peer.launch()
    code = peer.wait()
    lines = peer.log().splitlines()
    assert len(lines) == 1, peer.log()
    return code, lines[0]


@pytest.mark.parametrize("key", ["rest_port", "grpc_port", "metrics_port"])
def test_a_port_in_use(peer_factory, key):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = failed_start(peer_factory, **{key: port})
    assert code == 69
    assert key in line and str(port) in line and "in use" in line


def test_a_missing_shared_directory(peer_factory):
    code, line = failed_start(peer_factory, shared_dir="/no/such/directory")
    assert code == 66
    assert "shared_dir" in line and "/no/such/directory" in line


def test_a_shared_directory_that_is_a_file(peer_factory, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    code, line = failed_start(peer_factory, shared_dir=str(tmp_path / "file"))
    assert code == 66
    assert "shared_dir" in line


def test_a_state_directory_that_cannot_be_made(peer_factory):
    code, line = failed_start(peer_factory, state_dir="/proc/no/such")
    assert code in (66, 71, 77)
    assert "state_dir" in line


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user may enter and write to, as those of pytest may not be."""
    with tempfile.TemporaryDirectory(prefix="p2p-test.") as directory:
        os.chmod(directory, 0o777)
        yield Path(directory)


@pytest.mark.parametrize("key", ["shared_dir", "state_dir"])
def test_no_permission(open_directory, key):
    """Started by nobody where the tests run as root, whom no mode keeps out."""
    directories = {"shared_dir": open_directory / "share", "state_dir": open_directory / "state"}
    for directory in directories.values():
        directory.mkdir()
        directory.chmod(0o777)
    directories[key].chmod(0)
    path = write(open_directory, {name: str(directory) for name, directory in directories.items()})
    path.chmod(0o644)
    try:
        result = run("--config", path, **unprivileged())
    except PermissionError:
        pytest.skip("nobody may not run the binaries of this build")
    assert result.returncode == 77, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert key in result.stderr and "ermission" in result.stderr


def test_a_port_that_needs_privileges(peer_factory):
    if os.geteuid() == 0 or int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 80:
        pytest.skip("everybody may bind port 80 here")
    code, line = failed_start(peer_factory, rest_port=80)
    assert code == 77
    assert "rest_port" in line


def test_an_address_that_is_not_ours(peer_factory):
    code, line = failed_start(peer_factory, bind_address="192.0.2.1")
    assert code in (69, 71)
    assert "192.0.2.1" in line


def test_both_families_are_served_by_default(peer_factory):
    peer = peer_factory(bind_address="::")
    for address in ("127.0.0.1", "::1") if Path("/proc/net/if_inet6").exists() else ("127.0.0.1",):
        with socket.create_connection((address, peer.ports["rest"]), timeout=5):
            pass
