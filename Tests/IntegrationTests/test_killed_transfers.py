"""kill -9 at random instants, of either side: nothing wrong ever gets the name, and every transfer ends right.

P2P_KILLS says how many kills, half of them of downloads and half of uploads (make kill-transfers: 1000); P2P_SEED repeats
a run.
"""

import hashlib
import json
import os
import random
import subprocess
from pathlib import Path

from peers import P2PADM, Peer, PeerFactory, clean_environment
from waiting import until

KILLS = int(os.environ.get("P2P_KILLS", "12")) // 2
SIZE = (24 << 20) + 4321
PATH = "dir/release.bin"


class Trial:
    """One receiver and those that send; all random choices come from a seed, which is printed."""

    def __init__(self, factory: PeerFactory, senders: int) -> None:
        self.seed = int(os.environ.get("P2P_SEED") or int.from_bytes(os.urandom(4), "big"))
        print(f"seed {self.seed}, {KILLS} kills")
        self.random = random.Random(self.seed)
        self.data = self.random.randbytes(SIZE)
        self._digest = hashlib.sha256(self.data).digest()
        self.receiver = factory("receiver", log_level="info", accept_uploads=True, uploads={"free_bytes_min": 0})
        self.senders = [
            factory.new(f"sender{number}", friend_primary=self.receiver.url, log_level="info")
            for number in range(senders)
        ]
        self.target = self.receiver.shared / PATH
        self.kills = 0

    def start(self) -> None:
        for sender in self.senders:
            sender.start()
        for peer in (self.receiver, *self.senders):
            peer.keep_ports()

    def meet(self) -> None:
        """Waits until each sender and the receiver know each other, as both sides' commands need it."""
        senders = {sender.url for sender in self.senders}
        until(lambda: senders <= self.receiver.alive(), "the receiver to know all", 30)
        for sender in self.senders:
            until(lambda: self.receiver.url in sender.alive(), "the receiver to be known", 30)

    def is_there(self) -> bool:
        """Whether the file has its name; what has the name is right."""
        if not self.target.exists():
            return False
        assert hashlib.sha256(self.target.read_bytes()).digest() == self._digest, f"seed {self.seed}: a wrong file"
        return True

    def staged(self) -> list[str]:
        return [path.name for path in (self.receiver.shared / ".p2p-peer").glob("*")]

    def _written(self) -> int:
        """Bytes up to the last that has come; more than there are when the file has its name."""
        if self.target.exists():
            return 2 * SIZE
        sizes = []
        for path in (self.receiver.shared / ".p2p-peer").glob("*"):
            try:
                sizes.append(path.stat().st_size)
            except FileNotFoundError:
                # It has just got its name.
                return 2 * SIZE
        return max(sizes, default=0)

    def kill_some(self, command: subprocess.Popen[bytes]) -> None:
        """At some instant of the command: from before the first byte until after the last."""
        mark = self.random.randrange(-SIZE // 8, SIZE + SIZE // 8)
        until(lambda: command.poll() is not None or self._written() >= mark, f"{mark} bytes", 60)
        for victim in self.random.sample([self.receiver, *self.senders], self.random.choice([1, 1, 2])):
            victim.kill()
            self.kills += 1
            self.is_there()
            victim.start()

    def remove(self) -> None:
        self.target.unlink()
        until(lambda: self.receiver.status()["catalog"]["files"] == 0, "the removal to be noticed")

    def check_nothing_is_left(self) -> None:
        until(lambda: not self.staged(), f"the staging area to be empty (seed {self.seed})")


def begin(peer: Peer, *arguments: str | Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [P2PADM, *arguments, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=clean_environment(P2PADM_SOCKET=str(peer.socket)),
    )


def test_downloads(peer_factory: PeerFactory) -> None:
    trial = Trial(peer_factory, senders=2)
    for sender in trial.senders:
        sender.share(PATH, trial.data)
    trial.start()
    for sender in trial.senders:
        sender.wait_for_files(1)
    done = continued = 0
    while trial.kills < KILLS:
        trial.meet()
        command = begin(trial.receiver, "get", PATH)
        trial.kill_some(command)
        output, _ = command.communicate(timeout=120)
        if not trial.is_there():
            continue
        done += 1
        if command.returncode == 0:
            continued += json.loads(output.splitlines()[-1])["result"]["resumed"] > 0
        trial.remove()
        trial.check_nothing_is_left()
    print(f"{trial.kills} kills, {done} downloads ended, {continued} of them with bytes from before a kill")
    trial.meet()
    assert trial.receiver.adm("get", PATH, timeout=120).returncode == 0, f"seed {trial.seed}"
    assert trial.is_there()
    trial.check_nothing_is_left()


def test_uploads(peer_factory: PeerFactory, tmp_path: Path) -> None:
    """What a killed upload has left is gone when its receiver runs; the next one is whole."""
    trial = Trial(peer_factory, senders=1)
    file = tmp_path / "release.bin"
    file.write_bytes(trial.data)
    trial.start()
    done = cut_off = 0
    while trial.kills < KILLS:
        trial.meet()
        command = begin(trial.senders[0], "put", file, "receiver", "--as", PATH)
        trial.kill_some(command)
        command.communicate(timeout=120)
        is_there = trial.is_there()
        assert is_there or command.returncode != 0, f"seed {trial.seed}: acknowledged, and not there"
        done += is_there
        cut_off += not is_there
        if is_there:
            trial.remove()
        trial.check_nothing_is_left()
    print(f"{trial.kills} kills, {done} uploads ended, {cut_off} were cut off")
    trial.meet()
    assert trial.senders[0].adm("put", file, "receiver", "--as", PATH, timeout=120).returncode == 0, f"seed {trial.seed}"
    assert trial.is_there()
    trial.check_nothing_is_left()
