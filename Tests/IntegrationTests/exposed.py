"""A shared directory with ways out of it, and secrets beside it."""

import http.client
import os
import socket
import stat
from pathlib import Path
from urllib.parse import quote

from peers import Peer

SECRET = b"the secret that is not shared"


def plant(peer: Peer) -> None:
    """Puts links, a FIFO and a socket beneath the root, one file that is shared, and secrets outside."""
    outside = peer.directory / "outside"
    outside.mkdir()
    for place in (peer.directory, outside):
        (place / "secret.txt").write_bytes(SECRET)
    share = peer.shared
    peer.share("dir/inside.txt", b"inside")
    (share / "link-out.txt").symlink_to("../secret.txt")
    (share / "link-absolute.txt").symlink_to(peer.directory / "secret.txt")
    (share / "link-dir").symlink_to(outside)
    (share / "link-inside.txt").symlink_to("dir/inside.txt")
    (share / "link-loop").symlink_to("link-loop")
    os.mkfifo(share / "fifo")
    (share / "link-fifo").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(share / "socket"))


def raw_get(peer: Peer, target: bytes) -> tuple[int, bytes]:
    """A request line that no client would send."""
    with socket.create_connection(("127.0.0.1", peer.ports["rest"]), timeout=20) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


def spellings(path: str) -> list[bytes]:
    """As it is where a request line can hold it, and encoded once, twice, and byte for byte."""
    once = quote(path, safe="")
    spelled = [
        "/files/" + quote(path),
        "/files/" + once,
        "/files/" + quote(once, safe=""),
        "/files/" + "".join(f"%{byte:02x}" for byte in path.encode()),
    ]
    if path.isprintable() and " " not in path:
        spelled.append("/files/" + path)
    return list(dict.fromkeys(target.encode() for target in spelled if len(target) < 30_000))


def snapshot(directory: Path) -> dict[str, int]:
    """What lies around the shared directory, without what the daemon itself writes."""
    own = ("state", "stderr", "admin.sock", "strace")
    return {
        str(path.relative_to(directory)): path.lstat().st_size
        for path in directory.rglob("*")
        if path.relative_to(directory).parts[0] not in own and stat.S_ISREG(path.lstat().st_mode)
    }
