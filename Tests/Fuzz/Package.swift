// swift-tools-version: 6.2
import PackageDescription

// Nested, so that unsafe flags and a second copy of XStream with coverage stay out of the main package.
let fuzzing = ["-sanitize=fuzzer,address", "-parse-as-library"]
let features: [SwiftSetting] = [
  "ExistentialAny", "ImmutableWeakCaptures", "InferIsolatedConformances", "InternalImportsByDefault",
  "MemberImportVisibility", "NonisolatedNonsendingByDefault",
].map { .enableUpcomingFeature($0) }

let package = Package(
  name: "fuzz",
  dependencies: [.package(url: "https://github.com/apple/swift-nio", from: "2.101.0")],
  targets: [
    .target(
      name: "XStream", dependencies: [.product(name: "NIOCore", package: "swift-nio")],
      swiftSettings: features + [.unsafeFlags(["-sanitize=fuzzer,address"])]),
    .executableTarget(
      name: "FuzzServerExchange", dependencies: ["XStream", .product(name: "NIOCore", package: "swift-nio")],
      swiftSettings: features + [.unsafeFlags(fuzzing)], linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])]),
  ]
)
