import NIOCore

/// Feeds the same records to two servers, of which one opens them by ``RecordDecryptor`` and the other by libssl, and
/// holds against each other what they make of them: plaintext, end, and the alert that their clients get.
///
/// Each has keys of its own, so the input says what is in a record and what is done to it, and each gets it under its
/// keys.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRecordDecryptor(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  var script = RecordScript(Array(UnsafeBufferPointer(start: start, count: count)))
  guard let suite = script.byte() else { return 0 }
  guard let ours = Side(suite: Int(suite % 3), byLibrary: false),
    let theirs = Side(suite: Int(suite % 3), byLibrary: true)
  else { preconditionFailure("no handshake: \(Side.certificates)/server.pem") }
  var splits = script.splits()
  while let step = script.next() {
    let portions = splits.next()
    ours.take(step, in: portions)
    theirs.take(step, in: portions)
    // Of records that bring nothing each has its own measure.
    if ours.isFlooded || theirs.isFlooded { return 0 }
    let (ours, theirs) = (ours.outcome, theirs.outcome)
    // A key update of another length than its own is decode_error (RFC 8446, section 6.2); libssl says
    // illegal_parameter.
    let isLength = ours.alert?.contains("decode error") == true && theirs.alert?.contains("illegal parameter") == true
    if isLength, ours.plaintext == theirs.plaintext { return 0 }
    // A record that is too long by its padding alone is an overflow (RFC 8446, section 5.4); libssl 3.0 takes it.
    if step.isTooLongByPadding, ours.alert?.contains("record overflow") == true { return 0 }
    precondition(ours == theirs, "after \(step)\n  by RecordDecryptor: \(ours)\n  by libssl:       \(theirs)")
    if ours.isOver { return 0 }
  }
  return 0
}
