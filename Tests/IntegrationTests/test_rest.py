"""The REST port, call for call as SEED-API.md fixes it, by `requests` and curl."""

import hashlib
import json
import subprocess
import time
from email.utils import formatdate, parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import pytest
import requests
from peers import Peer, PeerFactory
from waiting import until

FILES = {"Report one.PDF": 10_000, "informe año.txt": 3000, "deep/nested report.bin": 200_000, "empty": 0}


@pytest.fixture(scope="module")
def sharing(shared_factory: PeerFactory) -> tuple[Peer, dict[str, bytes]]:
    peer = shared_factory.new("rest-peer", search_ttl=2, max_fanout=3)
    files = {name: peer.share(name, size) for name, size in FILES.items()}
    peer.start().wait_for_files(len(files))
    return peer, files


@pytest.fixture(scope="module")
def pair(shared_factory: PeerFactory) -> list[Peer]:
    """Two peers that know each other and share a file each."""
    pair = shared_factory.fleet(2)
    for number, peer in enumerate(pair):
        peer.share(f"pair-{number}.bin", 1000 + number)
        peer.wait_for_files(1)
    return pair


def get(peer: Peer, path: str, **options: Any) -> requests.Response:
    return requests.get(peer.url + path, timeout=20, **options)


def shape(value: Any) -> Any:
    """The types of a JSON value, for comparison."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    return type(value)


def test_health(sharing):
    peer = sharing[0]
    answer = get(peer, "/health")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    assert (body["status"], body["peer"], body["url"]) == ("ok", "rest-peer", peer.url)
    assert isinstance(body["stats"], dict)


def test_status(sharing):
    peer = sharing[0]
    body = get(peer, "/status").json()
    assert (body["peer"], body["url"]) == ("rest-peer", peer.url)
    config = body["config"]
    assert config["rest_port"] == peer.ports["rest"]
    assert config["grpc_port"] == peer.ports["grpc"]
    assert config["shared_dir"] == str(peer.shared)
    assert (config["max_fanout"], config["search_ttl"]) == (3, 2)
    assert isinstance(body["stats"], dict)
    assert body["healthy_peers"] == [] and body["all_peers"] == []
    assert isinstance(body["uptime"], (int, float)) and body["uptime"] >= 0


def test_peers(pair):
    body = get(pair[0], "/peers").json()
    assert body["peers"] == [pair[1].url]
    assert body["all_peers"] == [pair[1].url]
    assert (body["stats"]["total_peers"], body["stats"]["healthy_peers"]) == (1, 1)
    status = get(pair[0], "/status").json()
    assert status["healthy_peers"] == status["all_peers"] == [pair[1].url]


def test_files(sharing):
    peer, files = sharing
    body = get(peer, "/files").json()
    assert (body["peer"], body["base"]) == ("rest-peer", peer.url)
    listed = {entry["path"]: entry for entry in body["files"]}
    assert set(listed) == set(files)
    for name, data in files.items():
        entry = listed[name]
        assert entry["name"] == name.rpartition("/")[2]
        assert entry["size"] == len(data)
        assert entry["checksum"] == hashlib.sha256(data).hexdigest()
        assert entry["grpc"] == f"grpc://127.0.0.1:{peer.ports['grpc']}"
        assert entry["rest_url"].startswith(f"{peer.url}/files/")
        assert requests.get(entry["rest_url"], timeout=20).content == data
    assert listed["Report one.PDF"]["type"].lower() == "pdf"
    assert listed["empty"]["type"] == ""


def test_register_checks_and_answers_the_healthy(peer_factory):
    one, two = peer_factory(), peer_factory()
    body = requests.post(f"{one.url}/register", json={"url": two.url}, timeout=20).json()
    assert body["ok"] is True
    assert two.url in body["peers"]
    assert one.alive() == {two.url}


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b"{}", b'{"url": 1}', b'{"url": "nonsense"}', b'{"url": "file:///etc/passwd"}']
)
def test_register_refuses_what_is_no_url(sharing, body):
    answer = requests.post(
        f"{sharing[0].url}/register", data=body, headers={"content-type": "application/json"}, timeout=20
    )
    assert 400 <= answer.status_code < 500
    assert isinstance(answer.json()["detail"], str)


def test_register_of_a_peer_that_does_not_answer(sharing):
    answer = requests.post(f"{sharing[0].url}/register", json={"url": "http://127.0.0.1:9"}, timeout=20)
    assert answer.status_code < 500 or answer.status_code in (502, 504)
    assert "http://127.0.0.1:9" not in get(sharing[0], "/peers").json()["peers"]


def test_a_connection_that_is_refused_is_told_at_once(sharing):
    """A peer that is down must not cost a connection timeout, in a check, a registration or a search."""
    begin = time.monotonic()
    requests.post(f"{sharing[0].url}/register", json={"url": "http://127.0.0.1:9"}, timeout=20)
    assert time.monotonic() - begin < 1


def test_bootstrap(peer_factory):
    friend = peer_factory()
    peer = peer_factory(friend_primary=friend.url, friend_secondary="http://127.0.0.1:9")
    body = requests.post(f"{peer.url}/bootstrap", timeout=20).json()
    assert body["ok"] is True
    assert (body["peer"], body["registered"], body["failed"]) == (peer.name, [friend.url], ["http://127.0.0.1:9"])
    assert friend.url in body["known_peers"]
    until(lambda: friend.alive() == {peer.url}, "the friend to know it")


@pytest.mark.parametrize(
    "query, found",
    [
        ("report", {"Report one.PDF", "deep/nested report.bin"}),
        ("REPORT ONE", {"Report one.PDF"}),
        ("AÑO", {"informe año.txt"}),
        ("e", set(FILES)),
        ("", set(FILES)),
        ("%", set()),
        ("_", set()),
        ("zzz", set()),
        ('"', set()),
        ("*", set()),
    ],
)
def test_search_here(sharing, query, found):
    peer = sharing[0]
    answer = get(peer, "/search", params={"query": query})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["query"], body["ttl"], body["fanout_used"]) == (query, 2, 2)
    assert len(body["results"]) == 1
    own = body["results"][0]
    assert own["peer"] == peer.url
    assert {file["path"] for file in own["files"]} == found
    fields = {"name": str, "size": int, "checksum": str, "type": str, "rest_url": str, "grpc": str}
    for file in own["files"]:
        assert fields.items() <= shape(file).items()


def test_search_asks_the_neighbours_and_answers_its_own_first(pair):
    body = get(pair[0], "/search", params={"query": "pair", "fanout": 1, "ttl": 1}).json()
    assert (body["ttl"], body["fanout_used"]) == (1, 1)
    assert [result["peer"] for result in body["results"]] == [pair[0].url, pair[1].url]
    file = body["results"][1]["files"][0]
    assert file["name"] == "pair-1.bin"
    assert requests.get(file["rest_url"], timeout=20).content == (pair[1].shared / "pair-1.bin").read_bytes()


def test_search_with_ttl_0_asks_nobody(pair):
    body = get(pair[0], "/search", params={"query": "pair", "ttl": 0}).json()
    assert [result["peer"] for result in body["results"]] == [pair[0].url]


@pytest.mark.parametrize(
    "parameters",
    [{"query": "a", "ttl": "x"}, {"query": "a", "fanout": "-1"}, {"query": "a", "ttl": "999999999999999999999"}],
)
def test_search_refuses_what_is_no_number(sharing, parameters):
    answer = get(sharing[0], "/search", params=parameters)
    assert 400 <= answer.status_code < 500
    assert isinstance(answer.json()["detail"], str)


# --- Bytes ---


def file_url(name: str) -> str:
    return "/files/" + quote(name)


@pytest.mark.parametrize("name", FILES)
def test_a_file_whole(sharing, name):
    peer, files = sharing
    answer = get(peer, file_url(name))
    assert answer.status_code == 200
    assert answer.content == files[name]
    assert int(answer.headers["content-length"]) == len(files[name])
    assert answer.headers["accept-ranges"] == "bytes"
    modified = parsedate_to_datetime(answer.headers["last-modified"])
    assert int(modified.timestamp()) == int((peer.shared / name).stat().st_mtime)
    assert answer.headers["etag"].startswith('"')


@pytest.mark.parametrize(
    "header, first, last",
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=9999-", 9999, 9999),
        ("bytes=-1", 9999, 9999),
        ("bytes=100-200", 100, 200),
        ("bytes=9000-99999", 9000, 9999),
        ("bytes=-99999", 0, 9999),
    ],
)
def test_a_range(sharing, header, first, last):
    peer, files = sharing
    answer = get(peer, file_url("Report one.PDF"), headers={"Range": header})
    assert answer.status_code == 206
    assert answer.content == files["Report one.PDF"][first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/10000"


@pytest.mark.parametrize("header", ["bytes=10000-", "bytes=99999-100000", "bytes=-0"])
def test_a_range_past_the_end(sharing, header):
    answer = get(sharing[0], file_url("Report one.PDF"), headers={"Range": header})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */10000"


@pytest.mark.parametrize("header", ["lines=0-1", "bytes=x-y", "bytes=5-2"])
def test_a_range_that_is_none_is_ignored_or_refused(sharing, header):
    """RFC 9110, 14.2: a recipient ignores a Range of an unknown unit and may ignore an invalid one."""
    answer = get(sharing[0], file_url("Report one.PDF"), headers={"Range": header})
    assert answer.status_code in (200, 416)
    assert answer.status_code == 416 or answer.content == sharing[1]["Report one.PDF"]


def test_conditional_requests(sharing):
    peer, files = sharing
    path = file_url("Report one.PDF")
    head = get(peer, path).headers
    for header in (
        {"If-None-Match": head["etag"]},
        {"If-None-Match": f'"other", {head["etag"]}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": head["last-modified"]},
    ):
        answer = get(peer, path, headers=header)
        assert (answer.status_code, answer.content) == (304, b""), header
        assert answer.headers["etag"] == head["etag"]
    for header in (
        {"If-None-Match": '"other"'},
        {"If-Modified-Since": formatdate(0, usegmt=True)},
        {"If-None-Match": '"other"', "If-Modified-Since": head["last-modified"]},
    ):
        assert get(peer, path, headers=header).content == files["Report one.PDF"], header
    part = get(peer, path, headers={"Range": "bytes=0-9", "If-Range": head["etag"]})
    assert (part.status_code, part.content) == (206, files["Report one.PDF"][:10])
    whole = get(peer, path, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (whole.status_code, len(whole.content)) == (200, 10_000)


def test_a_changed_file_has_another_etag(peer):
    peer.share("a.txt", b"one")
    peer.wait_for_files(1)
    before = get(peer, "/files/a.txt").headers["etag"]
    peer.share("a.txt", b"two")
    until(lambda: get(peer, "/files/a.txt").content == b"two", "the new content")
    assert get(peer, "/files/a.txt").headers["etag"] != before
    assert get(peer, "/files/a.txt", headers={"If-None-Match": before}).status_code == 200


@pytest.mark.parametrize("path", ["/files/Report%20one.PDF", "/files", "/health", "/metrics", "/openapi.json"])
def test_head_is_get_without_the_body(sharing, path):
    head = requests.head(sharing[0].url + path, timeout=20)
    whole = get(sharing[0], path)
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-type"] == whole.headers["content-type"]
    if path == "/files/Report%20one.PDF":
        assert head.headers["content-length"] == "10000"
        assert head.headers["etag"] == whole.headers["etag"]


# --- Errors, limits, CORS ---


@pytest.mark.parametrize("path, code", [("/files/missing", 404), ("/nothing", 404), ("/files/", 404)])
def test_errors_have_detail(sharing, path, code):
    answer = get(sharing[0], path)
    assert answer.status_code == code
    assert isinstance(answer.json()["detail"], str) and answer.json()["detail"]


def test_a_method_that_is_not_there_is_refused(sharing):
    for method, path in (("DELETE", "/files"), ("PUT", "/health"), ("GET", "/register"), ("GET", "/bootstrap")):
        answer = requests.request(method, sharing[0].url + path, timeout=20)
        assert answer.status_code in (404, 405), (method, path)
        assert "detail" in answer.json()


def test_reads_are_open_to_scripts_of_other_origins(sharing):
    for path in ("/health", "/files", "/peers", "/search?query=a", "/files/missing"):
        answer = get(sharing[0], path, headers={"Origin": "http://example.com"})
        assert answer.headers["access-control-allow-origin"] == "*", path


def test_a_preflight_is_answered(sharing):
    answer = requests.options(
        sharing[0].url + "/files",
        timeout=20,
        headers={"Origin": "http://example.com", "Access-Control-Request-Method": "GET"},
    )
    assert answer.status_code in (200, 204)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "GET" in answer.headers["access-control-allow-methods"]


def test_past_the_rate(peer_factory):
    peer = peer_factory(rate_limit={"requests_per_minute": 5, "downloads_per_minute": 0})
    answers = [get(peer, "/peers") for _ in range(12)]
    codes = [answer.status_code for answer in answers]
    assert codes[0] == 200 and codes[-1] == 429
    refused = answers[-1]
    assert refused.json()["detail"] == "Rate limit exceeded"
    assert all(get(peer, "/health").status_code == 200 for _ in range(12))
    assert all(get(peer, "/metrics").status_code == 200 for _ in range(12))


def test_downloads_past_their_rate(peer_factory):
    peer = peer_factory(rate_limit={"requests_per_minute": 0, "downloads_per_minute": 3})
    peer.share("a.txt", b"a")
    peer.wait_for_files(1)
    codes = [get(peer, "/files/a.txt").status_code for _ in range(10)]
    assert codes[0] == 200 and codes[-1] == 429
    assert get(peer, "/files").status_code == 200


def test_by_curl(sharing):
    """What a person types: JSON, a download that is resumed, an error that has a body."""
    peer, files = sharing

    def curl(*arguments: str) -> bytes:
        return subprocess.run(["curl", "-sS", "--max-time", "20", *arguments], check=True, capture_output=True).stdout

    assert json.loads(curl(f"{peer.url}/health"))["status"] == "ok"
    name = "deep/nested report.bin"
    target = peer.directory / "resumed"
    target.write_bytes(files[name][:70_000])
    curl("-C", "-", "-o", str(target), peer.url + file_url(name))
    assert target.read_bytes() == files[name]
    assert "detail" in json.loads(curl(f"{peer.url}/files/missing"))


@pytest.mark.parametrize("size", [17_000, 100_000])
def test_a_request_line_that_is_too_long_is_told_so(sharing, size):
    """With `detail` like every other error, also where the HTTP parser itself refuses it (over 64 KiB a field)."""
    answer = get(sharing[0], "/files/" + "0" * size)
    assert answer.status_code in (400, 404, 414, 431)
    assert isinstance(answer.json()["detail"], str)
