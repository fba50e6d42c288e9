internal import GatewayCore

/// A moment as RFC 3339 writes it, in UTC.
struct CalendarTime {
  /// `YYYY-MM-DD`.
  let date: String
  /// `HH:MM:SS.mmm`.
  let time: String

  /// Moments before the year 0 or after 9999 become the nearest that can be written.
  init(_ moment: WallTime) {
    let milliseconds = min(max(moment.milliseconds, -62_167_219_200_000), 253_402_300_799_999)
    let day = milliseconds >= 0 ? milliseconds / 86_400_000 : (milliseconds - 86_399_999) / 86_400_000
    let rest = milliseconds - day * 86_400_000
    // Days from 0000-03-01, so that a leap day is the last of its year; the calendar repeats every 146,097 days.
    let days = day + 719_468
    let era = days / 146_097 - (days < 0 && days % 146_097 != 0 ? 1 : 0)
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    date = "\(Self.digits(year, 4))-\(Self.digits(month, 2))-\(Self.digits(dayOfYear - (153 * shifted + 2) / 5 + 1, 2))"
    time =
      "\(Self.digits(rest / 3_600_000, 2)):\(Self.digits(rest / 60_000 % 60, 2)):\(Self.digits(rest / 1000 % 60, 2))"
      + ".\(Self.digits(rest % 1000, 3))"
  }

  /// Date and time together.
  var text: String { "\(date)T\(time)Z" }

  private static func digits(_ number: Int64, _ count: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }
}
