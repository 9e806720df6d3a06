"""One host: a root file system of its own, systemd as PID 1, an address on the bridge."""

import json
import os
import signal
import subprocess
import uuid
from pathlib import Path

from waiting import until

from fleet import network
from fleet.command import run

#: Seconds. A boot takes less than one; ten at once on two busy cores take longer.
BOOT_DEADLINE = 60.0
#: Of every command on a host.
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
_ENVIRONMENT |= {"LANG": "C.UTF-8", "HOME": "/root", "TERM": "dumb"}


class Host:
    """A host that can be booted, used, cut off from its power and booted again."""

    def __init__(self, name: str, address: str, rootfs: Path, directory: Path, cgroup: Path) -> None:
        self.name = name
        self.address = address
        self.directory = directory
        self.root = directory / "root"
        self.console = directory / "console"
        self._cgroup = cgroup
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0
        self._make_root(rootfs)

    def __repr__(self) -> str:
        return self.name

    # --- Power ---

    def boot(self) -> None:
        """Switches the host on, and returns at once; `wait_until_up` waits for it."""
        self._cgroup.mkdir(parents=True, exist_ok=True)
        # A group of its own, so that a power cut ends all of the host's processes at one moment.
        enter = f"echo $$ > {self._cgroup}/cgroup.procs; exec "
        spawn = f"systemd-nspawn --register=no --keep-unit -q -D {self.root} --machine={self.name}"
        with self.console.open("ab") as console:
            self._nspawn = subprocess.Popen(
                ["sh", "-c", f"{enter}{spawn} --network-bridge={network.BRIDGE} --boot"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_up(self) -> None:
        """Waits until systemd has started everything and the address is there."""
        self._leader = until(self._find_leader, f"systemd on {self}", BOOT_DEADLINE)
        until(self._is_up, f"{self} to be up", BOOT_DEADLINE)

    def is_on(self) -> bool:
        return self._nspawn is not None and self._nspawn.poll() is None

    def cut_power(self) -> None:
        """Ends every process of the host at once, without a word to any of them."""
        if self._nspawn is None:
            return
        (self._cgroup / "cgroup.kill").write_text("1")
        self._nspawn.wait(timeout=30)
        self._nspawn = None

    def request_power_off(self) -> None:
        """Begins an orderly shutdown; `wait_until_off` waits for its end."""
        if self.is_on() and self._leader:
            # systemd's signal for it: systemd(1), SIGRTMIN+4.
            os.kill(self._leader, signal.SIGRTMIN + 4)

    def wait_until_off(self) -> None:
        """Waits for a shutdown; one that takes too long ends as a power cut."""
        if self._nspawn is None:
            return
        try:
            self._nspawn.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.cut_power()
        self._nspawn = None

    # --- Commands ---

    def command(self, *command: str, user: str = "root") -> list[str]:
        """The command line that runs `command` on the host."""
        prefix = ["nsenter", "-t", str(self._leader), "-a", "--"]
        if user != "root":
            prefix += ["runuser", "-u", user, "--"]
        return [*prefix, *command]

    def run(
        self, *command: str, user: str = "root", check: bool = True, timeout: float = 120, **options: object
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command on the host; CommandError where it fails and `check`."""
        line = self.command(*command, user=user)
        return run(line, check=check, timeout=timeout, env=_ENVIRONMENT, **options)

    def shell(self, script: str, **options: object) -> subprocess.CompletedProcess[str]:
        """Runs a line of shell in root's home, as an administrator would type it."""
        return self.run("bash", "-c", f"cd; {script}", **options)

    def start(self, *command: str, user: str = "root") -> subprocess.Popen[str]:
        """Starts a command on the host and does not wait for it."""
        return subprocess.Popen(
            self.command(*command, user=user),
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    # --- Files ---

    def path(self, path: str) -> Path:
        """Where a file of the host is seen from here, while it runs and while it does not."""
        return self.root / path.lstrip("/")

    def write(self, path: str, data: bytes | str) -> None:
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)

    def unmount(self) -> None:
        """Lets go of the file system of a host that is off."""
        run(["umount", str(self.root)])

    # --- systemd ---

    def properties(self, unit: str, *names: str) -> dict[str, str]:
        """A unit's properties, as `systemctl show` prints them."""
        arguments = [f"--property={name}" for name in names]
        lines = self.run("systemctl", "show", unit, *arguments).stdout.splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def property(self, unit: str, name: str) -> str:
        return self.properties(unit, name)[name]

    def journal(self, *arguments: str) -> list[dict[str, object]]:
        """Entries of the host's journal, all fields."""
        lines = self.run("journalctl", "-o", "json", "--no-pager", "-q", *arguments).stdout.splitlines()
        return [json.loads(line) for line in lines]

    def journal_cursor(self) -> str:
        """A place in the journal to read on from: `--after-cursor=`."""
        return str(self.journal("-n", "1")[-1]["__CURSOR"])

    def tail(self, unit: str) -> str:
        """The end of the unit's journal, for the report of a failed test."""
        return self.run("journalctl", "--no-pager", "-q", "-n", "12", "-u", unit, check=False).stdout

    # --- Internals ---

    def _make_root(self, rootfs: Path) -> None:
        for name in ("upper", "work", "root"):
            (self.directory / name).mkdir(parents=True)
        layers = f"lowerdir={rootfs},upperdir={self.directory}/upper,workdir={self.directory}/work"
        run(["mount", "-t", "overlay", f"fleet-{self.name}", "-o", layers, str(self.root)])
        self.write("/etc/hostname", f"{self.name}\n")
        # What a Debian installer writes; debootstrap leaves it out, and this machine's name server is out of reach.
        self.write("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{self.address} {self.name}\n")
        self.write("/etc/resolv.conf", "")
        self.write("/etc/machine-id", f"{uuid.uuid4().hex}\n")
        link = f"[Match]\nName=host0\n[Network]\nAddress={self.address}/24\nGateway={network.GATEWAY}\n"
        self.write("/etc/systemd/network/10-fleet.network", link)

    def _find_leader(self) -> int:
        """The host's PID 1, once it is systemd; before, nspawn's children come and go."""
        assert self._nspawn is not None
        if self._nspawn.poll() is not None:
            raise RuntimeError(f"{self} did not boot:\n{self.console.read_text(errors='replace')[-2000:]}")
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        for child in children:
            if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return int(child)
        return 0

    def _is_up(self) -> bool:
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded") and "default" in self.run("ip", "route").stdout
