import FuzzDriver
import NIOCore

@testable import HTTPUpload

/// Feeds a form whole and in slices: both times it has to be what ``PlainReading`` finds in it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMultipart(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard var input = FuzzInput(start, count) else { return 0 }
  let boundary = ["b", "-", "--b", "boundary"][Int(input.decide(4))]
  let slices = input.slices()
  let whole = FormReading([input.wire], boundary: boundary)
  let sliced = FormReading(slices, boundary: boundary)
  precondition(whole == sliced, "whole: \(whole)\nin slices: \(sliced)")
  PlainReading(input.wire, boundary: boundary).check(whole)
  return 0
}

/// What ``MultipartMachine`` finds in a form.
struct FormReading: Equatable {
  struct Part: Equatable {
    var head: HTTPFields
    var content: [UInt8] = []
    var isWhole = false
  }

  private(set) var parts: [Part] = []
  private(set) var fault: MultipartFault?
  private(set) var isWhole = false

  init(_ slices: [[UInt8]], boundary: String) {
    guard var machine = try? MultipartMachine(boundary: boundary) else { preconditionFailure("no boundary") }
    for slice in slices {
      machine.receive(ByteBuffer(bytes: slice))
      while let event = machine.next() { take(event) }
    }
    if let event = machine.finish() { take(event) }
    precondition(isWhole || fault != nil, "a form that neither ends nor is broken")
  }

  private mutating func take(_ event: MultipartEvent) {
    precondition(!isWhole && fault == nil, "\(event) behind the end")
    let isOpen = parts.last?.isWhole == false
    switch event {
    case .partBegins(let head):
      precondition(!isOpen, "a part within a part")
      parts.append(Part(head: head.fields))
      // What a route would make of it: a label is fit to show, whatever the head says.
      if let label = head.disposition?.label { precondition(FileLabel.isLabel(label), "the label \(label)") }
    case .bytes(let bytes):
      precondition(isOpen && bytes.readableBytes > 0, "bytes of no part, or none")
      parts[parts.count - 1].content += bytes.readableBytesView
    case .partEnds:
      precondition(isOpen, "the end of no part")
      parts[parts.count - 1].isWhole = true
    case .allEnded:
      precondition(!isOpen, "the end within a part")
      isWhole = true
    case .malformed(let fault): self.fault = fault
    }
  }
}
