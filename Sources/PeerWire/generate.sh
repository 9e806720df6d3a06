#!/bin/sh
# Makes Sources/PeerWire/Generated from the .proto files. Run it after a change to one of them, and commit the
# result. Needs Debian's protobuf-compiler and grpc-proto.
set -eu
cd "$(dirname "$0")/../.."
swift build --product protoc-gen-swift
swift build --product protoc-gen-grpc-swift-2
bin=$(swift build --show-bin-path)
out=Sources/PeerWire/Generated
wire=Sources/PeerWire/protos
# Elsewhere than /usr/share/grpc-proto: unpacked from the package.
standard=${GRPC_PROTO:-/usr/share/grpc-proto}
files="p2p/v1/peer.proto p2p/v1/trees.proto seed/file_transfer.proto seed/peer_service.proto
    grpc/health/v1/health.proto grpc/reflection/v1/reflection.proto grpc/reflection/v1alpha/reflection.proto"
rm -rf "$out"
mkdir -p "$out"
# shellcheck disable=SC2086
protoc -I "$wire" -I "$standard" \
    --plugin="$bin/protoc-gen-swift" --swift_out="$out" \
    --swift_opt=Visibility=Package,FileNaming=PathToUnderscores \
    --plugin="$bin/protoc-gen-grpc-swift-2" --grpc-swift-2_out="$out" \
    --grpc-swift-2_opt=Visibility=Package,FileNaming=PathToUnderscores,Client=true,Server=true \
    --include_imports --descriptor_set_out="$out/descriptors.binpb" \
    $files
