// The package manager makes an executable's `main` an alias of `MODULE_main`, which hides libFuzzer's own `main`; so each
// target has that function, and hands over to libFuzzer's driver by this module.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ target: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

/// Gives a target inputs until libFuzzer's arguments say that it is enough.
public func runFuzzer(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
  _ target: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt {
  var count = count
  var arguments = arguments
  return runDriver(&count, &arguments, target)
}

/// What the fuzzer's bytes say: the first is the number of decisions, they follow, the rest is what a client sends.
public struct FuzzInput {
  /// What a client sends.
  public let wire: [UInt8]
  private let decisions: [UInt8]
  private var next = 0

  /// Takes an input apart; `nil` for an empty one.
  public init?(_ start: UnsafePointer<UInt8>, _ count: Int) {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let first = bytes.first else { return nil }
    decisions = Array(bytes.dropFirst().prefix(Int(first)))
    wire = Array(bytes.dropFirst(1 + decisions.count))
  }

  /// One of so many choices; 0 where there are no decisions.
  public mutating func decide(_ choices: UInt8) -> UInt8 {
    guard !decisions.isEmpty else { return 0 }
    defer { next += 1 }
    return decisions[next % decisions.count] % choices
  }

  /// What is sent, in slices as the decisions cut it.
  public mutating func slices() -> [[UInt8]] {
    var slices: [[UInt8]] = []
    var rest = wire[...]
    while !rest.isEmpty {
      let size = decide(3) == 0 ? 1 : 1 + Int(decide(200))
      slices.append(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    return slices
  }
}
