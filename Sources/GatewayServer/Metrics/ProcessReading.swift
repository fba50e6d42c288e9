import Glibc
import OperatingSystem

/// What the system says of this process.
struct ProcessReading {
  /// Of the user and the system, in seconds.
  let cpu: Double
  /// In bytes.
  let residentMemory: Int
  let descriptors: Int
  let descriptorLimit: Int

  /// Reads a file and a folder below /proc.
  static func now() -> ProcessReading {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return ProcessReading(
      cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime),
      residentMemory: residentPages * sysconf(Int32(_SC_PAGESIZE)),
      descriptors: DescriptorLimit.inUse, descriptorLimit: DescriptorLimit.current)
  }

  /// The second number of proc(5), `/proc/self/statm`.
  private static var residentPages: Int {
    let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return 0 }
    defer { close(file) }
    var text = [UInt8](repeating: 0, count: 256)
    let count = read(file, &text, text.count)
    guard count > 0 else { return 0 }
    let words = text[..<count].split(separator: UInt8(ascii: " "))
    return words.count > 1 ? Int(String(decoding: words[1], as: UTF8.self)) ?? 0 : 0
  }
}
