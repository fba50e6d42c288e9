import FuzzDriver

/// The process's entry.
@_cdecl("FuzzRecordDecryptor_main")
public func fuzzMain(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
  runFuzzer(count, arguments) { fuzzRecordDecryptor($0, $1) }
}
