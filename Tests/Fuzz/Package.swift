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

#if arch(x86_64)
  let vectorCipher: [Target.Dependency] = ["CIPSecMB"]
  let vectorSettings: [SwiftSetting] = [.define("IPSecMB")]
#else
  let vectorCipher: [Target.Dependency] = []
  let vectorSettings: [SwiftSetting] = []
#endif

let package = Package(
  name: "fuzz",
  dependencies: [.package(url: "https://github.com/apple/swift-nio", from: "2.101.0")],
  targets: [
    .systemLibrary(name: "CIPSecMB"),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
    .target(name: "TextForms", swiftSettings: watched),
    .target(name: "XStream", dependencies: ["TextForms", nioCore], swiftSettings: watched),
    .target(
      name: "TLSTransport", dependencies: vectorCipher + ["COpenSSL", "TextForms", nioCore],
      swiftSettings: watched + vectorSettings),
    fuzzer("FuzzServerExchange", of: ["XStream"]),
    fuzzer("FuzzRecordDecryptor", of: ["COpenSSL", "TLSTransport"]),
  ]
)

func fuzzer(_ name: String, of parts: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: parts + [nioCore], swiftSettings: features + [.unsafeFlags(fuzzing)],
    linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])])
}
