import CHost
import TestSupport
import Testing

/// The helpers with host instructions and without them. Known answers are the guest program cryptography's.
@Suite struct CryptographicHelperTests {
    private static func vectors(_ count: Int) -> [nt_vec] {
        var generator = SplitMix64(seed: 99)
        return (0..<count).map { n in
            n == 0 ? nt_vec(0, 0) : n == 1 ? nt_vec(.max, .max) : nt_vec(generator.next(), generator.next())
        }
    }

    @Test(arguments: [0, 1, 2, 3] as [UInt32])
    func aes(mode: UInt32) {
        let vectors = Self.vectors(40)
        for a in vectors {
            for b in vectors { #expect(nt_helper_aes(nil, a, b, mode) == nt_portable_aes(a, b, mode)) }
        }
    }

    @Test func carrylessProduct() {
        let vectors = Self.vectors(40)
        for a in vectors {
            for b in vectors {
                #expect(nt_helper_polynomial_multiply(nil, a, b, 2) == nt_portable_polynomial_multiply(a, b, 2))
            }
        }
        // (x^63 + 1)(x + 1)
        #expect(nt_portable_polynomial_multiply(nt_vec(1 << 63 | 1, 0), nt_vec(3, 0), 2) == nt_vec(1 << 63 | 3, 1))
    }

    @Test func sha256() {
        let vectors = Self.vectors(12)
        for a in vectors {
            for b in vectors {
                for c in vectors {
                    #expect(nt_helper_sha256h(nil, a, b, c) == nt_portable_sha256(a, b, c, 0))
                    #expect(nt_helper_sha256h2(nil, b, a, c) == nt_portable_sha256(a, b, c, 1))
                }
            }
        }
    }
}
