"""Somebody who floods a port, in a process of its own, while others want something of it."""

import contextlib
import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from types import TracebackType
from typing import Self

import grpc
from grpc_calls import unary_unary
from grpc_health.v1 import health_pb2
from raw_http2 import PREFACE, SETTINGS, frame


def _attack(port: int, floods: list[bytes], begun: Event, stop: Event) -> None:
    """Sends the floods one after the other until it is told to stop."""
    begun.set()
    while True:
        for flood in floods:
            if stop.is_set():
                return
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as one:
                one.settimeout(5)
                one.sendall(PREFACE + frame(SETTINGS) + flood)
                while one.recv(1 << 16):
                    pass


class Attacker:
    """Attacks for as long as its context lasts."""

    def __init__(self, port: int, floods: list[bytes]) -> None:
        context = multiprocessing.get_context("spawn")
        self._begun, self._stop = context.Event(), context.Event()
        self._process = context.Process(target=_attack, args=(port, floods, self._begun, self._stop), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        assert self._begun.wait(60), "the attacker did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._process.join(20)
        self._process.kill()


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """A port whose server reads a while and hangs up, as a victim does: the attack costs the attacker alone."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                with listener.accept()[0] as one, contextlib.suppress(OSError):
                    one.recv(1 << 16)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def call_times(target: str, calls: int) -> list[float]:
    """Seconds that small calls take one after the other, in order of size."""
    with grpc.insecure_channel(target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        check = unary_unary(channel, "/grpc.health.v1.Health/Check", health_pb2.HealthCheckResponse)
        check(health_pb2.HealthCheckRequest(), timeout=20)
        times = []
        for _ in range(calls):
            began = time.perf_counter()
            check(health_pb2.HealthCheckRequest(), timeout=20)
            times.append(time.perf_counter() - began)
    return sorted(times)
