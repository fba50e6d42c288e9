import FuzzDriver

/// The process's entry.
@_cdecl("FuzzServerExchange_main")
public func fuzzMain(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
  runFuzzer(count, arguments) { fuzzServerExchange($0, $1) }
}
