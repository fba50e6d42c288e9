import GatewayCore
import NIOCore

/// One call that changes a ledger, as a value: for a model and for a real one.
enum LedgerStep {
  case open(Reservation)
  case takeOver(LeaseRequest)
  case extend(GrantExtension)
  case advance(Advance)
  case renew([LeaseRenewal])
  case complete(Completion)
  case fail(UploadKey, epoch: Int64, expiresAt: WallTime)
  case forget(UploadKey)
  case depart([UploadKey], UploadRecord.FileState)
  case prune(CompleteUploads)
  case retract(UploadKey, expiresAt: WallTime)
  case dropWindows(before: WallTime)
  case release(UploadKey, epoch: Int64)

  enum Answer: Equatable {
    case leased(Lease)
    case granted(Int64)
    case departed([UploadKey])
    case pruned(Int)
    case done
    case failure(LedgerError)
    /// In words of the engine's own.
    case engineFailure
  }

  static let routes = ["/files", "/other"]

  func perform(on ledger: any Ledger) async -> Answer {
    do {
      switch self {
      case .open(let reservation):
        return .leased(try await ledger.opened(reservation))
      case .takeOver(let request):
        return .leased(try await ledger.tookOver(request))
      case .extend(let asked):
        return .granted(try await ledger.extend(asked, on: anyLoop).get())
      case .advance(let advance):
        try await ledger.advance(advance, on: anyLoop).get()
      case .renew(let renewals):
        try await ledger.renewed(renewals)
      case .complete(let completion):
        try await ledger.complete(completion, on: anyLoop).get()
      case .fail(let key, let epoch, let expiresAt):
        try await ledger.failed(key, epoch: epoch, expiresAt: expiresAt)
      case .depart(let keys, let file):
        return .departed(try await ledger.depart(keys, file, on: anyLoop).get())
      case .prune(let old):
        return .pruned(try await ledger.prune(old, on: anyLoop).get())
      case .forget(let key):
        try await ledger.forgotten(key)
      case .retract(let key, let expiresAt):
        try await ledger.retracted(key, expiresAt: expiresAt)
      case .dropWindows(let start):
        try await ledger.dropWindows(before: start, on: anyLoop).get()
      case .release(let key, let epoch):
        try await ledger.released(key, epoch: epoch)
      }
      return .done
    } catch LedgerError.engine {
      return .engineFailure
    } catch let error as LedgerError {
      return .failure(error)
    } catch {
      return .engineFailure
    }
  }

  /// Mostly sensible, sometimes late, mistaken or greedy.
  static func random(in model: LedgerModel, using random: inout SeededGenerator) -> LedgerStep {
    // Sorted, or the order of the dictionary would make every run another one.
    let open = model.open.values.map(\.record).sorted { $0.key.text < $1.key.text }
    let isMistaken = Int.random(in: 0..<8, using: &random) == 0
    let done = isMistaken ? open.first?.key : model.done.keys.min { $0.text < $1.text }
    let failed = model.failed.values.min { $0.key.text < $1.key.text }
    let target =
      isMistaken ? Bool.random(using: &random) ? failed?.key : model.lastDone : open.randomElement(using: &random)?.key
    let record = target.flatMap { model.open[$0]?.record }
    let key = target ?? minted(using: &random)
    let epoch = (record?.epoch ?? 1) - (Int.random(in: 0..<10, using: &random) == 0 ? 1 : 0)
    let committed = record?.committed ?? 0
    let granted = record?.granted ?? 0
    let time = WallTime(milliseconds: .random(in: 1...1_000_000, using: &random))
    switch Int.random(in: 0..<20, using: &random) {
    case 0...2:
      return .open(reservation(key: isMistaken ? key : minted(using: &random), using: &random))
    case 3...4:
      let isLate = Int.random(in: 0..<3, using: &random) == 0
      return .takeOver(
        LeaseRequest(
          key: key, holder: "gateway-2", quotas: quotas(using: &random), wanted: .random(in: 0...400, using: &random),
          lateTotal: isLate ? .random(in: isMistaken ? 0...400 : committed...max(committed, 400), using: &random) : nil,
          digest: digest(using: &random), expiresAt: time))
    case 5...6:
      let to = isMistaken ? Int64.random(in: 0...500, using: &random) : .random(in: committed...granted, using: &random)
      return .advance(
        Advance(
          key: key, epoch: epoch, from: isMistaken ? to : committed, to: to, expiresAt: time,
          storeState: Bool.random(using: &random) ? "at \(to)" : nil, endsLease: Bool.random(using: &random)))
    case 7...8:
      let size = record?.facts.total ?? .random(in: committed...granted + 2, using: &random)
      let charged = Bool.random(using: &random) ? size : .random(in: -5...size + 5, using: &random)
      return .complete(
        Completion(
          key: key, epoch: epoch, size: size, charged: charged, digest: digest(using: &random), at: time))
    case 14:
      let records = open.shuffled(using: &random).prefix(3)
      return .renew(records.map { LeaseRenewal(key: $0.key, epoch: isMistaken ? 0 : $0.epoch, expiresAt: time) })
    case 15:
      // As a gateway does that did not hear the first answer.
      guard let key = model.lastDone, let done = model.done[key]?.record else { return .release(key, epoch: epoch) }
      return .complete(
        Completion(
          key: key, epoch: done.epoch + (Bool.random(using: &random) ? 0 : 1),
          size: done.committed + (isMistaken ? 1 : 0), charged: .random(in: 0...400, using: &random),
          digest: digest(using: &random), at: time))
    case 16...17:
      return .extend(
        GrantExtension(
          key: key, epoch: epoch, quotas: quotas(using: &random), end: .random(in: 0...granted + 300, using: &random)))
    case 18:
      let keys = model.done.keys.sorted { $0.text < $1.text }.shuffled(using: &random).prefix(3) + [key]
      return .depart(Array(keys), Bool.random(using: &random) ? .gone : .leaving)
    case 19:
      // All of one moment, or the order among them would matter.
      return .prune(
        CompleteUploads(
          route: routes.randomElement(using: &random) ?? "", file: Bool.random(using: &random) ? .gone : .leaving,
          before: WallTime(milliseconds: .random(in: 1...200_000, using: &random)), limit: 1000))
    case 10: return .fail(key, epoch: epoch, expiresAt: time)
    case 11:
      return Bool.random(using: &random) ? .forget(done ?? key) : .retract(done ?? key, expiresAt: time)
    case 12: return .dropWindows(before: WallTime(milliseconds: .random(in: 0...130_000, using: &random)))
    case 13:
      guard let failed else { return .release(key, epoch: epoch) }
      return .release(failed.key, epoch: failed.epoch - (isMistaken ? 1 : 0))
    default:
      return .release(key, epoch: epoch)
    }
  }

  private static func reservation(key: UploadKey, using random: inout SeededGenerator) -> Reservation {
    let wanted = Int64.random(in: 0...300, using: &random)
    let facts = UploadFacts(
      key: key, route: routes.randomElement(using: &random) ?? "", owner: "token:ada",
      subject: ["address:a", "token:ada"].randomElement(using: &random) ?? "", format: .text,
      label: Bool.random(using: &random) ? "a name" : nil,
      metadata: Bool.random(using: &random) ? ["type": "text/plain", "\(wanted)": "\u{0}\"Grüße\""] : [:],
      digest: digest(using: &random), total: Bool.random(using: &random) ? wanted : nil,
      createdAt: WallTime(milliseconds: .random(in: 1...1_000_000, using: &random)))
    return Reservation(
      facts: facts, wanted: wanted, takesPart: Bool.random(using: &random), quotas: quotas(using: &random),
      unfinishedLimit: .random(in: 5...25, using: &random), clientUnfinishedLimit: .random(in: 4...20, using: &random),
      holder: "gateway-1", expiresAt: WallTime(milliseconds: .random(in: 1...1_000_000, using: &random)),
      storeState: Bool.random(using: &random) ? "at the offer" : nil)
  }

  /// The route's own always; a client's mostly. Caps go up and down.
  private static func quotas(using random: inout SeededGenerator) -> [QuotaCap] {
    var quotas: [QuotaCap] = [.route(.random(in: 0...200_000, using: &random))]
    if Int.random(in: 0..<4, using: &random) > 0 {
      let subject = ["address:a", "address:b", "token:ada"].randomElement(using: &random) ?? ""
      let window = ([0, 60_000, 120_000] as [Int64]).randomElement(using: &random) ?? 0
      quotas.append(.client(subject, .random(in: 0...60_000, using: &random), window: window))
    }
    if Int.random(in: 0..<4, using: &random) == 0 {
      quotas.append(.client("", .random(in: 0...60_000, using: &random), window: 60_000, length: 60_000))
    }
    return quotas
  }

  private static func digest(using random: inout SeededGenerator) -> ContentDigest? {
    guard Int.random(in: 0..<3, using: &random) == 0 else { return nil }
    return ContentDigest(bytes: Array(repeating: .random(in: 0...255, using: &random), count: 32))
  }

  private static func minted(using random: inout SeededGenerator) -> UploadKey {
    UploadKey("model-key-\(UInt64.random(in: 1_000_000_000 ... .max, using: &random))") ?? .mint()
  }
}
