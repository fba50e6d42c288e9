#if PostgreSQL
  import FoundationEssentials
  import GatewayCore

  /// Who has a lease: a gateway's name, and what tells this run of it from others. Two gateways that were given one name by
  /// mistake are two holders, and so are two runs of one.
  enum GatewayHolder {
    /// A new one.
    static func mint(_ name: String) -> String { name + "/" + UploadKey.mint().text.suffix(12) }

    /// The gateway's name.
    static func name(of holder: String) -> String {
      holder.lastIndex(of: "/").map { String(holder[..<$0]) } ?? holder
    }
  }

  /// Remembers the holder beside the gateway's lock, so that the next run need not wait until the lease of one that was killed
  /// has run out.
  struct GatewayHolders: Sendable {
    /// Of the run before; empty where there was none.
    let earlier: String
    private let path: String?

    /// - Parameter path: of the file that the lock is beside; `nil` where there is none.
    init(besides path: String?) {
      self.path = path.map { $0 + ".holder" }
      earlier = self.path.flatMap { try? String(contentsOfFile: $0, encoding: .utf8) } ?? ""
    }

    /// The holder of this run. Where it cannot be kept, the next run waits.
    func next(_ name: String) -> String {
      let holder = GatewayHolder.mint(name)
      if let path { try? Data(holder.utf8).write(to: URL(filePath: path), options: .atomic) }
      return holder
    }
  }
#endif
