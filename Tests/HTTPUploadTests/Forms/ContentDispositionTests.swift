import Testing

@testable import HTTPUpload

@Suite("ContentDisposition")
struct ContentDispositionTests {
  @Test(
    "a file's name is read as browsers, curl and old clients write it",
    arguments: [
      (#"form-data; name="f"; filename="b.txt""#, "b.txt"), (#"form-data; filename=b.txt; name=f"#, "b.txt"),
      (#"form-data; filename="a%22b%0D%0Ac.txt""#, "a\"b\r\nc.txt"),
      (#"form-data; filename="100%25%41.txt""#, "100%25%41.txt"),
      (#"form-data; filename="a\"b.txt""#, "a\"b.txt"), (#"form-data; filename="C:\a\b.txt""#, #"C:\a\b.txt"#),
      (#"form-data; filename="C:\\a\\b.txt""#, #"C:\a\b.txt"#), (#"form-data; filename="naïve €.txt""#, "naïve €.txt"),
      (#"form-data; filename="x"; filename*=UTF-8''%e2%82%ac.txt"#, "€.txt"),
      (#"form-data; filename*=iso-8859-1'en'%A3.txt; filename=x"#, "£.txt"),
      (#"form-data; filename="x"; filename*=UTF-8''%ff"#, "x"), (#"form-data; filename="x"; filename*=utf-16''a"#, "x"),
      (#"form-data; filename="a;b=c.txt""#, "a;b=c.txt"), (#"form-data; filename=a b.txt"#, "a b.txt"),
      (#"attachment; filename="a%22b""#, "a%22b"), (#"Form-Data ; FileName="x""#, "x"), (#"form-data; name="f""#, nil),
      (#"form-data; filename="""#, ""),
    ] as [(String, String?)])
  func filenames(text: String, filename: String?) throws {
    let disposition = try #require(ContentDisposition(text))
    #expect(disposition.filename == filename)
    #expect(disposition.isFile == (filename?.isEmpty == false))
  }

  @Test(
    "a label is the last component of that name",
    arguments: [
      (#"form-data; filename="C:\a\b.txt""#, "b.txt"), (#"form-data; filename="folder/b.txt""#, "b.txt"),
      (#"form-data; filename="a%22b%0D%0Ac.txt""#, "a\"bc.txt"), (#"form-data; filename="..""#, nil),
    ] as [(String, String?)])
  func labels(text: String, label: String?) {
    #expect(ContentDisposition(text)?.label == label)
  }

  @Test("a field of a form has a name")
  func names() {
    #expect(ContentDisposition(#"form-data; name="a%22b""#)?.name == "a\"b")
    #expect(ContentDisposition("form-data")?.name == nil)
  }

  @Test(
    "what is none is none", arguments: ["", ";", #"form-data; filename="x"#, "form-data filename=x", "form-data; =x"])
  func none(text: String) {
    #expect(ContentDisposition(text) == nil)
  }
}
