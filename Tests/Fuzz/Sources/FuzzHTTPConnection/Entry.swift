import FuzzDriver

/// The process's entry.
@_cdecl("FuzzHTTPConnection_main")
public func fuzzMain(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
  runFuzzer(count, arguments) { fuzzHTTPConnection($0, $1) }
}
