import GatewayCore
import Ledgers
import Testing

@testable import Forwarders
@testable import GatewayServer

@Suite("Whether a folder is the store that the ledger knows") struct StoreJudgeTests {
  private static let mark = StoreMark(id: "store", ledger: "ledger", route: "/in", ledgerPath: "/state/ledger.sqlite")

  private static func look(_ mark: StoreMark?, isStore: Bool = true, unfinished: Set<String> = []) -> StoreLook {
    var look = StoreLook()
    look.isStore = isStore
    look.mark = mark
    look.unfinished = unfinished
    return look
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var look: StoreLook
    var ledgerID: String? = "ledger"
    var stores: [KnownStore] = []
    var routes: Set<String> = ["/in"]
    var holding = StoreJudge.Holdings()
    /// `nil` for a mistake.
    var expected: StoreJudge.Verdict?
    /// Words that a mistake must have.
    var words: [String] = []
  }

  private static let known = KnownStore(route: "/in", id: "store", directory: "/disk")
  private static let strangersMark = StoreMark(
    id: "store", ledger: "other", route: "/in", ledgerPath: "/else/ledger.sqlite")

  private static var damagedLook: StoreLook {
    var damaged = look(nil)
    damaged.markFault = "the mark is damaged"
    return damaged
  }

  static let cases: [Case] = [
    Case(testDescription: "a first start, with no folder", look: look(nil, isStore: false), expected: .new),
    Case(
      testDescription: "a first start, with no ledger", look: look(nil, isStore: false), ledgerID: nil, expected: .new),
    Case(testDescription: "an empty store without a mark", look: look(nil), expected: .new),
    Case(
      testDescription: "both know each other", look: look(mark), stores: [known],
      expected: .known(mark, isNoted: true)),
    Case(
      testDescription: "the store is elsewhere now", look: look(mark),
      stores: [KnownStore(route: "/in", id: "store", directory: "/old")], expected: .known(mark, isNoted: false)),
    Case(
      testDescription: "the disk is away, and its mount point is there", look: look(nil, isStore: false),
      stores: [known], words: ["is no store", "Mount its disk", "sluice store adopt --config FILE --route /in"]),
    Case(
      testDescription: "an empty store is in its place", look: look(nil), stores: [known],
      holding: .init(hasAny: true), words: ["no mark", "Mount its disk"]),
    Case(
      testDescription: "another folder, of a route that had no upload", look: look(nil, isStore: false),
      stores: [KnownStore(route: "/in", id: "store", directory: "/old")], expected: .new),
    Case(
      testDescription: "another folder, of a route that had some", look: look(nil, isStore: false),
      stores: [KnownStore(route: "/in", id: "store", directory: "/old")], holding: .init(hasAny: true),
      words: ["/old", "set `directory` right"]),
    Case(
      testDescription: "the ledger is away", look: look(mark), ledgerID: nil,
      words: ["which is not there", "/state/ledger.sqlite", "`state`"]),
    Case(
      testDescription: "the ledger is another one", look: look(strangersMark), stores: [known],
      words: ["another ledger", "/else/ledger.sqlite", "stop the other gateway"]),
    Case(
      testDescription: "the store is that of another route", look: look(mark),
      stores: [
        KnownStore(route: "/in", id: "mine", directory: "/mine"),
        KnownStore(route: "/out", id: "store", directory: "/disk"),
      ], routes: ["/in", "/out"], words: ["/mine", "of /out"]),
    Case(
      testDescription: "a copy of another route's store", look: look(mark),
      stores: [KnownStore(route: "/out", id: "store", directory: "/orig")], routes: ["/in", "/out"],
      words: ["copy", "/out"]),
    Case(
      testDescription: "its route is called otherwise now", look: look(mark),
      stores: [KnownStore(route: "/out", id: "store", directory: "/disk")],
      expected: .known(mark, isNoted: false)),
    Case(
      testDescription: "killed between the mark and the ledger's note of it", look: look(mark),
      expected: .known(mark, isNoted: false)),
    Case(
      testDescription: "an older copy of the ledger", look: look(mark), holding: .init(strangers: 1),
      words: ["older copy"]),
    Case(
      testDescription: "an older release's, as it was left", look: look(nil), holding: .init(hasAny: true),
      expected: .new),
    Case(
      testDescription: "an older release's, with remains of a crash", look: look(nil),
      holding: .init(hasAny: true, strangers: 2), expected: .new),
    Case(
      testDescription: "an older release's, whose disk is away", look: look(nil, isStore: false),
      holding: .init(hasAny: true), words: ["is no store", "Mount its disk"]),
    Case(
      testDescription: "an older release's, whose disk is another", look: look(nil),
      holding: .init(hasAny: true, missing: 3), words: ["3 unfinished", "Mount its disk"]),
    Case(
      testDescription: "an older release's, whose ledger is away", look: look(nil), holding: .init(strangers: 2),
      words: ["2 unfinished", "`state`"]),
    Case(
      testDescription: "a mark that cannot be read",
      look: damagedLook, stores: [known], words: ["the mark is damaged", "sluice store adopt"]),
  ]

  @Test("is judged by what each knows of the other", arguments: cases)
  func judges(_ test: Case) throws {
    let judge = StoreJudge(
      route: "/in", directory: "/disk", ledgerPath: "/state/ledger.sqlite", ledgerID: test.ledgerID,
      stores: test.stores, routes: test.routes)
    let verdict = judge.verdict(on: test.look, holding: test.holding)
    if let expected = test.expected {
      #expect(verdict == expected)
      return
    }
    guard case .mistaken(let words) = verdict else {
      Issue.record("\(verdict)")
      return
    }
    for word in test.words + ["/disk", "/in"] { #expect(words.contains(word), "\(words)") }
  }
}
