"""The OpenAPI document, held against the daemon by schemathesis: no undocumented answer, no 5xx."""

import subprocess
import sys
from pathlib import Path

import pytest
import requests
from peers import Peer, PeerFactory, clean_environment

PATHS = {"/health", "/register", "/bootstrap", "/peers", "/files", "/search", "/status", "/metrics"}


@pytest.fixture(scope="module")
def sharing(shared_factory: PeerFactory) -> Peer:
    # A peer that is registered and hangs would make each answer wait.
    peer, neighbour = shared_factory.fleet(2, search_timeout=1, directory={"serve": True})
    for name in ("Peer1", "Peer2"):
        assert peer.adm("user", "add", name, input="sd1234\n").returncode == 0
    peer.share("report.txt", b"report")
    neighbour.share("other report.txt", b"other")
    peer.wait_for_files(1)
    return peer


def test_the_document_is_openapi_3_1(sharing):
    document = requests.get(f"{sharing.url}/openapi.json", timeout=20)
    assert document.headers["content-type"].startswith("application/json")
    body = document.json()
    assert body["openapi"].startswith("3.1.")
    assert set(body["paths"]) >= PATHS
    assert any(path.startswith("/files/{") for path in body["paths"])


def test_schemathesis_finds_nothing(sharing, tmp_path: Path):
    program = Path(sys.executable).with_name("schemathesis")
    checks = ",".join(
        [
            "not_a_server_error",
            "status_code_conformance",
            "content_type_conformance",
            "response_headers_conformance",
            "response_schema_conformance",
        ]
    )
    result = subprocess.run(
        [
            program,
            "run",
            f"{sharing.url}/openapi.json",
            "--checks",
            checks,
            "--max-examples",
            "25",
            "--phases",
            "examples,coverage,fuzzing",
            "--seed",
            "1",
            "--generation-deterministic",
            "--no-color",
            "--request-timeout",
            "10",
            "--workers",
            "4",
        ],
        capture_output=True,
        text=True,
        timeout=150,
        cwd=tmp_path,
        env=clean_environment(PYTHONWARNINGS="ignore"),
    )
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]
