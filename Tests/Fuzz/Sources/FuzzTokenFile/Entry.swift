import FuzzDriver

/// The process's entry.
@_cdecl("FuzzTokenFile_main")
public func fuzzMain(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
  runFuzzer(count, arguments) { fuzzTokenFile($0, $1) }
}
