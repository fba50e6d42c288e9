/// A row that an engine has read. Columns count from 0.
protocol StoredRow {
  /// Of a column that is never NULL.
  func text(_ column: Int32) -> String
  /// `nil` for NULL.
  func optionalText(_ column: Int32) -> String?
  /// Of a column that is never NULL.
  func integer(_ column: Int32) -> Int64
  /// `nil` for NULL.
  func optionalInteger(_ column: Int32) -> Int64?
  /// `nil` for NULL.
  func bytes(_ column: Int32) -> [UInt8]?
}

/// A statement whose parameters, which count from 1, get their values. `nil` is NULL.
protocol StoredParameters {
  func bind(_ index: Int32, _ value: Int64?)
  func bind(_ index: Int32, _ text: String?)
  func bind(_ index: Int32, _ bytes: [UInt8]?)
}
