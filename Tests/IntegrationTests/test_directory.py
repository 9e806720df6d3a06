"""The directory, as the original system's clients use it (SEED-API.md A), and its accounts."""

import concurrent.futures
import contextlib
import json
import os
import pty
import random
import re
import select
import socket
import time
from collections.abc import Callable
from typing import Any

import requests
from peers import P2PADM, Peer, PeerFactory, clean_environment
from waiting import until

PASSWORD = "sd1234"
OTHER_PASSWORD = "Contraseña-secreta-73"
WRONG = {"detail": "Usuario o contraseña incorrectos"}
BAD_INDEX = {"detail": "Formato inválido en files_index"}


class OriginalClient:
    """A peer of the original system, by its document: everything is in the query."""

    def __init__(self, directory: Peer, name: str, password: str = PASSWORD) -> None:
        self.url = directory.url
        self.name = name
        self.password = password

    def log_in(self, files: list[Any] | str) -> requests.Response:
        index = files if isinstance(files, str) else json.dumps(files)
        query = {"username": self.name, "password": self.password, "files_index": index}
        return requests.post(f"{self.url}/login", params=query, timeout=20)

    def get(self, path: str, **query: str) -> requests.Response:
        return requests.get(f"{self.url}/{path}", params=query, timeout=20)


def add_users(directory: Peer, *names: str) -> None:
    for name in names:
        result = directory.adm("user", "add", name, input=f"{PASSWORD}\n")
        assert (result.returncode, result.stdout) == (0, f"{name} added\n"), result.stderr


def start(factory: PeerFactory, *users: str, lease: float = 60, **configuration: Any) -> Peer:
    role = {"serve": True, "lease": lease, "heartbeat_interval": lease / 2}
    directory = factory(directory=role, **configuration)
    add_users(directory, *users)
    return directory


def details(response: requests.Response) -> dict[str, Any]:
    """What an original client reads of a refusal."""
    return {"detail": response.json()["detail"]}


def test_without_the_role_nothing_of_it_is_there(peer: Peer):
    for path in ("buscar_archivos?filename=x", "peers_activos", "ver_archivos", "v1/directory/peers"):
        assert requests.get(f"{peer.url}/{path}", timeout=20).status_code == 404
    assert requests.post(f"{peer.url}/login", timeout=20).status_code == 404
    assert "directory" not in peer.status()
    result = peer.adm("user", "list")
    assert result.returncode == 1
    assert "this daemon is no directory: set directory.serve" in result.stderr


def test_the_story_of_the_original(peer_factory: PeerFactory):
    """Peers log in and index by themselves, one falls silent and is dropped, the others are found."""
    directory = start(peer_factory, "Peer1", "Peer2", "Peer3", "Peer4", lease=2)
    clients = [OriginalClient(directory, f"Peer{number}") for number in (1, 2, 3)]
    lists = [
        [{"filename": "informe ñ.txt", "url": []}, {"filename": "uno.bin", "url": []}],
        [{"filename": "informe ñ.txt", "url": ["grpc://127.0.0.1:1"]}],
        [{"filename": "tres.bin", "url": []}, {"filename": "tres.bin", "url": []}],
    ]

    def heartbeat(*numbers: int) -> None:
        for number in numbers:
            answer = clients[number].log_in(lists[number])
            assert answer.status_code == 200
            assert set(answer.json()) == {"status", "token"}
            assert answer.json()["status"] == "OK"
            assert answer.json()["token"]

    heartbeat(0, 1, 2)
    client = clients[0]
    assert client.get("peers_activos").json() == {"peers": ["Peer1", "Peer2", "Peer3"]}
    found = client.get("buscar_archivos", filename="informe ñ.txt").json()
    assert found["archivo"] == "informe ñ.txt"
    assert sorted(found["disponible_en"], key=lambda at: at["peer"]) == [
        {"peer": "Peer1", "url": []},
        {"peer": "Peer2", "url": ["grpc://127.0.0.1:1"]},
    ]
    files = client.get("ver_archivos").json()["archivos"]
    assert sorted((file["peer"], file["filename"], str(file["url"])) for file in files) == [
        ("Peer1", "informe ñ.txt", "[]"),
        ("Peer1", "uno.bin", "[]"),
        ("Peer2", "informe ñ.txt", "['grpc://127.0.0.1:1']"),
        ("Peer3", "tres.bin", "[]"),
    ]
    assert client.get("buscar_archivos", filename="nada").status_code == 404

    def dropped() -> bool:
        heartbeat(0, 1)
        return client.get("peers_activos").json() == {"peers": ["Peer1", "Peer2"]}

    until(dropped, "Peer3 to be dropped")
    missing = client.get("buscar_archivos", filename="tres.bin")
    assert missing.status_code == 404
    assert missing.json()["detail"]
    until(lambda: "Peer 'Peer3' se ha desconectado por inactividad" in directory.log(), "the log to say so")
    assert "Peer 'Peer1' se ha" not in directory.log()

    heartbeat(2)
    assert client.get("buscar_archivos", filename="tres.bin").status_code == 200
    until(lambda: "Peer 'Peer3' has returned" in directory.log(), "the log to tell the return")


def test_refusals_are_word_for_word(peer_factory: PeerFactory):
    directory = start(peer_factory, "Peer1")
    good = OriginalClient(directory, "Peer1")
    for client in (OriginalClient(directory, "Peer1", "x"), OriginalClient(directory, "Nadie")):
        refused = client.log_in([])
        assert (refused.status_code, details(refused)) == (401, WRONG)
    for index in ("", "x", "{}", "[1]", '[{"url": []}]', '[{"filename": 1}]', '[{"filename": "../x"}]', "[" * 5000):
        refused = good.log_in(index)
        assert (refused.status_code, details(refused)) == (400, BAD_INDEX), index
        assert refused.json()["reason"]
    assert good.log_in([]).status_code == 200


def test_a_query_of_thousands_of_files(peer_factory: PeerFactory):
    directory = start(peer_factory, "Peer1")
    client = OriginalClient(directory, "Peer1")
    files = [{"filename": f"carpeta/Informe de ventas {number}.pdf", "url": []} for number in range(6000)]
    assert client.log_in(files).status_code == 200
    listed = client.get("ver_archivos").json()["archivos"]
    assert {file["filename"] for file in listed} == {file["filename"] for file in files}
    too_many = client.log_in(files * 3)
    assert too_many.status_code == 400
    assert "too large" in too_many.json()["detail"]


def test_the_api_for_many_files(peer_factory: PeerFactory):
    directory = start(peer_factory, "Peer1", lease=30)
    base = f"{directory.url}/v1/directory"
    form = {"username": "Peer1", "password": PASSWORD, "url": "http://192.0.2.1:8001"}
    login = requests.post(f"{base}/login", json=form, timeout=20).json()
    assert login["expires_in"] == 30
    assert login["index"] == {"current": True, "version": "0" * 64, "files": 0}
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {login['token']}"
    files = [{"filename": f"d/{number}.dat", "size": number, "sha256": f"{number:064x}"} for number in range(20_000)]
    stored = session.put(f"{base}/index", json=files, timeout=60)
    assert stored.status_code == 200, stored.text
    version = stored.json()["index"]["version"]
    assert session.post(f"{base}/heartbeat", params={"index": version}, timeout=20).status_code == 200
    assert session.post(f"{base}/heartbeat", params={"index": "1" * 64}, timeout=20).status_code == 409
    delta = {"base": version, "changed": [{"filename": "new"}], "removed": ["d/0.dat"]}
    changed = session.post(f"{base}/heartbeat", json=delta, timeout=20)
    assert changed.json()["index"]["files"] == 20_000

    found = requests.get(f"{base}/files", params={"sha256": f"{77:064x}"}, timeout=20).json()["files"]
    assert [(file["peer"], file["filename"], file["size"]) for file in found] == [("Peer1", "d/77.dat", 77)]
    walked: list[str] = []
    query: dict[str, Any] = {"contains": "99.DAT", "limit": 50}
    while query:
        page = requests.get(f"{base}/files", params=query, timeout=20).json()
        walked += [file["filename"] for file in page["files"]]
        query = query | {"after": page["next"]} if "next" in page else {}
    assert sorted(walked) == sorted(f"d/{number}.dat" for number in range(20_000) if f"{number}.dat".endswith("99.dat"))
    assert requests.get(f"{directory.url}/status", timeout=20).json()["directory"] == {
        "store": "sqlite",
        "peers": 1,
        "accounts": 1,
        "files": 20_000,
    }
    assert directory.status()["directory"]["files"] == 20_000
    assert "1 of 1 account logged in, 20,000 files listed" in directory.adm("status").stdout.replace("\u202f", ",")
    metrics = requests.get(directory.metrics_url, timeout=20).text
    assert re.search(r'^p2p_directory_logins_total{result="ok"} 1$', metrics, re.M), metrics
    assert re.search(r"^p2p_directory_files(?:{})? 20000", metrics, re.M)
    assert session.post(f"{base}/logout", timeout=20).status_code == 204
    assert session.post(f"{base}/heartbeat", timeout=20).status_code == 401
    assert requests.get(f"{base}/peers", timeout=20).json() == {"peers": []}


def test_a_list_of_a_stranger_is_not_read(peer_factory: PeerFactory):
    directory = start(peer_factory, "Peer1")
    sent = 0

    def body():
        nonlocal sent
        while sent < 64 << 20:
            sent += 1 << 16
            yield b" " * (1 << 16)

    before = resident(directory)
    try:
        answer = requests.put(
            f"{directory.url}/v1/directory/index",
            data=body(),
            headers={"Authorization": "Bearer " + "0" * 64},
            timeout=60,
        )
        assert answer.status_code == 401
    except requests.ConnectionError:
        pass  # It may be cut off before it has looked at the answer.
    assert sent < 32 << 20
    assert resident(directory) < before + 30_000


def test_many_large_heads_have_a_bound_in_common(peer_factory: PeerFactory):
    """What strangers send before anything of it can be checked."""
    directory = start(peer_factory, "Peer1")
    before = resident(directory)
    begin = b"POST /login?files_index=" + b"x" * 900_000
    connections = []
    try:
        for _ in range(150):
            connection = socket.create_connection(("127.0.0.1", directory.ports["rest"]), timeout=20)
            connections.append(connection)
            with contextlib.suppress(ConnectionError):
                connection.sendall(begin)
        until(lambda: requests.get(f"{directory.url}/health", timeout=20).ok, "the directory to answer")
        assert resident(directory) < before + 180_000
    finally:
        for connection in connections:
            connection.close()
    # What they had is there for others again.
    files = [{"filename": f"a file with a long name, number {number}"} for number in range(5000)]
    until(lambda: OriginalClient(directory, "Peer1").log_in(files).ok, "a large login")


def test_leases_and_accounts_outlive_a_restart(peer_factory: PeerFactory):
    directory = start(peer_factory, "Peer1", "Peer2")
    directory.keep_ports()
    OriginalClient(directory, "Peer1").log_in([{"filename": "a", "url": []}])
    directory.restart()
    assert OriginalClient(directory, "Peer1").get("peers_activos").json() == {"peers": ["Peer1"]}
    assert OriginalClient(directory, "Peer2").log_in([]).status_code == 200


# --- Accounts ---


def test_accounts_are_kept_by_p2padm(peer_factory: PeerFactory):
    directory = start(peer_factory, "Peer1", "Peer2")
    client = OriginalClient(directory, "Peer1")
    assert client.log_in([{"filename": "a", "url": []}]).status_code == 200
    assert directory.adm_json("user", "list") == [
        {"version": 1, "type": "user", "user": {"name": "Peer1", "disabled": False, "logged_in": True}},
        {"version": 1, "type": "user", "user": {"name": "Peer2", "disabled": False, "logged_in": False}},
    ]
    again = directory.adm("user", "add", "Peer1", input="x\n")
    assert again.returncode == 1
    assert "there is an account Peer1 already" in again.stderr

    disabled = directory.adm("user", "disable", "Peer1")
    assert disabled.stdout == "Peer1 disabled, and logged out\n"
    assert client.get("peers_activos").json() == {"peers": []}
    assert details(client.log_in([])) == WRONG
    assert directory.adm("user", "enable", "Peer1").returncode == 0
    assert client.log_in([]).status_code == 200

    file = directory.directory / "password"
    file.write_text(f"{OTHER_PASSWORD}\n")
    assert directory.adm("user", "passwd", "Peer1", "--password-file", file).returncode == 0
    assert client.log_in([]).status_code == 401
    assert OriginalClient(directory, "Peer1", OTHER_PASSWORD).log_in([]).status_code == 200
    (change,) = directory.adm_json("user", "remove", "Peer1")
    assert change["change"] == {"name": "Peer1", "action": "remove", "logged_out": True}
    missing = directory.adm("user", "enable", "Peer1")
    assert (missing.returncode, "there is no account Peer1" in missing.stderr) == (1, True)
    assert directory.adm("user", "add", "Peer3", input="\n").returncode == 64


def test_a_password_is_asked_for_twice_and_not_shown(peer_factory: PeerFactory):
    directory = start(peer_factory)

    def typed(*lines: str) -> tuple[int, str]:
        pid, terminal = pty.fork()
        if pid == 0:
            environment = clean_environment(P2PADM_SOCKET=str(directory.socket))
            os.execve(P2PADM, ["p2padm", "user", "add", "Peer1"], environment)
        shown = ""
        for prompt, line in zip(("Password for Peer1: ", "Once more: "), lines, strict=True):
            shown += read_until(terminal, prompt)
            os.write(terminal, f"{line}\n".encode())
        shown += read_until(terminal, None)
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        return os.waitstatus_to_exitcode(status), shown

    code, shown = typed(PASSWORD, "another")
    assert (code, "the two passwords differ" in shown) == (64, True), shown
    code, shown = typed(OTHER_PASSWORD, OTHER_PASSWORD)
    assert (code, "Peer1 added" in shown) == (0, True), shown
    assert OTHER_PASSWORD not in shown
    assert OriginalClient(directory, "Peer1", OTHER_PASSWORD).log_in([]).status_code == 200


def read_until(terminal: int, text: str | None) -> str:
    """What a terminal shows up to `text`, or to the end of its program."""
    shown = b""
    while text is None or text.encode() not in shown:
        ready, _, _ = select.select([terminal], [], [], 20)
        assert ready, f"waited in vain for {text!r} after {shown!r}"
        try:
            part = os.read(terminal, 4096)
        except OSError:
            part = b""
        if not part:
            assert text is None, f"ended before {text!r}: {shown!r}"
            break
        shown += part
    return shown.decode()


# --- Malice ---


def resident(peer: Peer) -> int:
    """Kilobytes of memory."""
    with open(f"/proc/{peer.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def malformed(chance: random.Random) -> Callable[[str, requests.Session], requests.Response]:
    """One request that is wrong in a way of its own."""

    def text(size: int) -> str:
        return "".join(chance.choice('[]{}",:\\u0 aé\x00\x1f%\udc80') for _ in range(chance.randrange(size)))

    junk: list[Any] = [None, True, 0, -1, 1.5, 1e400, "", "x", [], {}, [[]], {"a": {}}]
    wrong_file: Any = chance.choice(
        [
            *[{"filename": value} for value in junk if value != "x"],
            {"filename": chance.choice(["/a", "a//b", "..", "a/../b", "a\0b", "x" * 3000])},
            {"filename": "a", "size": chance.choice([-1, 1.5, "1", 1 << 70])},
            {"filename": "a", "sha256": chance.choice(["", "zz", 5])},
            {"filename": "a", "url": "u" * 5000},
            *[value for value in junk],
        ]
    )
    depth = chance.randrange(2, 20_000)
    lists = [
        json.dumps([wrong_file]),
        json.dumps(chance.choice([value for value in junk if value != []])),
        "[" * depth,
        "[" * min(depth, 9000) + "]" * min(depth, 9000),
        '[{"filename":"a","url":' + "[" * 40 + "]" * 40 + "}]",
        text(200) + "!",
        '[{"filename":"\\ud800"}]',
        json.dumps([{"filename": "a"}])[: -1 - chance.randrange(5)],
    ]
    index = chance.choice(lists).encode(errors="surrogatepass")
    account = {"username": "Peer1", "password": PASSWORD}

    def query(url: str, session: requests.Session) -> requests.Response:
        return session.post(f"{url}/login", params=account | {"files_index": index}, timeout=60)

    def raw_query(url: str, session: requests.Session) -> requests.Response:
        raw = chance.choice(["%", "%z", "%ff%fe", "%5B%80%5D", "%00"])
        return session.post(f"{url}/login?username=Peer1&password={PASSWORD}&files_index={raw}", timeout=60)

    def missing(url: str, session: requests.Session) -> requests.Response:
        kept = chance.choice([{}, {"username": "Peer1"}, {"password": PASSWORD}, {"username": text(300), "password": "x"}])
        safe = {key: value.encode(errors="surrogatepass") for key, value in kept.items()}
        return session.post(f"{url}/login", params=safe, timeout=60)

    def body(url: str, session: requests.Session) -> requests.Response:
        content = chance.choice([index, json.dumps({"username": wrong_file}).encode(), b"", b"{" * depth, b"\xff" * 70_000])
        return session.post(f"{url}/v1/directory/login", data=content, timeout=60)

    def put(url: str, session: requests.Session) -> requests.Response:
        return session.put(f"{url}/v1/directory/index", data=index, timeout=60)

    def delta(url: str, session: requests.Session) -> requests.Response:
        content = chance.choice([index, b'{"base":1}', b'{"changed":[]}', b'{"base":"' + b"0" * 64 + b'","removed":[1]}'])
        return session.post(f"{url}/v1/directory/heartbeat", data=content, timeout=60)

    return chance.choice([query, query, query, raw_query, missing, body, put, put, delta])


def test_ten_thousand_malformed_requests(peer_factory: PeerFactory):
    seed = int(os.environ.get("P2P_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"seed {seed}: P2P_TEST_SEED={seed} repeats this")
    directory = start(peer_factory, "Peer1", log_level="info")
    form = {"username": "Peer1", "password": PASSWORD}
    token = requests.post(f"{directory.url}/v1/directory/login", json=form, timeout=20).json()["token"]

    def run(worker: int, count: int) -> list[str]:
        chance = random.Random(f"{seed}.{worker}")
        faults = []
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {token}"
            for number in range(count):
                answer = malformed(chance)(directory.url, session)
                reasons = answer.headers["content-type"] == "application/problem+json" and answer.json()["detail"]
                if not 400 <= answer.status_code < 500 or not reasons:
                    faults.append(f"{worker}.{number}: {answer.status_code} {answer.text[:300]} {answer.url[:300]}")
        return faults

    assert run(100, 300) == []
    before = resident(directory)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        faults = [fault for part in pool.map(run, range(4), [2500] * 4) for fault in part]
    assert faults == []
    after = resident(directory)
    print(f"VmRSS {before} KB before, {after} KB after")
    assert after < before + 40_000
    # The session of the right token has not suffered.
    files = requests.get(f"{directory.url}/v1/directory/files", timeout=20).json()
    assert files == {"files": []}
    assert not re.search(r" error | critical ", directory.log())


def test_no_password_and_no_token_in_the_log(peer_factory: PeerFactory):
    directory = start(peer_factory, "Peer1", log_level="trace")
    added = directory.adm("user", "add", "Secret", input=f"{OTHER_PASSWORD}\n")
    assert added.returncode == 0
    tokens = []
    for password in (OTHER_PASSWORD, "wrong-" + OTHER_PASSWORD):
        client = OriginalClient(directory, "Secret", password)
        answer = client.log_in([{"filename": "a", "url": []}])
        tokens += [answer.json().get("token")]
        client.log_in("not a list")
        client.log_in("x" * 2_000_000)
        form = {"username": "Secret", "password": password, "url": 5}
        requests.post(f"{directory.url}/v1/directory/login", json=form, timeout=20)
        form = {"username": "Secret", "password": password}
        login = requests.post(f"{directory.url}/v1/directory/login", json=form, timeout=20)
        tokens += [login.json().get("token")]
    header = {"Authorization": f"Bearer {tokens[1]}"}
    assert requests.post(f"{directory.url}/v1/directory/heartbeat", headers=header, timeout=20).status_code == 200
    directory.call("ListUsers")
    log = directory.log()
    assert "path=/login" in log
    for secret in (OTHER_PASSWORD, "Contrase", PASSWORD, *filter(None, tokens)):
        assert secret not in log
    state = b"".join(path.read_bytes() for path in directory.state.glob("directory.sqlite*"))
    for secret in (OTHER_PASSWORD, PASSWORD, *filter(None, tokens)):
        assert secret.encode() not in state


def test_a_damaged_store_is_said_at_the_start(peer_factory: PeerFactory):
    directory = peer_factory.new(directory={"serve": True})
    directory.state.mkdir()
    (directory.state / "directory.sqlite").write_bytes(b"no database" * 1000)
    directory.launch()
    assert directory.wait() == 71
    assert "directory.store" in directory.log()

