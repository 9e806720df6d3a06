"""gRPC calls by path, without generated stubs: any service name can be called, also one that no .proto has."""

from typing import Any

import grpc


def _options(answer: Any) -> dict[str, Any]:
    return {
        "request_serializer": lambda message: message.SerializeToString(),
        "response_deserializer": answer.FromString,
    }


def unary_unary(channel: grpc.Channel, path: str, answer: Any) -> Any:
    return channel.unary_unary(path, **_options(answer))


def unary_stream(channel: grpc.Channel, path: str, answer: Any) -> Any:
    return channel.unary_stream(path, **_options(answer))


def stream_unary(channel: grpc.Channel, path: str, answer: Any) -> Any:
    return channel.stream_unary(path, **_options(answer))


def stream_stream(channel: grpc.Channel, path: str, answer: Any) -> Any:
    return channel.stream_stream(path, **_options(answer))
