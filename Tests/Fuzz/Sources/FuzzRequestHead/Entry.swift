import FuzzDriver

/// The process's entry.
@_cdecl("FuzzRequestHead_main")
public func fuzzMain(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
  runFuzzer(count, arguments) { fuzzRequestHead($0, $1) }
}
