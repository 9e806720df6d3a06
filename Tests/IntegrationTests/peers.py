"""Real daemons, each in a directory of its own, on free ports of the loopback address."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import admin
from waiting import until

REPOSITORY = Path(__file__).resolve().parents[2]
BINARIES = Path(os.environ.get("PEER_BINARIES", REPOSITORY / ".build" / "debug"))
DAEMON = BINARIES / "p2p-peer"
P2PADM = BINARIES / "p2padm"

#: What a Swift program says when it dies of a fault of its own.
TRACES_OF_A_CRASH = ("Fatal error", "Program crashed", "Thread 0 crashed", "*** Signal")


def clean_environment(**changes: str) -> dict[str, str]:
    """The environment without what would configure a daemon behind a test's back."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("P2P", "NOTIFY_", "WATCHDOG_", "LISTEN_", "JOURNAL_"))
        and name not in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CONFIGURATION_DIRECTORY", "NO_COLOR")
    }
    # A test on an EC2 instance is not to be told of that instance.
    return kept | {"SWIFT_BACKTRACE": "enable=no", "AWS_EC2_METADATA_DISABLED": "true"} | changes


def unprivileged() -> dict[str, Any]:
    """What makes `subprocess` run a program as a user whom permissions bind; nothing where we are one."""
    return {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/"} if os.geteuid() == 0 else {}


class Peer:
    """One daemon: its directory, its configuration, and, once started, its process and ports."""

    def __init__(self, directory: Path, name: str, /, **configuration: Any) -> None:
        self.name = name
        self.directory = directory
        self.shared = directory / "share"
        self.shared.mkdir(parents=True, exist_ok=True)
        self.state = directory / "state"
        self.socket = directory / "admin.sock"
        self.stderr = directory / "stderr"
        self.config_file = directory / "peer.json"
        self.configuration: dict[str, Any] = {
            "name": name,
            "rest_port": 0,
            "grpc_port": 0,
            "metrics_port": 0,
            "shared_dir": str(self.shared),
            "ip": "127.0.0.1",
            "bind_address": "127.0.0.1",
            "health_check_interval": 0.2,
            # One address asks for everybody here.
            "rate_limit": {"requests_per_minute": 0, "downloads_per_minute": 0},
            "state_dir": str(self.state),
            "admin_socket": str(self.socket),
            "search_timeout": 5,
            "log_level": "debug",
        } | configuration
        self.process: subprocess.Popen[bytes] | None = None
        #: What runs the daemon, such as unshare(1).
        self.prefix: list[str] = []
        self.ports: dict[str, int] = {}
        self.url = ""

    # --- Life ---

    def write_configuration(self, **changes: Any) -> None:
        """Changes keys (None removes one) and writes peer.json."""
        self.configuration = {key: value for key, value in (self.configuration | changes).items() if value is not None}
        self.config_file.write_text(json.dumps(self.configuration, indent=4))

    def launch(self, **environment: str) -> None:
        """Starts the process and does not wait for anything."""
        if not self.config_file.exists():
            self.write_configuration()
        with self.stderr.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, DAEMON, "--config", self.config_file],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=clean_environment(**environment),
            )

    def start(self, **environment: str) -> "Peer":
        """Starts the daemon and waits until it answers."""
        self.launch(**environment)
        status = until(self._answering, f"{self.name} to answer on its admin socket")
        self.ports = status["ports"]
        self.url = status["url"]
        return self

    def _answering(self) -> dict[str, Any]:
        assert self.process
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.log()}")
        return self.status()

    def keep_ports(self) -> None:
        """Makes the next start take the ports of this one."""
        self.write_configuration(
            rest_port=self.ports["rest"], grpc_port=self.ports["grpc"], metrics_port=self.ports["metrics"]
        )

    def send(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)
        if number is signal.SIGSTOP:
            # Its threads stop one by one, and another may still answer.
            until(lambda: self._process_state() == "T", f"{self.name} to be stopped")

    def _process_state(self) -> str:
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2][0]

    def wait(self, seconds: float = 20) -> int:
        """The exit code; a daemon that does not end is killed, and the test fails."""
        assert self.process
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end within {seconds:g} s:\n{self.log()[-4000:]}") from None
        self.process = None
        return code

    def stop(self) -> int:
        self.send(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self) -> "Peer":
        assert self.stop() == 0
        return self.start()

    def log(self) -> str:
        return self.stderr.read_text(errors="replace") if self.stderr.exists() else ""

    # --- Facts ---

    def call(self, method: str, parameters: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        return admin.call(self.socket, method, parameters, **options)

    def replies(
        self, method: str, parameters: dict[str, Any] | None = None, **options: Any
    ) -> Iterator[dict[str, Any]]:
        return admin.replies(self.socket, method, parameters, more=True, **options)

    def status(self) -> dict[str, Any]:
        return self.call("Status")

    def members(self) -> dict[str, dict[str, Any]]:
        """The peers that it knows, by URL."""
        return {peer["url"]: peer for peer in self.call("Peers")["peers"]}

    def alive(self) -> set[str]:
        return {url for url, peer in self.members().items() if peer["state"] == "alive"}

    def search(self, query: str, **parameters: Any) -> tuple[dict[str, list[str]], dict[str, Any]]:
        """Paths by the URL of the peer that answered, and the coverage."""
        reply = self.call("Search", {"query": query} | parameters)
        urls = [answer["url"] for answer in reply["answers"]]
        assert len(urls) == len(set(urls)), f"a peer answered twice: {urls}"
        return {a["url"]: [file["path"] for file in a["files"]] for a in reply["answers"]}, reply["coverage"]

    @property
    def grpc_target(self) -> str:
        return f"127.0.0.1:{self.ports['grpc']}"

    @property
    def metrics_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['metrics']}/metrics"

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    # --- Files ---

    def share(self, path: str, content: bytes | int) -> bytes:
        """Puts a file in the shared directory in one step: these bytes, or so many random ones."""
        data = os.urandom(content) if isinstance(content, int) else content
        target = self.shared / path
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.new")
        partial.write_bytes(data)
        partial.rename(target)
        return data

    def wait_for_gossip(self) -> None:
        """Waits until the gossip has all whom it knows: before that it takes leave of nobody."""
        until(lambda: all(member["neighbour"] for member in self.members().values()), f"{self.name} to gossip")

    def wait_for_files(self, count: int, *, hashed: bool = True) -> None:
        """Waits until it shares so many files and has hashed them."""

        def indexed() -> bool:
            catalog = self.status()["catalog"]
            return catalog["files"] == count and (not hashed or catalog["hashed"] == count)

        until(indexed, f"{self.name} to share {count} files")

    # --- p2padm ---

    def adm(self, *arguments: str | Path, timeout: float = 60, **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs p2padm against this daemon, as a user does."""
        return subprocess.run(
            [P2PADM, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout,
            env=clean_environment(P2PADM_SOCKET=str(self.socket)),
            **({"cwd": self.directory} | options),
        )

    def adm_json(self, *arguments: str | Path, code: int = 0) -> list[dict[str, Any]]:
        """The objects that p2padm prints with --json, each checked for its envelope."""
        result = self.adm(*arguments, "--json")
        assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        for line in lines:
            assert line["version"] == 1
            assert set(line) == {"version", "type", line["type"]}
        return lines


class PeerFactory:
    """Makes peers, and sees them off: every one ends with 0 on SIGTERM, and none has crashed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.peers: list[Peer] = []

    def new(self, name: str | None = None, **configuration: Any) -> Peer:
        """A peer that is not started yet."""
        name = name or f"peer{len(self.peers) + 1}"
        peer = Peer(self.directory / name, name, **configuration)
        self.peers.append(peer)
        return peer

    def __call__(self, name: str | None = None, **configuration: Any) -> Peer:
        """A peer that runs."""
        return self.new(name, **configuration).start()

    def fleet(self, size: int, **configuration: Any) -> list[Peer]:
        """So many peers that all know each other. The first is the friend of all others."""
        first = self(**configuration)
        rest = [self.new(**({"friend_primary": first.url} | configuration)) for _ in range(size - 1)]
        for peer in rest:
            peer.launch()
        for peer in rest:
            status = until(peer._answering, f"{peer.name} to answer")
            peer.ports, peer.url = status["ports"], status["url"]
        fleet = [first, *rest]
        for peer in fleet:
            others = {other.url for other in fleet if other is not peer}
            until(lambda: peer.alive() == others, f"{peer.name} to know {others}")
        return fleet

    def logs(self) -> list[tuple[str, str]]:
        """What each daemon said, without the checks that neighbours make all the time."""
        return [
            (
                f"stderr of {peer.name}",
                "".join(line for line in peer.log().splitlines(keepends=True) if "path=/health" not in line)[-6000:],
            )
            for peer in self.peers
        ]

    def close(self) -> None:
        """Stops what runs, and fails where a daemon did not end well."""
        running = [peer for peer in self.peers if peer.process]
        for peer in running:
            # One that was stopped by a test must be able to hear it.
            peer.send(signal.SIGCONT)
            peer.send(signal.SIGTERM)
        faults = []
        for peer in running:
            try:
                code = peer.wait()
                if code != 0:
                    faults.append(f"{peer.name} ended with {code} on SIGTERM:\n{peer.log()[-2000:]}")
            except AssertionError as error:
                faults.append(str(error))
        for peer in self.peers:
            faults += [
                f"{peer.name}: {trace}:\n{peer.log()[-4000:]}" for trace in TRACES_OF_A_CRASH if trace in peer.log()
            ]
        assert not faults, "\n".join(faults)
