import Testing

@testable import HTTPUpload

@Suite("StructuredField")
struct StructuredFieldTests {
  @Test(
    "items are read, parameters skipped",
    arguments: [
      ("?0", .boolean(false)), ("?1", .boolean(true)), (" ?1 ", .boolean(true)), ("?1;a;b=2", .boolean(true)),
      ("0", .integer(0)), ("-7", .integer(-7)), ("007", .integer(7)),
      ("999999999999999", .integer(999_999_999_999_999)),
      ("sha-256", .token("sha-256")), ("*/a:b", .token("*/a:b")), ("\"a\\\"b\\\\\"", .string("a\"b\\")),
      (":YQ==:", .bytes([97])), (":YQ:", .bytes([97])), ("::", .bytes([])), ("1.5", .other), ("@1659578233", .other),
      ("%\"a%c3%a9\"", .other), ("5; x=\"y\";z=:YQ==:", .integer(5)),
    ] as [(String, StructuredItem)])
  func goodItems(text: String, item: StructuredItem) {
    #expect(StructuredField.item(text) == item)
  }

  @Test(
    "what does not parse is as if absent",
    arguments: [
      "", "?", "?2", "?true", "?0 ?1", "?0, ?1", "true false", "1000000000000000", "-", "1.", "1.2345", "+5", "0x5",
      "\"a", "\"a\\b\"", "\"é\"", ":YQ==", ":!:", "5;", "5;A=1", "?1 x", "\t5", "@1.5", "5;a=",
    ])
  func badItems(text: String) {
    #expect(StructuredField.item(text) == nil)
  }

  @Test("a dictionary keeps its order, and the last of equal keys counts")
  func dictionaries() throws {
    let members = try #require(StructuredField.dictionary("a=1, b;x=2,\t c=(1 2);q=1 , a=?0, d=:YQ==:"))
    #expect(members.map(\.key) == ["a", "b", "c", "d"])
    #expect(members.map(\.item) == [.boolean(false), .boolean(true), .other, .bytes([97])])
    #expect(StructuredField.dictionary("")?.isEmpty == true)
  }

  @Test("a bad dictionary is none", arguments: ["a=1,", "A=1", "a=", "a 1", "a=1 b=2", "a=(1", "a=(1(2))", ",", "1"])
  func badDictionaries(text: String) {
    #expect(StructuredField.dictionary(text) == nil)
  }

  @Test("two lines of an item are no item, two of a dictionary are one")
  func severalLines() {
    let fields: HTTPFields = ["Upload-Complete": "?0", "upload-complete": "?1"]
    #expect(fields.boolean("Upload-Complete") == nil)
    #expect((["D": "a=1", "d": "b=2"] as HTTPFields).joined("D").flatMap(StructuredField.dictionary)?.count == 2)
  }

  @Test("a negative number is no natural one")
  func naturals() {
    #expect((["N": "-1"] as HTTPFields).natural("N") == nil)
    #expect((["N": "5"] as HTTPFields).natural("N") == 5)
  }
}
