"""kill -9 at random instants, of either side: nothing wrong ever gets the name, and every download ends right.

P2P_KILLS says how many kills (make kill-transfers: 1000), P2P_SEED repeats a run.
"""

import hashlib
import json
import os
import random
import subprocess
from pathlib import Path

from peers import P2PADM, Peer, PeerFactory, clean_environment
from waiting import until

KILLS = int(os.environ.get("P2P_KILLS", "8"))
SIZE = (24 << 20) + 4321
PATH = "dir/release.bin"


def begin_get(receiver: Peer) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [P2PADM, "get", PATH, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=clean_environment(P2PADM_SOCKET=str(receiver.socket)),
    )


def staged(peer: Peer) -> list[str]:
    return [path.name for path in (peer.shared / ".p2p-peer").glob("*")]


def written(peer: Peer, target: Path) -> int:
    """Bytes up to the last that has come; those of the file and more when it has its name."""
    if target.exists():
        return 2 * SIZE
    return max((path.stat().st_size for path in (peer.shared / ".p2p-peer").glob("*")), default=0)


def test_kills_at_random_instants(peer_factory: PeerFactory) -> None:
    seed = int(os.environ.get("P2P_SEED") or int.from_bytes(os.urandom(4), "big"))
    print(f"seed {seed}, {KILLS} kills")
    randomness = random.Random(seed)
    data = randomness.randbytes(SIZE)
    receiver = peer_factory("receiver", log_level="info")
    sources = [
        peer_factory.new(f"source{number}", friend_primary=receiver.url, log_level="info") for number in range(2)
    ]
    for source in sources:
        source.share(PATH, data)
        source.start().wait_for_files(1)
    for peer in [receiver, *sources]:
        peer.keep_ports()
    target = receiver.shared / PATH
    digest = hashlib.sha256(data).digest()

    def check_name() -> bool:
        """Whether it is there; what is there is right."""
        if not target.exists():
            return False
        assert hashlib.sha256(target.read_bytes()).digest() == digest, f"seed {seed}: a wrong file has the name"
        return True

    kills = done = continued = 0
    while kills < KILLS:
        until(lambda: {source.url for source in sources} <= receiver.alive(), "all to know each other", 30)
        command = begin_get(receiver)
        # From before the first byte until after the last.
        mark = randomness.randrange(-SIZE // 8, SIZE + SIZE // 8)
        until(lambda: command.poll() is not None or written(receiver, target) >= mark, f"{mark} bytes", 60)
        for victim in randomness.sample([receiver, *sources], randomness.choice([1, 1, 2])):
            victim.kill()
            kills += 1
            check_name()
            victim.start()
        output, _ = command.communicate(timeout=120)
        if not check_name():
            continue
        done += 1
        if command.returncode == 0:
            continued += json.loads(output.splitlines()[-1])["result"]["resumed"] > 0
        target.unlink()
        until(lambda: receiver.status()["catalog"]["files"] == 0, "the removal to be noticed")
        assert not staged(receiver), f"seed {seed}: something stays in the staging area"
    print(f"{kills} kills, {done} downloads ended, {continued} of them with bytes from before a kill")
    until(lambda: {source.url for source in sources} <= receiver.alive(), "all to know each other", 30)
    assert receiver.adm("get", PATH, timeout=120).returncode == 0, f"seed {seed}"
    assert check_name()
    assert not staged(receiver), f"seed {seed}: something stays in the staging area"
    assert done > 0
