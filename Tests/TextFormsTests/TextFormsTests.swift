import TextForms
import Testing

@Suite struct HexadecimalTests {
  @Test("bytes are two digits each, of the case that is asked for")
  func text() {
    #expect(Hexadecimal.text([0, 0x0A, 0xF0, 0xFF]) == "000af0ff")
    #expect(Hexadecimal.text([0, 0x0A, 0xF0, 0xFF], uppercase: true) == "000AF0FF")
    #expect(Hexadecimal.text([]) == "")
  }

  @Test("digits of either case are read")
  func bytes() {
    #expect(Hexadecimal.bytes("000aF0fF") == [0, 0x0A, 0xF0, 0xFF])
    #expect(Hexadecimal.bytes("") == [])
  }

  @Test("what is no pair of digits is nothing", arguments: ["0", "000", "0g", "+1", " 1", "é0", "1é"])
  func refused(text: String) {
    #expect(Hexadecimal.bytes(text) == nil)
  }

  @Test("every byte goes there and back")
  func all() {
    let all = Array(UInt8.min...UInt8.max)
    #expect(Hexadecimal.bytes(Hexadecimal.text(all)) == all)
  }
}

@Suite struct JSONStringTests {
  @Test(
    "a text is quoted, and whatever ends a line or steers a terminal is escaped",
    arguments: [
      ("", #""""#), ("plain é 😀", #""plain é 😀""#), ("a\"b\\c", #""a\"b\\c""#), ("a\nb\r\t", #""a\nb\u000d\u0009""#),
      ("\u{0}\u{1B}[2J", #""\u0000\u001b[2J""#), ("\u{7F}\u{85}\u{9F}", #""\u007f\u0085\u009f""#),
      ("\u{2028}\u{2029}", #""\u2028\u2029""#),
    ])
  func quoted(text: String, json: String) {
    #expect(JSONString.quoted(text) == json)
  }

  @Test("written JSON keeps its meaning, and nothing in it is unseen")
  func unseen() {
    #expect(JSONString.escapingUnseen("{\"a\":\"\u{202E}x\u{E0001}\"}") == #"{"a":"\u202ex\udb40\udc01"}"#)
    #expect(JSONString.escapingUnseen(#"{"a":"é 😀"}"#) == #"{"a":"é 😀"}"#)
  }
}

@Suite struct RFC3339Tests {
  @Test(
    "moments are written in UTC",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (951_868_799_999, "2000-02-29T23:59:59.999Z"), (951_868_800_000, "2000-03-01T00:00:00.000Z"),
      (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (1_769_903_999_001, "2026-01-31T23:59:59.001Z"),
      (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ] as [(Int64, String)])
  func text(milliseconds: Int64, text: String) {
    #expect(RFC3339(milliseconds: milliseconds).text == text)
  }

  @Test("moments that have no four digits for their year become the nearest that have")
  func ends() {
    #expect(RFC3339(milliseconds: .min).text == "0000-01-01T00:00:00.000Z")
    #expect(RFC3339(milliseconds: .max).text == "9999-12-31T23:59:59.999Z")
  }

  @Test("the parts are those of the whole")
  func parts() {
    let moment = RFC3339(milliseconds: 1_769_903_999_999)
    #expect(moment.date == "2026-01-31")
    #expect(moment.time == "23:59:59.999")
    #expect(moment.textInSeconds == "2026-01-31T23:59:59Z")
  }
}

@Suite struct KeyAlphabetTests {
  @Test("the alphabet has 64 characters, each allowed, and no other byte is")
  func alphabet() {
    #expect(Set(KeyAlphabet.characters).count == 64)
    #expect((UInt8.min...UInt8.max).filter(KeyAlphabet.isAllowed) == KeyAlphabet.characters.sorted())
  }

  @Test(
    "a key has 16 to 128 of them",
    arguments: [
      (String(repeating: "a", count: 15), false), (String(repeating: "a", count: 16), true),
      (String(repeating: "-", count: 128), true), (String(repeating: "_", count: 129), false),
      ("0123456789abcde.", false), ("0123456789abcdé", false), ("", false),
    ])
  func key(text: String, isKey: Bool) {
    #expect(KeyAlphabet.isKey(text) == isKey)
  }
}
