// swift-tools-version: 6.2
import PackageDescription

// Nested, so that nothing of it gets into the main package, whose parts it measures.
let package = Package(
  name: "micro",
  dependencies: [
    .package(name: "sluice", path: "../../.."),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
  ],
  targets: [
    .executableTarget(
      name: "BenchmarkParts",
      dependencies: [
        .product(name: "MeasuredParts", package: "sluice"), .product(name: "NIOCore", package: "swift-nio"),
      ],
      swiftSettings: [
        "ExistentialAny", "ImmutableWeakCaptures", "InferIsolatedConformances", "InternalImportsByDefault",
        "MemberImportVisibility", "NonisolatedNonsendingByDefault",
      ].map { .enableUpcomingFeature($0) } + [.treatAllWarnings(as: .error)])
  ]
)
