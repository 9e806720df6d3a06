"""p2padm as a user runs it: words, exit codes, JSON lines, files as the caller, and a terminal."""

import fcntl
import hashlib
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from peers import P2PADM, Peer, PeerFactory, clean_environment, unprivileged
from slow_link import SlowLink
from waiting import until


@pytest.fixture(scope="module")
def pair(shared_factory: PeerFactory) -> list[Peer]:
    pair = shared_factory.fleet(2)
    pair[1].share("docs/report.pdf", 300_000)
    pair[1].share("large año.bin", 8 << 20)
    pair[1].wait_for_files(2)
    pair[0].share("own report.txt", b"own")
    pair[0].wait_for_files(1)
    return pair


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path


# --- Looking ---


def test_status(pair):
    text = pair[0].adm("status")
    assert text.returncode == 0
    for part in ("peer1", pair[0].url, str(pair[0].shared), "1 alive of 1 known", f"REST {pair[0].ports['rest']}"):
        assert part in text.stdout
    (line,) = pair[0].adm_json("status")
    assert line["status"]["ports"] == pair[0].ports


def test_peers(pair):
    text = pair[0].adm("peers").stdout
    assert re.search(rf"alive .*peer2 +{pair[1].url}", text)
    (line,) = pair[0].adm_json("peers")
    assert line["peer"]["url"] == pair[1].url


def test_files(pair):
    assert "own report.txt" in pair[0].adm("files").stdout
    assert [line["file"]["path"] for line in pair[0].adm_json("files", "REPORT")] == ["own report.txt"]
    assert pair[0].adm("files", "nothing-like-it").returncode == 1


def test_search(pair):
    result = pair[0].adm("search", "report", "--fanout", "3", "--ttl", "3", "--timeout", "5s")
    assert result.returncode == 0
    assert "docs/report.pdf" in result.stdout and "own report.txt" in result.stdout
    assert "reached 2 of 2 peers" in result.stdout
    lines = pair[0].adm_json("search", "report")
    assert {line["hit"]["path"] for line in lines[:-1]} == {"docs/report.pdf", "own report.txt"}
    assert (lines[-1]["coverage"]["reached"], lines[-1]["coverage"]["known"]) == (2, 2)


def test_a_search_that_finds_nothing_exits_1_and_says_how_far_it_got(pair):
    result = pair[0].adm("search", "nothing-like-it")
    assert result.returncode == 1
    assert "reached 2 of 2 peers" in result.stdout


# --- Steering ---


def test_bootstrap(pair):
    (line,) = pair[1].adm_json("bootstrap")
    assert line["bootstrap"] == {"registered": [pair[0].url], "failed": [], "known": [pair[0].url]}
    alone = pair[0].adm("bootstrap")
    assert alone.returncode == 1 and "friend_primary" in alone.stderr


def test_bootstrap_names_the_friend_that_failed(peer_factory):
    peer = peer_factory(friend_primary="http://127.0.0.1:9")
    result = peer.adm("bootstrap")
    assert result.returncode == 1
    assert "http://127.0.0.1:9" in result.stderr


def test_rescan(pair):
    (line,) = pair[1].adm_json("rescan")
    assert (line["rescan"]["files"], line["rescan"]["added"], line["rescan"]["removed"]) == (2, 0, 0)


def test_reload_says_what_changed_and_what_needs_a_restart(peer):
    assert peer.adm("reload").stdout == "nothing changed\n"
    peer.write_configuration(search_ttl=7, log_level="info", grpc_port=65000)
    (line,) = peer.adm_json("reload")
    assert set(line["reload"]["changed"]) == {"search_ttl", "log_level"}
    assert line["reload"]["needs_restart"] == ["grpc_port"]


def test_every_live_key_takes_effect_and_is_told_once(peer):
    peer.share("kept.txt", b"x")
    peer.share("left-out.txt", b"x")
    peer.wait_for_files(2)
    peer.write_configuration(exclude=["left-out*"])
    (line,) = peer.adm_json("reload")
    if line["reload"]["changed"]:
        assert line["reload"]["changed"] == ["exclude"]
        until(lambda: peer.status()["catalog"]["files"] == 1, "the file to be left out")
        assert peer.adm("reload").stdout == "nothing changed\n"
    else:
        assert line["reload"]["needs_restart"] == ["exclude"]


def test_a_reload_of_a_bad_configuration_exits_78_and_changes_nothing(peer):
    good = dict(peer.configuration)
    peer.write_configuration(search_tll=3, rest_port="x", max_fanout=0)
    result = peer.adm("reload")
    assert result.returncode == 78
    for part in ("search_ttl", "rest_port", "max_fanout", "keeps its old one", "3 faults"):
        assert part in result.stderr
    assert peer.adm("status").returncode == 0
    peer.configuration = good
    peer.write_configuration()
    assert peer.adm("reload").returncode == 0


# --- get ---


def test_get_into_the_shared_directory(peer_factory):
    one, two = peer_factory.fleet(2)
    data = two.share("docs/report.pdf", 300_000)
    two.wait_for_files(1)
    result = one.adm("get", "docs/report.pdf")
    assert result.returncode == 0, result.stderr
    target = one.shared / "docs/report.pdf"
    assert target.read_bytes() == data
    digest = hashlib.sha256(data).hexdigest()
    for part in ("300,000 bytes", digest, str(target), "/s", "peer2"):
        assert part in result.stdout
    # It is shared here from now on, and hashed without being read again.
    assert one.status()["catalog"]["hashed"] == 1

    again = one.adm("get", "docs/report.pdf")
    assert again.returncode == 73 and "--force" in again.stderr
    target.write_bytes(b"another")
    refused = one.adm("get", "docs/report.pdf")
    assert refused.returncode == 73
    assert target.read_bytes() == b"another"
    forced = one.adm_json("get", "docs/report.pdf", "--force")
    assert forced[-1]["type"] == "result"
    assert forced[-1]["result"]["sha256"] == digest
    assert target.read_bytes() == data
    assert not list((one.shared / ".p2p-peer").glob("*")), "the staging area holds what is done"


@pytest.mark.parametrize("what", ["docs/report.pdf", "docs/report.pdf@peer2", "report.pdf", "sha256", "url"])
def test_get_by_every_name(pair, output, what):
    data = (pair[1].shared / "docs/report.pdf").read_bytes()
    target = {"sha256": f"sha256:{hashlib.sha256(data).hexdigest()}", "url": f"docs/report.pdf@{pair[1].url}"}.get(
        what, what
    )
    result = pair[0].adm("get", target, "--output", output / "copy.pdf")
    assert result.returncode == 0, result.stderr
    assert (output / "copy.pdf").read_bytes() == data
    assert sorted(path.name for path in output.iterdir()) == ["copy.pdf"]


def test_get_into_a_directory_of_the_caller(pair, output):
    result = pair[0].adm("get", "large año.bin", "--output", output)
    assert result.returncode == 0, result.stderr
    assert (output / "large año.bin").read_bytes() == (pair[1].shared / "large año.bin").read_bytes()
    assert "large año.bin" not in {path.name for path in pair[0].shared.iterdir()}


def test_get_to_a_file_does_not_overwrite_without_force(pair, output):
    target = output / "taken"
    target.write_bytes(b"mine")
    result = pair[0].adm("get", "docs/report.pdf", "--output", target)
    assert result.returncode == 73 and "--force" in result.stderr
    assert target.read_bytes() == b"mine"
    assert [path.name for path in output.iterdir()] == ["taken"]
    assert pair[0].adm("get", "docs/report.pdf", "--output", target, "--force").returncode == 0
    assert target.read_bytes() == (pair[1].shared / "docs/report.pdf").read_bytes()


@pytest.mark.parametrize(
    ("path", "keep", "resumed"),
    [
        ("docs/report.pdf", 299_999, 0),
        ("docs/report.pdf", 300_000, 300_000),
        ("large año.bin", 1, 0),
        ("large año.bin", 1 << 20, 1 << 20),
        ("large año.bin", (8 << 20) - 1, 7 << 20),
        ("large año.bin", 8 << 20, 8 << 20),
    ],
)
def test_get_takes_up_a_partial_file(pair, output, path, keep, resumed):
    """The pieces of 1 MiB of it that are whole."""
    data, name = (pair[1].shared / path).read_bytes(), path.rpartition("/")[2]
    (output / f".{name}.p2p-part").write_bytes(data[:keep])
    lines = pair[0].adm_json("get", path, "--output", output)
    assert (output / name).read_bytes() == data
    assert lines[-1]["result"]["resumed"] == resumed
    assert [file.name for file in output.iterdir()] == [name]


def test_get_does_not_trust_a_partial_file(pair, output):
    """What is there is other content, or too much: the SHA-256 finds it out, and the file is right in the end."""
    data = (pair[1].shared / "docs/report.pdf").read_bytes()
    for wrong in (bytes(100_000), bytes(300_000), bytes(400_000)):
        (output / ".report.pdf.p2p-part").write_bytes(wrong)
        result = pair[0].adm("get", "docs/report.pdf", "--output", output, "--force")
        if result.returncode != 0:
            result = pair[0].adm("get", "docs/report.pdf", "--output", output, "--force")
        assert result.returncode == 0, result.stderr
        assert (output / "report.pdf").read_bytes() == data


def test_get_of_what_only_this_host_has(pair):
    (digest,) = [f["file"]["sha256"] for f in pair[0].adm_json("files") if f["file"]["path"] == "own report.txt"]
    for wanted in ("own report.txt", f"sha256:{digest}"):
        result = pair[0].adm("get", wanted)
        assert result.returncode == 1
        assert result.stderr.startswith(f"p2padm: get {wanted}: no other peer has {wanted}")
        assert result.stderr.endswith(f": this one has it itself, as {pair[0].shared}/own report.txt\n")


def test_get_of_a_missing_file_says_how_far_it_looked(pair, output):
    result = pair[0].adm("get", "no-such-file.bin", "--output", output)
    assert result.returncode == 1
    assert "no-such-file.bin" in result.stderr and "reached 2 of 2 peers" in result.stderr
    assert list(output.iterdir()) == []


def test_get_from_an_unknown_peer(pair):
    result = pair[0].adm("get", "docs/report.pdf@nobody")
    assert result.returncode == 64 and "nobody" in result.stderr and "peer2" in result.stderr


def test_get_into_a_missing_directory(pair, output):
    result = pair[0].adm("get", "docs/report.pdf", "--output", output / "no" / "such" / "file")
    assert result.returncode == 73
    assert len(result.stderr.splitlines()) == 1


def test_one_path_with_two_contents_is_ambiguous(peer_factory):
    three = peer_factory.fleet(3)
    for peer in three[1:]:
        peer.share("same.txt", peer.name.encode())
        peer.wait_for_files(1)
    result = three[0].adm("get", "same.txt")
    assert result.returncode == 1
    assert "peer2" in result.stderr and "peer3" in result.stderr
    assert three[0].adm("get", "same.txt@peer3").returncode == 0
    assert (three[0].shared / "same.txt").read_bytes() == b"peer3"


def test_an_empty_file(peer_factory, output):
    one, two = peer_factory.fleet(2)
    two.share("empty.txt", b"")
    two.wait_for_files(1)
    assert one.adm("get", "empty.txt", "--output", output).returncode == 0
    assert (output / "empty.txt").read_bytes() == b""
    assert one.adm("get", "empty.txt").returncode == 0
    assert (one.shared / "empty.txt").read_bytes() == b""


# --- Exit codes and lines ---


@pytest.mark.parametrize(
    "arguments, code",
    [
        ((), 0),
        (("--help",), 0),
        (("--version",), 0),
        (("nonsense",), 64),
        (("search",), 64),
        (("search", "a", "--ttl", "x"), 64),
        (("search", "a", "--timeout", "-5s"), 64),
        (("status", "--nonsense"), 64),
        (("get",), 64),
        (("get", "sha256:abc"), 64),
        (("get", "@peer2"), 64),
        (("get", "../up"), 64),
        (("get", "/etc/passwd"), 64),
    ],
)
def test_usage(pair, arguments, code):
    result = pair[0].adm(*arguments)
    assert result.returncode == code, result.stderr
    assert bool(result.stderr) == (code != 0)


@pytest.mark.parametrize(
    "command", [["status"], ["peers"], ["search", "a"], ["files"], ["get", "a"], ["bootstrap"], ["reload"], ["rescan"]]
)
def test_a_daemon_that_is_down_is_told_in_one_line(tmp_path, command):
    result = subprocess.run(
        [P2PADM, *command, "--socket", tmp_path / "none.sock"],
        capture_output=True,
        text=True,
        timeout=20,
        env=clean_environment(),
    )
    assert result.returncode == 69
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 and "none.sock" in result.stderr and "running" in result.stderr


def test_no_permission_on_the_socket(pair):
    """Asked by nobody where the tests run as root, whom no mode keeps out."""
    pair[0].socket.chmod(0)
    try:
        result = pair[0].adm("status", **unprivileged())
    except PermissionError:
        pytest.skip("nobody may not run the binaries of this build")
    finally:
        pair[0].socket.chmod(0o600)
    assert result.returncode == 77 and "p2p-admin" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions(shell):
    result = subprocess.run([P2PADM, "--generate-completion-script", shell], capture_output=True, text=True, timeout=20)
    assert result.returncode == 0
    assert "p2padm" in result.stdout and "bootstrap" in result.stdout
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=result.stdout, text=True, check=True, timeout=20)


def test_a_pipe_that_is_closed_early_is_no_crash(peer):
    for number in range(3000):
        (peer.shared / f"a file with a longer name {number}.txt").write_bytes(b"")
    peer.call("Rescan")
    script = f"'{P2PADM}' files --socket '{peer.socket}' | head -n 1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30, env=clean_environment())
    # SIGPIPE, as every program of a pipeline, or an exit code with a line.
    assert result.stdout.splitlines()[-1] in ("0", "141", "74"), result


def test_names_do_not_reach_the_terminal_raw(peer):
    peer.share("red \x1b[31m title \x1b]0;x\x07.txt", b"x")
    peer.wait_for_files(1)
    for arguments in (("files",), ("files", "--json"), ("search", "red")):
        assert "\x1b" not in peer.adm(*arguments).stdout


# --- A terminal ---


def test_the_progress_bar(peer_factory, output):
    """In a terminal of 100 columns, over a link that stops in the middle."""
    one = peer_factory()
    two = peer_factory.new(ip="127.0.0.2", friend_primary=one.url)
    size = 8 << 20
    data = two.share("large.bin", size)
    two.launch()
    status = until(two._answering, "the second to answer")
    two.ports, two.url = status["ports"], status["url"]
    two.wait_for_files(1)
    grpc, rest = two.ports["grpc"], two.ports["rest"]
    with (
        SlowLink(("127.0.0.2", rest), ("127.0.0.1", rest), allow=1 << 40),
        SlowLink(("127.0.0.2", grpc), ("127.0.0.1", grpc), allow=size // 2) as link,
    ):
        until(lambda: one.alive() == {two.url}, "them to know each other")
        terminal, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 100, 0, 0))
        process = subprocess.Popen(
            [P2PADM, "get", "large.bin", "--output", str(output)],
            stdin=side,
            stdout=side,
            stderr=side,
            close_fds=True,
            env=clean_environment(P2PADM_SOCKET=str(one.socket), TERM="xterm"),
        )
        os.close(side)
        until(lambda: link.passed >= size // 2, "half of it to arrive")
        link.allow(1 << 40)
        shown = b""
        while process.poll() is None or b"bytes in" not in shown:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                # The other side is closed: the program has ended.
                break
        assert process.wait(20) == 0, shown
        os.close(terminal)
    text = shown.decode()
    bar = re.search(r"large\.bin +\[=*>? *\] +\d+ % [^\r]*of 8\.39 MB", text)
    assert bar, text
    assert len(bar.group(0)) < 100
    assert "8,388,608 bytes" in text
    assert (output / "large.bin").read_bytes() == data
