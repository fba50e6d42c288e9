/// Dates as HTTP writes them (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
package enum HTTPDate {
  private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// The text for a moment of 1970 or later, in seconds since then. Times past the year 9999 become its last second, as
  /// the format has four digits for a year.
  package static func text(secondsSince1970 seconds: Int64) -> String {
    let moment = min(max(seconds, 0), 253_402_300_799)
    let (days, time) = (moment / 86_400, moment % 86_400)
    let date = civilDate(daysSince1970: days)
    return "\(weekdays[Int(days % 7)]), \(two(date.day)) \(months[Int(date.month - 1)]) \(four(date.year))"
      + " \(two(time / 3600)):\(two(time / 60 % 60)):\(two(time % 60)) GMT"
  }

  /// The value of `Retry-After` for a wait, in whole seconds and at least one: a client that comes back at once only
  /// adds to what it should wait for.
  package static func retryAfter(_ wait: Duration) -> String {
    let (seconds, rest) = wait.components
    return String(max(1, rest > 0 ? seconds + 1 : seconds))
  }

  /// The Gregorian calendar in years that begin in March: so the leap day is the last of a year and falls out of the
  /// sums.
  private static func civilDate(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let sinceMarch = days + 719_468  // from 1 March of the year 0
    let era = sinceMarch / 146_097
    let dayOfEra = sinceMarch % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (
      year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month, day: dayOfYear - (153 * marchMonth + 2) / 5 + 1
    )
  }

  private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

  private static func four(_ number: Int64) -> String {
    String(repeating: "0", count: 4 - String(number).count) + String(number)
  }
}
