/// What a front may tell clients of a route before they ask for anything.
package struct RouteTerms: Sendable {
  /// What may come in; never empty.
  package let formats: [DataFormat]
  /// The largest upload, in bytes.
  package let largestUpload: Int64
  /// How long an unfinished upload is kept when its client is gone.
  package let keptFor: Duration
  /// What becomes of the bytes.
  package let traits: ForwarderTraits

  init(_ runtime: RouteRuntime) {
    formats = runtime.route.formats
    largestUpload = runtime.route.limits.upload
    keptFor = runtime.route.resumeFor
    traits = runtime.traits
  }
}

extension Gateway {
  /// The paths of all routes.
  package var routePaths: [String] { gatekeeper.paths }

  /// What may be told of a route; `nil` where there is none.
  package func terms(of route: String) -> RouteTerms? { gatekeeper.terms[route] }

  /// Whether a client may use a route at all.
  ///
  /// - Throws: ``Refusal/noRoute`` or ``Refusal/unauthorized``.
  package func authorize(_ access: AccessRequest) throws(Refusal) {
    do throws(Refusal) {
      _ = try gatekeeper.recognise(access, at: settings.now())
    } catch {
      throw refuse(access, error)
    }
  }

  /// When an upload that is left now is dropped, in seconds since 1970.
  package func expirySeconds(of terms: RouteTerms) -> Int64 {
    settings.now().advanced(byMilliseconds: terms.keptFor.milliseconds).milliseconds / 1000
  }
}
