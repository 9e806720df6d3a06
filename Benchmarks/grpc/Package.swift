// swift-tools-version: 6.2
import PackageDescription

// What `make bench-grpc` builds: one program that is server and client over our transport or the stock one. A package
// of its own, so that nobody who builds the daemon fetches the stock transport. The targets under Linked/ are the
// daemon's own sources by symbolic link, for `package` access ends at the package.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

let grpc: [Target.Dependency] = [
    .product(name: "GRPCCore", package: "grpc-swift-2"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "SystemPackage", package: "swift-system"),
]

let package = Package(
    name: "grpc-bench",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system.git", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0", traits: []),
        .package(url: "https://github.com/grpc/grpc-swift-2.git", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf.git", from: "2.4.1"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport.git", exact: "2.9.2"),
    ],
    targets: [
        .systemLibrary(name: "CNghttp2", path: "Linked/CNghttp2", pkgConfig: "libnghttp2"),
        .systemLibrary(name: "CZlib", path: "Linked/CZlib", pkgConfig: "zlib"),
        .target(name: "CLinux", path: "Linked/CLinux"),
        .target(name: "Locking", path: "Linked/Locking", swiftSettings: strict),
        .target(
            name: "GRPCNghttp2",
            dependencies: [
                "CLinux", "CNghttp2", "CZlib", "Locking",
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "DequeModule", package: "swift-collections"),
            ] + grpc,
            path: "Linked/GRPCNghttp2", exclude: ["GRPCNghttp2.md"], swiftSettings: strict
        ),
        .target(
            name: "PeerWire",
            dependencies: [
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            path: "Linked/PeerWire", exclude: ["protos", "generate.sh"],
            resources: [.embedInCode("Generated/descriptors.binpb")],
            swiftSettings: [.enableUpcomingFeature("ExistentialAny")]
        ),
        .executableTarget(
            name: "grpc-bench",
            dependencies: [
                "GRPCNghttp2", "PeerWire",
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ] + grpc,
            path: "Bench", swiftSettings: strict
        ),
    ],
    swiftLanguageModes: [.v6]
)
