#!/bin/sh
# Makes Tests/grpc-interop/Generated from the messages of gRPC's own interoperability tests. Run it when Debian's
# package changes, and commit the result. Needs Debian's protobuf-compiler and grpc-proto.
set -eu
cd "$(dirname "$0")/../.."
swift build --product protoc-gen-swift
bin=$(swift build --show-bin-path)
out=Tests/grpc-interop/Generated
# Elsewhere than /usr/share/grpc-proto: unpacked from the package.
standard=${GRPC_PROTO:-/usr/share/grpc-proto}
rm -rf "$out"
mkdir -p "$out"
protoc -I "$standard" \
    --plugin="$bin/protoc-gen-swift" --swift_out="$out" --swift_opt=FileNaming=PathToUnderscores \
    grpc/testing/empty.proto grpc/testing/messages.proto
