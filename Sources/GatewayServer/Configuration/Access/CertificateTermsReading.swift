import ConfigurationReading
import GatewayCore
import TextForms

/// Reads which certificates a route takes.
enum CertificateTermsReading {
  /// `nil` where something was wrong, which has been noted.
  static func read(_ section: inout MappingReader) -> CertificateTerms? {
    defer { section.finish() }
    let before = section.reading.faults.count
    var patterns: Set<CertificatePattern> = []
    func take(_ key: String, _ parser: ValueParser<CertificatePattern>) {
      patterns.formUnion(section.optionalList(key, as: parser)?.value.map(\.value) ?? [])
    }
    take("subject", .subject)
    take("common-name", .certificateText("a common name, as `backup-host`") { .commonName($0) })
    take("dns", .dnsPattern)
    take("uri", .uriPattern)
    take("email", .email)
    take("key", .pin("key") { .key($0) })
    let authorities = section.optionalList("authority", as: .pin("authority") { $0 })?.value.map(\.value) ?? []
    guard section.reading.faults.count == before else { return nil }
    guard !patterns.isEmpty || !authorities.isEmpty else {
      section.reading.note(
        "`certificates` lets nobody in",
        hint:
          "write some of `subject`, `common-name`, `dns`, `uri`, `email`, `key`, `authority`, or `certificates: true`",
        at: section.place)
      return nil
    }
    return CertificateTerms(patterns: patterns, authorities: Set(authorities))
  }
}

extension ValueParser where Value == CertificatePattern {
  fileprivate static func certificateText(
    _ expected: String, _ make: @escaping (String) -> CertificatePattern
  ) -> ValueParser {
    ValueParser(expected: expected) { text, _ throws(ValueFault) in
      guard !text.isEmpty else { throw ValueFault(message: "it is empty", hint: "write \(expected)") }
      return make(text)
    }
  }

  fileprivate static var subject: ValueParser {
    ValueParser(expected: "a subject, as `CN=uploader,O=Example`") { text, _ throws(ValueFault) in
      let hint = "write what `openssl x509 -noout -subject -nameopt RFC2253 -in FILE` prints behind `subject=`"
      guard !text.hasPrefix("/") else { throw ValueFault(message: "`\(text)` is OpenSSL's old form", hint: hint) }
      guard text.contains("="), !text.contains(", "), !text.contains(" = ") else {
        throw ValueFault(message: "`\(text)` is no subject as RFC 2253 has it", hint: hint)
      }
      return .subject(text)
    }
  }

  fileprivate static var dnsPattern: ValueParser {
    ValueParser(expected: "a DNS name, as `backup.example` or `*.backup.example`") { text, _ throws(ValueFault) in
      let name = text.hasPrefix("*.") ? text.dropFirst(2) : text[...]
      guard !name.isEmpty, name.utf8.count <= 253, !name.hasSuffix("."),
        name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy({ !$0.isEmpty }),
        name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0)) })
      else {
        throw ValueFault(
          message: "`\(text)` is no DNS name",
          hint: "write one, as `backup.example`; a `*` may be its first label alone")
      }
      return .dns(text)
    }
  }

  fileprivate static var uriPattern: ValueParser {
    ValueParser(expected: "a URI, as `spiffe://example/backup`") { text, _ throws(ValueFault) in
      let hint = "write one, as `spiffe://example/backup`; `*` may be a segment of its path, and `**` the last"
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard text.contains(":"), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
        throw ValueFault(message: "`\(text)` is no URI", hint: hint)
      }
      let isPlaced = parts.enumerated().allSatisfy { index, part in
        !part.contains("*") || index > 2 && (part == "*" || part == "**" && index == parts.count - 1)
      }
      guard isPlaced else { throw ValueFault(message: "`\(text)` has a `*` where none may be", hint: hint) }
      return .uri(text)
    }
  }

  fileprivate static var email: ValueParser {
    ValueParser(expected: "an e-mail address, as `ops@example.org`") { text, _ throws(ValueFault) in
      guard text.split(separator: "@", omittingEmptySubsequences: false).map(\.isEmpty) == [false, false],
        text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), !text.contains("*")
      else {
        throw ValueFault(message: "`\(text)` is no e-mail address", hint: "write one in full, as `ops@example.org`")
      }
      return .email(text)
    }
  }
}

extension ValueParser {
  /// SHA-256 of a public key in DER: `sha256:` and 64 hexadecimal digits.
  fileprivate static func pin(_ key: String, _ make: @escaping ([UInt8]) -> Value) -> ValueParser {
    ValueParser(expected: "`sha256:` and 64 hexadecimal digits") { text, _ throws(ValueFault) in
      guard text.hasPrefix("sha256:"), let bytes = Hexadecimal.bytes(text.dropFirst(7)), bytes.count == 32 else {
        throw ValueFault(
          message: "`\(text)` is not `sha256:` and 64 hexadecimal digits",
          hint: "write what this prints: openssl x509 -pubkey -noout -in \(key == "key" ? "CLIENT" : "CA").pem | "
            + "openssl pkey -pubin -outform DER | sha256sum")
      }
      return make(bytes)
    }
  }
}
