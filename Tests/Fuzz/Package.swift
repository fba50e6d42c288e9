// swift-tools-version: 6.2
import PackageDescription

// Nested, so that unsafe flags and a second copy of what is fuzzed with coverage stay out of the main package.
let fuzzing = ["-sanitize=fuzzer,address", "-parse-as-library"]
let features: [SwiftSetting] = [
  "ExistentialAny", "ImmutableWeakCaptures", "InferIsolatedConformances", "InternalImportsByDefault",
  "MemberImportVisibility", "NonisolatedNonsendingByDefault",
].map { .enableUpcomingFeature($0) }
let watched = features + [.unsafeFlags(["-sanitize=fuzzer,address"])]
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHPACK = Target.Dependency.product(name: "NIOHPACK", package: "swift-nio-http2")
let nioHTTP2 = Target.Dependency.product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

#if arch(x86_64)
  let vectorCipher: [Target.Dependency] = ["CIPSecMB"]
  let vectorSettings: [SwiftSetting] = [.define("IPSecMB")]
#else
  let vectorCipher: [Target.Dependency] = []
  let vectorSettings: [SwiftSetting] = []
#endif

let package = Package(
  name: "fuzz",
  dependencies: [
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .systemLibrary(name: "CIPSecMB"),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3"),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
    .target(name: "TextForms", swiftSettings: watched),
    .target(name: "XStream", dependencies: ["TextForms", nioCore], swiftSettings: watched),
    .target(
      name: "TLSTransport", dependencies: vectorCipher + ["COpenSSL", "TextForms", nioCore],
      swiftSettings: watched + vectorSettings),
    .target(name: "HTTPUpload", dependencies: [nioCore], swiftSettings: watched),
    .target(name: "ContentDigests", dependencies: ["COpenSSL", nioCore], swiftSettings: watched),
    .target(name: "Metrics", swiftSettings: watched),
    .target(name: "GatewayCore", dependencies: ["Metrics", "TextForms", nioCore, logging], swiftSettings: watched),
    .target(
      name: "Fronts",
      dependencies: [
        "ContentDigests", "GatewayCore", "HTTPUpload", "TLSTransport", "TextForms", "XStream", nioCore, nioHTTP1,
        nioHPACK,
        nioHTTP2, logging,
      ],
      resources: [.embedInCode("HTTP/Page/upload.html")], swiftSettings: watched),
    .target(name: "OperatingSystem", dependencies: ["CLinux", "TextForms"], swiftSettings: watched),
    .target(name: "ConfigurationReading", dependencies: ["CYAML", "OperatingSystem"], swiftSettings: watched),
    .target(
      name: "Ledgers", dependencies: ["CLinux", "CSQLite", "GatewayCore", "OperatingSystem", nioCore],
      swiftSettings: watched),
    .target(
      name: "Forwarders",
      dependencies: [
        "CLinux", "CZlib", "ContentDigests", "GatewayCore", "OperatingSystem", "TLSTransport", "XStream", "TextForms",
        nioCore, nioPosix,
      ], swiftSettings: watched),
    .target(
      name: "GatewayServer",
      dependencies: [
        "CLinux", "CSQLite", "CZlib", "ConfigurationReading", "ContentDigests", "Forwarders", "Fronts", "GatewayCore",
        "HTTPUpload", "Ledgers", "Metrics", "OperatingSystem", "TLSTransport", "TextForms", nioCore, nioHTTP1, nioPosix,
        logging,
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      resources: [.embedInCode("Administration/Page/live.html")], swiftSettings: watched),
    .target(name: "FuzzDriver", swiftSettings: features),
    fuzzer("FuzzServerExchange", of: ["XStream"]),
    fuzzer("FuzzRecordDecryptor", of: ["COpenSSL", "TLSTransport"]),
    fuzzer("FuzzMultipart", of: ["HTTPUpload"]),
    fuzzer("FuzzRequestHead", of: ["HTTPUpload"]),
    fuzzer(
      "FuzzHTTPConnection", of: ["Fronts", "GatewayCore", "HTTPUpload", "TLSTransport", nioEmbedded, nioHTTP1, logging]),
    fuzzer("FuzzProxyHeader", of: ["Fronts", nioEmbedded, logging]),
    fuzzer(
      "FuzzTokenFile", of: ["ConfigurationReading", "ContentDigests", "GatewayCore", "GatewayServer", "TextForms"]),
    fuzzer("FuzzConfiguration", of: ["ConfigurationReading", "Forwarders", "GatewayCore", "GatewayServer"]),
  ]
)

func fuzzer(_ name: String, of parts: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: parts + ["FuzzDriver", nioCore], swiftSettings: features + [.unsafeFlags(fuzzing)],
    linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])])
}
