import Foundation

/// Runs a program to its end, with nothing on its input.
///
/// - Returns: its exit status, and what it wrote on both outputs.
func run(_ program: String, _ arguments: [String]) -> (status: Int32, output: String) {
  let process = Process()
  let output = Pipe()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = [program] + arguments
  process.standardInput = FileHandle.nullDevice
  process.standardOutput = output
  process.standardError = output
  do { try process.run() } catch { return (-1, "\(error)") }
  let said = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return (process.terminationStatus, String(decoding: said, as: UTF8.self))
}

/// Runs a program that answers lines: types each line, and goes on when what it wrote has the answer.
///
/// The end of its input would not do as a farewell: a program that is started at the same moment may hold a copy of
/// the pipe.
///
/// - Parameter last: the line that makes the program end.
/// - Returns: what it wrote on both outputs.
func converse(_ program: String, _ arguments: [String], _ steps: [(line: String, answer: String)], last: String)
  -> String
{
  let process = Process()
  let input = Pipe()
  let output = Pipe()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = [program] + arguments
  process.standardInput = input
  process.standardOutput = output
  process.standardError = output
  do { try process.run() } catch { return "\(error)" }
  var said = Data()
  for step in steps {
    try? input.fileHandleForWriting.write(contentsOf: Data((step.line + "\n").utf8))
    while said.range(of: Data(step.answer.utf8)) == nil {
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { break }
      said += more
    }
  }
  try? input.fileHandleForWriting.write(contentsOf: Data((last + "\n").utf8))
  said += output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return String(decoding: said, as: UTF8.self)
}
