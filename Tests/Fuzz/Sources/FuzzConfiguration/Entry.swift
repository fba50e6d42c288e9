import FuzzDriver

/// The process's entry.
@_cdecl("FuzzConfiguration_main")
public func fuzzMain(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
  runFuzzer(count, arguments) { fuzzConfiguration($0, $1) }
}
