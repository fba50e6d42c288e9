#if PostgreSQL
  import CPostgreSQL

  /// What a ``Command`` came to. For one thread.
  final class Rows {
    private let result: OpaquePointer

    /// - Parameter result: of libpq, which is this object's from now on.
    init(owning result: OpaquePointer) {
      self.result = result
    }

    deinit {
      PQclear(result)
    }

    /// How many there are.
    var count: Int { Int(PQntuples(result)) }

    /// How many rows the command changed or found.
    var affected: Int { Int(String(cString: PQcmdTuples(result))) ?? 0 }

    var first: Row? { count > 0 ? self[0] : nil }

    subscript(index: Int) -> Row { Row(result: result, owner: self, index: Int32(index)) }

    func map<Value, Failure: Error>(_ transform: (Row) throws(Failure) -> Value) throws(Failure) -> [Value] {
      var values: [Value] = []
      values.reserveCapacity(count)
      for index in 0..<count { values.append(try transform(self[index])) }
      return values
    }
  }

  /// One of ``Rows``. Columns count from 0.
  struct Row: StoredRow {
    fileprivate let result: OpaquePointer
    fileprivate let owner: Rows
    fileprivate let index: Int32

    func text(_ column: Int32) -> String { optionalText(column) ?? "" }

    func optionalText(_ column: Int32) -> String? {
      guard PQgetisnull(result, index, column) == 0, let start = PQgetvalue(result, index, column) else { return nil }
      let count = Int(PQgetlength(result, index, column))
      return start.withMemoryRebound(to: UInt8.self, capacity: count) {
        String(decoding: UnsafeBufferPointer(start: $0, count: count), as: UTF8.self)
      }
    }

    func integer(_ column: Int32) -> Int64 { optionalInteger(column) ?? 0 }

    func optionalInteger(_ column: Int32) -> Int64? { optionalText(column).flatMap { Int64($0) } }

    /// Of a `bytea`, which the server writes as `\x` and hexadecimal digits.
    func bytes(_ column: Int32) -> [UInt8]? {
      guard let digits = optionalText(column)?.utf8.dropFirst(2) else { return nil }
      var bytes: [UInt8] = []
      bytes.reserveCapacity(digits.count / 2)
      var high: UInt8?
      for digit in digits {
        let value = digit <= UInt8(ascii: "9") ? digit &- UInt8(ascii: "0") : (digit | 0x20) &- UInt8(ascii: "a") &+ 10
        if let first = high {
          bytes.append(first << 4 | value)
          high = nil
        } else {
          high = value
        }
      }
      return bytes
    }
  }
#endif
