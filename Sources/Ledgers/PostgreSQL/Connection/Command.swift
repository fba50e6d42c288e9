#if PostgreSQL
  /// One SQL statement with its values. Its parameters are `$1`, `$2`, ...; its text is the same for all values, so that each
  /// connection prepares it once.
  struct Command: Sendable {
    let sql: String
    /// In PostgreSQL's text form; `nil` is NULL.
    let values: [String?]

    init(_ sql: String, _ values: [(any SQLValue)?] = []) {
      self.sql = sql
      self.values = values.map { $0?.sqlText }
    }

    /// - Parameter parameters: bound already.
    init(_ sql: String, _ parameters: Parameters) {
      self.sql = sql
      values = parameters.values
    }

    /// Values that are bound one by one.
    final class Parameters: StoredParameters {
      fileprivate var values: [String?]

      init(count: Int) {
        values = Array(repeating: nil, count: count)
      }

      func bind(_ index: Int32, _ value: Int64?) { values[Int(index) - 1] = value?.sqlText }
      func bind(_ index: Int32, _ text: String?) { values[Int(index) - 1] = text }
      func bind(_ index: Int32, _ bytes: [UInt8]?) { values[Int(index) - 1] = bytes?.sqlText }
    }

    static let begin = Command("BEGIN")
    static let commit = Command("COMMIT")
    static let rollback = Command("ROLLBACK")
  }

  /// What a parameter may be.
  protocol SQLValue: Sendable {
    var sqlText: String { get }
  }

  extension Int64: SQLValue {
    var sqlText: String { String(self) }
  }

  extension String: SQLValue {
    var sqlText: String { self }
  }

  extension [UInt8]: SQLValue {
    var sqlText: String {
      var text = "\\x"
      text.reserveCapacity(2 + 2 * count)
      for byte in self {
        text.unicodeScalars.append(Self.digits[Int(byte >> 4)])
        text.unicodeScalars.append(Self.digits[Int(byte & 15)])
      }
      return text
    }

    private static let digits = Array<Unicode.Scalar>("0123456789abcdef".unicodeScalars)
  }
#endif
