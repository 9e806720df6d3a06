"""The least Varlink that a test needs, to ask a daemon for facts.

What the protocol promises to others is tested with the client that others wrote (test_varlink.py).
"""

import array
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INTERFACE = "org.p2ppeer.Admin"


class AdminError(AssertionError):
    """An error that the daemon answered: its name without the interface, and its fields."""

    def __init__(self, name: str, fields: dict[str, Any]) -> None:
        super().__init__(f"{name} {fields}")
        self.name = name.rpartition(".")[2]
        self.fields = fields


def replies(
    path: Path,
    method: str,
    parameters: dict[str, Any] | None = None,
    *,
    more: bool = False,
    descriptors: list[int] | None = None,
    timeout: float = 30,
) -> Iterator[dict[str, Any]]:
    """Calls a method of org.p2ppeer.Admin, or of the interface that `method` names, and yields its replies."""
    name = method if "." in method else f"{INTERFACE}.{method}"
    call = {"method": name, "parameters": parameters or {}} | ({"more": True} if more else {})
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(str(path))
        message = json.dumps(call).encode() + b"\0"
        if descriptors:
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors).tobytes())
            connection.sendmsg([message], [rights])
        else:
            connection.sendall(message)
        buffer = b""
        while True:
            while b"\0" not in buffer:
                received = connection.recv(1 << 16)
                if not received:
                    raise ConnectionError(f"{name}: the daemon closed the connection")
                buffer += received
            text, _, buffer = buffer.partition(b"\0")
            reply = json.loads(text)
            if "error" in reply:
                raise AdminError(reply["error"], reply.get("parameters", {}))
            yield reply["parameters"]
            if not reply.get("continues"):
                return


def call(path: Path, method: str, parameters: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """The one reply of a method."""
    return next(replies(path, method, parameters, **options))
