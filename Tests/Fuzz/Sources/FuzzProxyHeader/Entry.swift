import FuzzDriver

/// The process's entry.
@_cdecl("FuzzProxyHeader_main")
public func fuzzMain(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
  runFuzzer(count, arguments) { fuzzProxyHeader($0, $1) }
}
