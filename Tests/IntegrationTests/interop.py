"""The programs and the wire of gRPC's interoperability tests (Tests/grpc-interop)."""

import importlib
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import grpc
from certificates import Authority, Identity
from grpc_tools import protoc
from peers import BINARIES

PROGRAM = BINARIES / "grpc-interop"
#: Debian's package grpc-proto.
_PROTOS = Path("/usr/share/grpc-proto")
SERVICE = "grpc.testing.TestService"


def messages(out: Path) -> SimpleNamespace:
    """The classes of grpc/testing/messages.proto and empty.proto."""
    names = ["grpc/testing/messages.proto", "grpc/testing/empty.proto"]
    assert protoc.main(["protoc", f"-I{_PROTOS}", f"--python_out={out}", *names]) == 0
    # `grpc.testing` would be a part of grpcio's own package.
    package = out / "grpc" / "testing"
    for path in package.glob("*_pb2.py"):
        text = path.read_text().replace("from grpc.testing import", "import")
        (out / path.name).write_text(text)
    sys.path.insert(0, str(out))
    return SimpleNamespace(
        **vars(importlib.import_module("messages_pb2")), Empty=importlib.import_module("empty_pb2").Empty
    )


class Server:
    """`grpc-interop server`, started and listening."""

    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [PROGRAM, "server", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line.startswith("port "), self.process.communicate()
        self.port = int(line.split()[1])

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ends it in order, and expects that it does."""
        self.terminate()
        try:
            _, errors = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the server did not end:\n{self.process.communicate()}") from None
        assert self.process.returncode == 0, errors


def run_case(name: str, port: int, *arguments: object, seconds: float = 60) -> None:
    """Runs one case of `grpc-interop client`, which must pass."""
    command = [PROGRAM, "client", name, "--port", port, *arguments]
    run = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=seconds)
    assert (run.returncode, run.stdout) == (0, f"passed {name}\n"), f"{name}: {run.stdout}{run.stderr}"


def server_arguments(identity: Identity | None) -> list[object]:
    return ["--certificate", identity.certificate, "--key", identity.key] if identity else []


def channel(port: int, authority: Authority | None, client: Identity | None = None, **options: object) -> grpc.Channel:
    """A grpcio channel; with TLS where there is an authority."""
    target = f"127.0.0.1:{port}"
    pairs = [(f"grpc.{name}", value) for name, value in options.items()]
    if not authority:
        return grpc.insecure_channel(target, options=pairs)
    key, certificate = client.pem if client else (None, None)
    credentials = grpc.ssl_channel_credentials(authority.certificate.read_bytes(), key, certificate)
    return grpc.secure_channel(target, credentials, options=pairs)


def client_arguments(authority: Authority | None, identity: Identity | None = None) -> list[object]:
    arguments: list[object] = ["--ca", authority.certificate] if authority else []
    return arguments + server_arguments(identity)
