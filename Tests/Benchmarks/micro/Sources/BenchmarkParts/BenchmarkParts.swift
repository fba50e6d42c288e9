/// usage: BenchmarkParts CERTIFICATES [TEXT]
///
/// CERTIFICATES is a folder that `certs/make` made; TEXT chooses by name.
@main
enum BenchmarkParts {
  static func main() throws {
    let arguments = CommandLine.arguments
    precondition(arguments.count > 1, "the folder of the certificates is missing; run.sh makes one")
    let watch = Stopwatch(filter: arguments.count > 2 ? arguments[2] : nil)
    try ProtocolParts.measure(with: watch)
    try TLSParts(certificates: arguments[1], watch: watch).measure()
    try GzipParts.measure(with: watch)
  }
}
