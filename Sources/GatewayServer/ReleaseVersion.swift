#if ISAL
  import CISAL
#endif
import CSQLite
import CZlib
import Ledgers
import TLSTransport

/// Which release this is, and what it was linked with.
package enum ReleaseVersion {
  /// Semantic version.
  package static let number = "0.1.0"

  /// For a person: the release and the system libraries as they are at run time (of ISA-L: as they were when it was built).
  package static var description: String {
    "sluice \(number) (\(TLSLibrary.version), SQLite \(String(cString: sqlite3_libversion())), "
      + "zlib \(String(cString: zlibVersion()))\(isal)\(libpq))"
  }
  private static var libpq: String {
    #if PostgreSQL
      ", \(DatabaseLibrary.version)"
    #else
      ""
    #endif
  }
  private static var isal: String {
    #if ISAL
      ", ISA-L \(String(cString: sluice_isal_version()))"
    #else
      ""
    #endif
  }
}
