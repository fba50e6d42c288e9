import ContentDigests
import Testing

struct ChunkHasherTests {
  @Test(
    "has the published digests of `123456789`",
    arguments: [
      (ChunkHasher.Algorithm.crc32, "cbf43926"), (.md5, "25f9e794323b453885f5181f1b624d0b"),
      (.sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
      (.sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
      (
        .sha512,
        "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85"
      ),
    ])
  func known(algorithm: ChunkHasher.Algorithm, expected: String) {
    for cut in [0, 1, 4, 9] {
      let hasher = ChunkHasher(algorithm)
      let bytes = Array("123456789".utf8)
      Array(bytes[..<cut]).withUnsafeBytes { hasher.update($0) }
      Array(bytes[cut...]).withUnsafeBytes { hasher.update($0) }
      #expect(hasher.finish().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == expected)
    }
  }
}
