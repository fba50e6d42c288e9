/// A moment in the words of RFC 3339, in UTC.
package struct RFC3339 {
  /// `YYYY-MM-DD`.
  package let date: String
  /// `HH:MM:SS`.
  private let second: String
  /// `mmm`.
  private let fraction: String

  /// Moments before the year 0 or after 9999 become the nearest that can be written.
  ///
  /// - Parameter milliseconds: since 1970.
  package init(milliseconds: Int64) {
    let milliseconds = min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999)
    let day = milliseconds >= 0 ? milliseconds / 86_400_000 : (milliseconds - 86_399_999) / 86_400_000
    let rest = milliseconds - day * 86_400_000
    // Days from 0000-03-01, so that a leap day is the last of its year; the calendar repeats every 146,097 days.
    let days = day + 719_468
    let era = days / 146_097 - (days < 0 && days % 146_097 != 0 ? 1 : 0)
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    // Months from March on: five of them have 153 days, over and over.
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    date = "\(Self.digits(year, 4))-\(Self.digits(month, 2))-\(Self.digits(dayOfMonth, 2))"
    second =
      "\(Self.digits(rest / 3_600_000, 2)):\(Self.digits(rest / 60_000 % 60, 2)):\(Self.digits(rest / 1000 % 60, 2))"
    fraction = Self.digits(rest % 1000, 3)
  }

  /// `HH:MM:SS.mmm`.
  package var time: String { "\(second).\(fraction)" }

  /// `YYYY-MM-DDTHH:MM:SS.mmmZ`.
  package var text: String { "\(date)T\(time)Z" }

  /// `YYYY-MM-DDTHH:MM:SSZ`, without the milliseconds.
  package var textInSeconds: String { "\(date)T\(second)Z" }

  private static func digits(_ number: Int64, _ count: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }
}
