import FuzzDriver

/// The process's entry.
@_cdecl("FuzzMultipart_main")
public func fuzzMain(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
  runFuzzer(count, arguments) { fuzzMultipart($0, $1) }
}
