#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// SplitMix64: pseudo-random numbers that the same seed repeats (Steele, Lea and Flood, 2014).
struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  /// The numbers of one of many independent series of a seed.
  init(seed: UInt64, series: UInt64) {
    var mixer = SeededRandom(seed: seed)
    var other = SeededRandom(seed: mixer.next() ^ series)
    state = other.next()
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// From 0 to below 1.
  mutating func unit() -> Double { Double(next() >> 11) / Double(1 << 53 as UInt64) }

  /// Exponentially distributed with a mean of 1.
  mutating func exponential() -> Double { -log(1 - unit()) }

  /// Normally distributed around 0 with a deviation of 1 (Box and Muller, 1958).
  mutating func normal() -> Double { (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit()) }
}

/// e to the power of `power`.
func exponential(_ power: Double) -> Double { exp(power) }
