"""grpc.testing.TestService on grpcio, after the server's part of grpc/doc/interop-test-descriptions.md."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import grpc
from certificates import Authority, Identity
from interop import SERVICE

_ECHO = "x-grpc-test-echo-initial"
_TRAILER = "x-grpc-test-echo-trailing-bin"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Service:
    """The methods. `cancelled` is set when a call of a stream ended before its client had ended it."""

    def __init__(self, proto: SimpleNamespace) -> None:
        self._proto = proto
        self.cancelled = threading.Event()

    def _begin(self, context: grpc.ServicerContext) -> None:
        metadata = context.invocation_metadata()
        initial = [(key, value) for key, value in metadata if key == _ECHO]
        if initial:
            context.send_initial_metadata(initial)
        context.set_trailing_metadata([(key, value) for key, value in metadata if key == _TRAILER])

    def _fail_if_asked(self, request: Any, context: grpc.ServicerContext) -> None:
        if request.HasField("response_status"):
            context.abort(_CODES[request.response_status.code], request.response_status.message)

    def empty(self, _: Any, context: grpc.ServicerContext) -> Any:
        self._begin(context)
        return self._proto.Empty()

    def unary(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._begin(context)
        self._fail_if_asked(request, context)
        if request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        return self._proto.SimpleResponse(payload=self._proto.Payload(body=bytes(request.response_size)))

    def streaming_input(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        context.add_callback(self._note_cancellation(context))
        return self._proto.StreamingInputCallResponse(
            aggregated_payload_size=sum(len(request.payload.body) for request in requests)
        )

    def streaming_output(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        if any(wanted.HasField("compressed") for wanted in request.response_parameters):
            context.set_compression(grpc.Compression.Gzip)
        yield from self._answers(request, context)

    def full_duplex(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        self._begin(context)
        context.add_callback(self._note_cancellation(context))
        for request in requests:
            yield from self._answers(request, context)

    def _answers(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        self._fail_if_asked(request, context)
        for wanted in request.response_parameters:
            if wanted.HasField("compressed") and not wanted.compressed.value:
                context.disable_next_message_compression()
            yield self._proto.StreamingOutputCallResponse(payload=self._proto.Payload(body=bytes(wanted.size)))

    def _note_cancellation(self, context: grpc.ServicerContext) -> Any:
        def ended() -> None:
            if context.code() is None:
                self.cancelled.set()

        return ended


class Server:
    """The service on a free port."""

    def __init__(
        self, proto: SimpleNamespace, identity: Identity | None = None, clients: Authority | None = None
    ) -> None:
        self.service = Service(proto)
        self._server = grpc.server(ThreadPoolExecutor(16))
        self._server.add_generic_rpc_handlers((self._handlers(proto),))
        address = "127.0.0.1:0"
        if identity:
            roots = clients.certificate.read_bytes() if clients else None
            credentials = grpc.ssl_server_credentials([identity.pem], roots, clients is not None)
            self.port = self._server.add_secure_port(address, credentials)
        else:
            self.port = self._server.add_insecure_port(address)
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()

    def _handlers(self, proto: SimpleNamespace) -> grpc.GenericRpcHandler:
        service = self.service

        def handler(kind: Any, method: Any, request: Any) -> Any:
            return kind(method, request.FromString, lambda message: message.SerializeToString())

        output = proto.StreamingOutputCallRequest
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "EmptyCall": handler(grpc.unary_unary_rpc_method_handler, service.empty, proto.Empty),
                "UnaryCall": handler(grpc.unary_unary_rpc_method_handler, service.unary, proto.SimpleRequest),
                "StreamingInputCall": handler(
                    grpc.stream_unary_rpc_method_handler, service.streaming_input, proto.StreamingInputCallRequest
                ),
                "StreamingOutputCall": handler(
                    grpc.unary_stream_rpc_method_handler, service.streaming_output, output
                ),
                "FullDuplexCall": handler(grpc.stream_stream_rpc_method_handler, service.full_duplex, output),
            },
        )
