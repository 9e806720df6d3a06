// swift-tools-version: 6.2
import PackageDescription

/// Swift 6 mode comes with the tools version; a warning is an error in every target of ours.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

/// Debian's hardening, and small: see docs/decisions/0018-linking.md. lld comes with the toolchain.
let hardened: [LinkerSetting] = [
    .unsafeFlags(
        ["-use-ld=lld"]
            + [
                "-z", "now", "--no-export-dynamic", "--gc-sections", "--icf=safe", "-z",
                "pack-relative-relocs",
            ].flatMap { ["-Xlinker", $0] })
]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]

let package = Package(
    name: "p2p-peer",
    products: [
        .executable(name: "p2p-peer", targets: ["p2p-peer"]),
        .executable(name: "p2padm", targets: ["p2padm"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system.git", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        // Traits stay off: one `import Foundation` in the graph costs 45 MB (docs/decisions).
        .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0", traits: []),
        .package(
            url: "https://github.com/apple/swift-configuration.git", from: "1.4.0", traits: []),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1",
            traits: []),
        .package(
            url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0", traits: []
        ),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2.git", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf.git", from: "2.4.1"),
    ],
    targets: [
        .systemLibrary(
            name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(
            name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .target(name: "CLinux"),
        .target(name: "Locking", swiftSettings: strict),
        .target(
            name: "RootedFiles",
            dependencies: [
                "CLinux", .product(name: "SystemPackage", package: "swift-system"),
            ],
            exclude: ["RootedFiles.md"],
            swiftSettings: strict
        ),
        .target(name: "Overlay", swiftSettings: strict),
        .target(name: "Folding", exclude: ["Folding.md"], swiftSettings: strict),
        .target(
            name: "OverlaySimulator",
            dependencies: ["Overlay", .product(name: "HeapModule", package: "swift-collections")],
            // Read from the source tree: the simulator is no part of what is installed.
            exclude: ["OverlaySimulator.md", "Scenarios"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "overlay-sim",
            dependencies: [
                "OverlaySimulator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "LogMessages",
            dependencies: [.product(name: "Logging", package: "swift-log")],
            swiftSettings: strict
        ),
        .target(
            name: "SQLite", dependencies: ["CSQLite", "Locking"], exclude: ["SQLite.md"],
            swiftSettings: strict
        ),
        .target(
            name: "Catalog",
            dependencies: [
                "Folding", "Locking", "LogMessages", "SQLite", "RootedFiles",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            exclude: ["Catalog.md"],
            swiftSettings: strict
        ),
        .target(
            name: "Directory",
            dependencies: [
                "CSodium", "Folding", "Locking", "SQLite",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            exclude: ["Directory.md"],
            swiftSettings: strict
        ),
        // dlopen()s libpq, of which nothing is needed to build: docs/decisions/0027-postgresql.md.
        .target(name: "CPostgreSQL"),
        .target(
            name: "PostgreSQL", dependencies: ["CPostgreSQL", "Locking"],
            exclude: ["PostgreSQL.md"], swiftSettings: strict
        ),
        .target(
            name: "DirectoryPostgreSQL",
            dependencies: ["Directory", "Folding", "Locking", "PostgreSQL"],
            exclude: ["DirectoryPostgreSQL.md"], swiftSettings: strict
        ),
        .target(
            name: "Varlink",
            dependencies: ["CLinux", "Locking"],
            exclude: ["Varlink.md"],
            swiftSettings: strict
        ),
        .target(
            name: "Systemd",
            dependencies: ["CSystemd", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict
        ),
        .target(
            name: "GRPCNghttp2",
            dependencies: [
                "CLinux", "CNghttp2", "CZlib", "Locking",
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "SystemPackage", package: "swift-system"),
            ] + nio,
            exclude: ["GRPCNghttp2.md"],
            swiftSettings: strict
        ),
        .target(
            name: "AdminWire",
            resources: [.embedInCode("org.p2ppeer.Admin.varlink")],
            swiftSettings: strict
        ),
        .target(
            name: "Transfer",
            dependencies: [
                "Locking", "LogMessages", "RootedFiles", "SQLite",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ] + nio,
            swiftSettings: strict
        ),
        .target(
            name: "PrometheusExposition",
            dependencies: ["Locking", .product(name: "CoreMetrics", package: "swift-metrics")],
            swiftSettings: strict
        ),
        .target(
            name: "PeerWire",
            dependencies: [
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["protos", "generate.sh"],
            resources: [
                .embedInCode("Generated/descriptors.binpb")
            ],
            // Generated code is not ours to warn about.
            swiftSettings: [.enableUpcomingFeature("ExistentialAny")]
        ),
        .target(
            name: "PeerDaemon",
            dependencies: [
                "GRPCNghttp2", "PeerWire", "AdminWire", "CLinux", "Catalog", "Directory",
                "DirectoryPostgreSQL", "Locking",
                "LogMessages", "Overlay",
                "PrometheusExposition", "RootedFiles", "SQLite", "Systemd",
                "Transfer", "Varlink",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOExtras", package: "swift-nio-extras"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ] + nio,
            exclude: ["PeerDaemon.md"],
            resources: [.embedInCode("REST/openapi.json")],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "p2p-peer",
            dependencies: [
                "AdminWire", "LogMessages", "PeerDaemon", "PrometheusExposition", "Systemd",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict, linkerSettings: hardened
        ),
        .target(
            name: "PeerAdmin",
            dependencies: [
                "AdminWire", "CLinux", "Locking", "Varlink",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "p2padm", dependencies: ["PeerAdmin"], swiftSettings: strict,
            linkerSettings: hardened
        ),
        .testTarget(
            name: "VarlinkTests", dependencies: ["Varlink", "CLinux"],
            exclude: ["foreign_client.py"], swiftSettings: strict
        ),
        .testTarget(
            // A test target that depends on an executable makes SwiftPM build protoc (10 minutes).
            name: "PeerAdminTests",
            dependencies: [
                "PeerAdmin", "AdminWire", "CLinux", "Varlink",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "SystemdTests",
            dependencies: ["Systemd", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict
        ),
        .testTarget(
            name: "LogMessagesTests",
            dependencies: [
                "LogMessages", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "PrometheusExpositionTests",
            dependencies: [
                "PrometheusExposition", .product(name: "CoreMetrics", package: "swift-metrics"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "RootedFilesTests",
            dependencies: [
                "RootedFiles", "TestDirectories",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "TestDirectories", path: "Tests/TestDirectories", swiftSettings: strict),
        .testTarget(
            name: "SQLiteTests", dependencies: ["SQLite", "TestDirectories"],
            swiftSettings: strict),
        .testTarget(
            name: "OverlayTests",
            dependencies: ["Overlay", .product(name: "HeapModule", package: "swift-collections")],
            swiftSettings: strict
        ),
        .testTarget(
            name: "OverlaySimulatorTests", dependencies: ["Overlay", "OverlaySimulator"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "CatalogTests",
            dependencies: [
                "Catalog", "RootedFiles", "TestDirectories",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "DirectoryTests",
            dependencies: [
                "Directory", "DirectoryPostgreSQL", "PostgreSQL", "SQLite", "TestDirectories",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "PostgreSQLTests", dependencies: ["PostgreSQL"], swiftSettings: strict),
        .testTarget(
            name: "TransferTests",
            dependencies: [
                "Locking", "Transfer", "RootedFiles", "TestDirectories",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ] + nio,
            swiftSettings: strict
        ),
        .testTarget(
            name: "PeerDaemonTests",
            dependencies: [
                "CLinux", "Directory", "Overlay", "PeerDaemon", "RootedFiles", "Systemd",
                "TestDirectories", "Transfer",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ] + nio,
            swiftSettings: strict
        ),
        // Driven by Tests/IntegrationTests; in no package, and in no test target's dependencies.
        .executableTarget(
            name: "grpc-interop",
            dependencies: [
                "GRPCNghttp2",
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ] + nio,
            path: "Tests/grpc-interop", exclude: ["generate.sh"],
            // Generated code is in it.
            swiftSettings: [.enableUpcomingFeature("ExistentialAny")]
        ),
        .testTarget(
            name: "GRPCNghttp2Tests",
            dependencies: [
                "GRPCNghttp2", "Locking", .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ] + nio,
            swiftSettings: strict
        ),
    ],
    swiftLanguageModes: [.v6]
)
