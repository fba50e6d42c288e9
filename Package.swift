// swift-tools-version: 6.2
import PackageDescription

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHPACK = Target.Dependency.product(name: "NIOHPACK", package: "swift-nio-http2")
let nioHTTP2 = Target.Dependency.product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let ipsecMB = Target.Dependency.target(
  name: "CIPSecMB", condition: .when(platforms: [.linux], traits: ["IPSecMB"]))
let postgreSQL = Target.Dependency.target(name: "CPostgreSQL", condition: .when(traits: ["PostgreSQL"]))
let isal = Target.Dependency.target(name: "CISAL", condition: .when(traits: ["ISAL"]))
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

#if arch(x86_64) && os(Linux)
  // The library is for these processors alone.
  let processorTraits = ["IPSecMB"]
#else
  let processorTraits: [String] = []
#endif

let package = Package(
  name: "sluice",
  // For the client library: the gateway and its command are for Linux.
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "sluice", targets: ["sluice"]),
    .library(name: "XStreamClient", targets: ["XStreamClient"]),
    // For Tests/Benchmarks/micro and nobody else: it makes no promises.
    .library(name: "MeasuredParts", targets: ["Forwarders", "TLSTransport", "XStream"]),
  ],
  traits: [
    .default(enabledTraits: Set(["ISAL"] + processorTraits)),
    .trait(
      name: "IPSecMB", description: "AES-GCM by Intel's Multi-Buffer Crypto library, where the processor has VAES"),
    .trait(name: "PostgreSQL", description: "A ledger of several gateways in PostgreSQL, by libpq"),
    .trait(name: "ISAL", description: "`gzip: fast` in a store, by Intel's storage library (ISA-L)"),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .systemLibrary(name: "CIPSecMB", providers: [.apt(["libipsec-mb-dev"])]),
    .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(
      name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
    .systemLibrary(name: "CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    .target(name: "OperatingSystem", dependencies: ["CLinux", "TextForms"]),
    .target(name: "TextForms"),
    .target(name: "XStream", dependencies: ["TextForms", nioCore]),
    .target(name: "Metrics"),
    .target(name: "GatewayCore", dependencies: ["Metrics", "TextForms", nioCore, logging]),
    .target(name: "HTTPUpload", dependencies: [nioCore]),
    .target(name: "ContentDigests", dependencies: ["COpenSSL", nioCore]),
    .target(name: "TLSTransport", dependencies: [ipsecMB, "COpenSSL", "TextForms", nioCore]),
    .target(
      name: "Ledgers",
      dependencies: [postgreSQL, "CLinux", "CSQLite", "GatewayCore", "OperatingSystem", nioCore]),
    .target(
      name: "Forwarders",
      dependencies: [
        isal, "CLinux", "CZlib", "ContentDigests", "GatewayCore", "OperatingSystem", "TLSTransport", "XStream",
        "TextForms", nioCore, nioPosix,
      ]),
    .target(
      name: "Fronts",
      dependencies: [
        "ContentDigests", "GatewayCore", "HTTPUpload", "TLSTransport", "TextForms", "XStream", nioCore, nioHTTP1,
        nioHPACK, nioHTTP2, logging,
      ],
      resources: [.embedInCode("HTTP/Page/upload.html")]),
    .target(
      name: "XStreamClient",
      dependencies: [
        "ContentDigests", "HTTPUpload", "TLSTransport", "TextForms", "XStream", nioCore, nioHTTP1, nioPosix, logging,
      ]),
    .target(name: "ConfigurationReading", dependencies: ["CYAML", "OperatingSystem"]),
    .target(
      name: "GatewayServer",
      dependencies: [
        isal, "CLinux", "CSQLite", "CZlib", "ConfigurationReading", "ContentDigests", "Forwarders", "Fronts",
        "HTTPUpload",
        "GatewayCore",
        "Ledgers", "Metrics", "OperatingSystem",
        "TLSTransport", "TextForms",
        nioCore, nioHTTP1, nioPosix, logging,
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      resources: [.embedInCode("Administration/Page/live.html")]),
    .target(
      name: "LoadGenerator",
      dependencies: [
        "ConfigurationReading", "ContentDigests", "HTTPUpload", "OperatingSystem", "TLSTransport", "TextForms",
        "XStream",
        nioCore, nioHTTP1, nioHTTP2, nioPosix,
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ]),
    .executableTarget(
      name: "sluice",
      dependencies: [
        "ConfigurationReading", "Forwarders", "GatewayServer", "LoadGenerator", "OperatingSystem", "TLSTransport",
        "TextForms", "XStream", "XStreamClient",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"), logging, nioCore, nioHTTP1, nioPosix,
      ]),

    .target(name: "DevelopmentCertificates", path: "Tests/DevelopmentCertificates"),
    .target(name: "TestPrerequisites", path: "Tests/TestPrerequisites"),
    .testTarget(name: "MetricsTests", dependencies: ["Metrics"]),
    .testTarget(name: "TextFormsTests", dependencies: ["TextForms"]),
    .testTarget(name: "ContentDigestsTests", dependencies: ["ContentDigests"]),
    .testTarget(name: "XStreamTests", dependencies: ["XStream", nioCore]),
    .testTarget(name: "GatewayCoreTests", dependencies: ["GatewayCore", nioCore, nioEmbedded, logging]),
    .testTarget(name: "HTTPUploadTests", dependencies: ["HTTPUpload", nioCore]),
    .testTarget(
      name: "FrontsTests",
      dependencies: ["Fronts", "GatewayCore", "TLSTransport", "XStream", nioCore, nioEmbedded, nioHTTP2, logging]),
    .testTarget(
      name: "TLSTransportTests",
      dependencies: ["TestPrerequisites", "TLSTransport", nioCore, nioPosix, nioEmbedded]),
    .testTarget(
      name: "LedgersTests",
      dependencies: ["CSQLite", "Ledgers", "GatewayCore", "TestPrerequisites", nioCore, nioPosix]),
    .testTarget(
      name: "ForwardersTests",
      dependencies: [
        "DevelopmentCertificates", "Forwarders", "GatewayCore", "ContentDigests", "TLSTransport", "TestPrerequisites",
        "XStream", nioCore, nioPosix,
      ]),
    .testTarget(
      name: "XStreamClientTests",
      dependencies: [
        "DevelopmentCertificates", "HTTPUpload", "XStreamClient", "TLSTransport", "XStream", nioCore, nioHTTP1,
        nioPosix,
        logging,
      ]),
    .testTarget(
      name: "LoadGeneratorTests",
      dependencies: [
        "ConfigurationReading", "DevelopmentCertificates", "GatewayCore", "GatewayServer", "HTTPUpload",
        "LoadGenerator",
        "TLSTransport", "TestPrerequisites", "XStream", nioCore, nioPosix, logging,
      ]),
    .testTarget(
      name: "GatewayServerTests",
      dependencies: [
        "ConfigurationReading", "DevelopmentCertificates", "Forwarders", "Fronts", "GatewayCore", "GatewayServer",
        "Ledgers", "Metrics", "OperatingSystem", "TLSTransport", "TestPrerequisites", "XStream", "XStreamClient",
        nioCore, nioPosix, nioEmbedded, logging,
      ]),
  ]
)

for target in package.targets where target.type != .system {
  target.swiftSettings =
    [
      "ExistentialAny", "ImmutableWeakCaptures", "InferIsolatedConformances", "InternalImportsByDefault",
      "MemberImportVisibility", "NonisolatedNonsendingByDefault",
    ].map { .enableUpcomingFeature($0) } + [.treatAllWarnings(as: .error)]
}
