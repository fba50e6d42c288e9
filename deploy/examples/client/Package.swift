// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "first-upload",
  platforms: [.macOS(.v15)],
  dependencies: [
    // Elsewhere: .package(url: "https://…/sluice", from: "1.0.0")
    .package(name: "sluice", path: "../../..")
  ],
  targets: [
    .executableTarget(
      name: "FirstUpload",
      dependencies: [.product(name: "XStreamClient", package: "sluice")],
      // The strictest that a program may ask of what it imports.
      swiftSettings: [.enableUpcomingFeature("MemberImportVisibility"), .treatAllWarnings(as: .error)])
  ]
)
