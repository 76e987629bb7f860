internal import A64ISA
internal import EmuIR

// Cryptographic extensions. Schedules and logic are vector operations; rounds are helpers.
extension Translator {
    private mutating func call(_ helper: Helper, _ d: Int, _ a: Value, _ b: Value, _ c: Value) -> TranslationStep {
        ir.set(.v(d), ir.call(helper, a, b, c))
        return .next
    }

    // MARK: AES

    private mutating func aes(_ f: CryptoAES, mode: UInt64) -> TranslationStep {
        let isRound = mode < 2
        let state = V(isRound ? f.Rd : f.Rn)
        let key = isRound ? V(f.Rn) : vzero
        return call(.aes, f.Rd, state, key, ir.const(mode, .i32))
    }
    mutating func AESE(_ f: CryptoAES) -> TranslationStep { aes(f, mode: 0) }
    mutating func AESD(_ f: CryptoAES) -> TranslationStep { aes(f, mode: 1) }
    mutating func AESMC(_ f: CryptoAES) -> TranslationStep { aes(f, mode: 2) }
    mutating func AESIMC(_ f: CryptoAES) -> TranslationStep { aes(f, mode: 3) }

    // MARK: Shared shapes

    /// Each element rotated right by 1...(width - 1).
    private mutating func rotatedRight(_ value: Value, _ amount: Int, lane: Int) -> Value {
        let low = ir.vector(.vlshr, value, lane: lane, imm: amount)
        return ir.vector(.vor, low, ir.vector(.vshl, value, lane: lane, imm: (8 << lane) - amount))
    }
    /// ROR(x, first) EOR ROR(x, second) EOR x >> shift
    private mutating func scheduleSigma(_ x: Value, _ first: Int, _ second: Int, shift: Int, lane: Int) -> Value {
        let rotated = ir.vector(.vxor, rotatedRight(x, first, lane: lane), rotatedRight(x, second, lane: lane))
        return ir.vector(.vxor, rotated, ir.vector(.vlshr, x, lane: lane, imm: shift))
    }
    private mutating func xor(_ a: Value, _ b: Value, _ c: Value) -> Value {
        ir.vector(.vxor, ir.vector(.vxor, a, b), c)
    }

    // MARK: SHA-1

    mutating func SHA1C(_ f: CryptoThreeRegisterSHA) -> TranslationStep { sha1Rounds(f, variant: 0) }
    mutating func SHA1P(_ f: CryptoThreeRegisterSHA) -> TranslationStep { sha1Rounds(f, variant: 1) }
    mutating func SHA1M(_ f: CryptoThreeRegisterSHA) -> TranslationStep { sha1Rounds(f, variant: 2) }

    private mutating func sha1Rounds(_ f: CryptoThreeRegisterSHA, variant: UInt64) -> TranslationStep {
        let e = ir.ubfx(D(f.Rn), lsb: 0, width: 32)
        let d = V(f.Rd)
        return call(.sha1Rounds, f.Rd, d, ir.or(e, ir.const(variant << 32)), V(f.Rm))
    }
    mutating func SHA1SU0(_ f: CryptoThreeRegisterSHA) -> TranslationStep {
        let (d, m) = (V(f.Rd), V(f.Rm))
        let next = ir.vector(.vext, d, V(f.Rn), imm: 8)
        ir.set(.v(f.Rd), xor(next, d, m))
        return .next
    }
    /// The last word wants the first one's result.
    mutating func SHA1SU1(_ f: CryptoTwoRegisterSHA) -> TranslationStep {
        let zero = vzero
        let mixed = ir.vector(.vxor, V(f.Rd), ir.vector(.vext, V(f.Rn), zero, imm: 4))
        let words = rotatedRight(mixed, 31, lane: 2)
        let first = ir.vector(.vext, zero, rotatedRight(words, 31, lane: 2), imm: 4)
        ir.set(.v(f.Rd), ir.vector(.vxor, words, first))
        return .next
    }
    mutating func SHA1H(_ f: CryptoTwoRegisterSHA) -> TranslationStep {
        let word = ir.trunc(D(f.Rn), .i32)
        setV(f.Rd, ir.zext(ir.shift(.ror, word, by: 2), .i64))
        return .next
    }

    // MARK: SHA-256

    mutating func SHA256H(_ f: CryptoThreeRegisterSHA) -> TranslationStep { threeOperands(f, .sha256h) }
    mutating func SHA256H2(_ f: CryptoThreeRegisterSHA) -> TranslationStep { threeOperands(f, .sha256h2) }

    private mutating func threeOperands(_ f: CryptoThreeRegisterSHA, _ helper: Helper) -> TranslationStep {
        let (d, n, m) = (V(f.Rd), V(f.Rn), V(f.Rm))
        return call(helper, f.Rd, d, n, m)
    }
    mutating func SHA256SU0(_ f: CryptoTwoRegisterSHA) -> TranslationStep {
        let d = V(f.Rd)
        let next = ir.vector(.vext, d, V(f.Rn), imm: 4)
        let sigma = scheduleSigma(next, 7, 18, shift: 3, lane: 2)
        ir.set(.v(f.Rd), ir.vector(.vadd, d, sigma, lane: 2))
        return .next
    }
    /// The high two words want the low ones' results.
    mutating func SHA256SU1(_ f: CryptoThreeRegisterSHA) -> TranslationStep {
        let (d, n, m) = (V(f.Rd), V(f.Rn), V(f.Rm))
        let sums = ir.vector(.vadd, d, ir.vector(.vext, n, m, imm: 4), lane: 2)
        let zero = ir.const(0)
        let last = ir.pack128(lo: ir.hi64(m), hi: zero)
        let low = ir.vector(.vadd, sums, scheduleSigma(last, 17, 19, shift: 10, lane: 2), lane: 2)
        let first = ir.pack128(lo: zero, hi: ir.lo64(low))
        ir.set(.v(f.Rd), ir.vector(.vadd, low, scheduleSigma(first, 17, 19, shift: 10, lane: 2), lane: 2))
        return .next
    }

    // MARK: SHA-512

    mutating func SHA512H(_ f: CryptoThreeRegisterSHA512) -> TranslationStep { threeOperands(f, .sha512h) }
    mutating func SHA512H2(_ f: CryptoThreeRegisterSHA512) -> TranslationStep { threeOperands(f, .sha512h2) }

    private mutating func threeOperands(_ f: CryptoThreeRegisterSHA512, _ helper: Helper) -> TranslationStep {
        let (d, n, m) = (V(f.Rd), V(f.Rn), V(f.Rm))
        return call(helper, f.Rd, d, n, m)
    }
    mutating func SHA512SU0(_ f: CryptoTwoRegisterSHA512) -> TranslationStep {
        let d = V(f.Rd)
        let next = ir.vector(.vext, d, V(f.Rn), imm: 8)
        let sigma = scheduleSigma(next, 1, 8, shift: 7, lane: 3)
        ir.set(.v(f.Rd), ir.vector(.vadd, d, sigma, lane: 3))
        return .next
    }
    mutating func SHA512SU1(_ f: CryptoThreeRegisterSHA512) -> TranslationStep {
        let (d, n, m) = (V(f.Rd), V(f.Rn), V(f.Rm))
        let sigma = scheduleSigma(n, 19, 61, shift: 6, lane: 3)
        ir.set(.v(f.Rd), ir.vector(.vadd, ir.vector(.vadd, d, m, lane: 3), sigma, lane: 3))
        return .next
    }

    // MARK: SHA-3

    mutating func EOR3_advsimd(_ f: CryptoFourRegister) -> TranslationStep {
        let (n, m, a) = (V(f.Rn), V(f.Rm), V(f.Ra))
        ir.set(.v(f.Rd), xor(n, m, a))
        return .next
    }
    mutating func BCAX_advsimd(_ f: CryptoFourRegister) -> TranslationStep {
        let (n, m, a) = (V(f.Rn), V(f.Rm), V(f.Ra))
        ir.set(.v(f.Rd), ir.vector(.vxor, n, ir.vector(.vandNot, m, a)))
        return .next
    }
    mutating func RAX1(_ f: CryptoThreeRegisterSHA512) -> TranslationStep {
        let (n, m) = (V(f.Rn), V(f.Rm))
        ir.set(.v(f.Rd), ir.vector(.vxor, n, rotatedRight(m, 63, lane: 3)))
        return .next
    }
    mutating func XAR_advsimd(_ f: CryptoThreeRegisterImm6) -> TranslationStep {
        let n = V(f.Rn)
        let mixed = ir.vector(.vxor, n, V(f.Rm))
        ir.set(.v(f.Rd), f.imm6 == 0 ? mixed : rotatedRight(mixed, f.imm6, lane: 3))
        return .next
    }

    // MARK: SM3

    /// The highest word: ROL(ROL(n, 12) + m + a, 7).
    mutating func SM3SS1(_ f: CryptoFourRegister) -> TranslationStep {
        let words = [f.Rn, f.Rm, f.Ra].map { ir.trunc(ir.vextract(V($0), lane: 2, index: 3), .i32) }
        let sum = ir.add(ir.add(ir.shift(.ror, words[0], by: 20), words[1]), words[2])
        let word = ir.zext(ir.shift(.ror, sum, by: 25), .i64)
        ir.set(.v(f.Rd), ir.pack128(lo: ir.const(0), hi: ir.shift(.shl, word, by: 32)))
        return .next
    }
    mutating func SM3TT1A(_ f: CryptoThreeRegisterImm2) -> TranslationStep { sm3Round(f, variant: 0) }
    mutating func SM3TT1B(_ f: CryptoThreeRegisterImm2) -> TranslationStep { sm3Round(f, variant: 1) }
    mutating func SM3TT2A(_ f: CryptoThreeRegisterImm2) -> TranslationStep { sm3Round(f, variant: 2) }
    mutating func SM3TT2B(_ f: CryptoThreeRegisterImm2) -> TranslationStep { sm3Round(f, variant: 3) }

    private mutating func sm3Round(_ f: CryptoThreeRegisterImm2, variant: UInt64) -> TranslationStep {
        let (d, n) = (V(f.Rd), V(f.Rn))
        let word = ir.vextract(V(f.Rm), lane: 2, index: f.imm2)
        return call(.sm3Round, f.Rd, d, n, ir.or(word, ir.const(variant << 32)))
    }
    mutating func SM3PARTW1(_ f: CryptoThreeRegisterSHA512) -> TranslationStep { threeOperands(f, .sm3partw1) }
    mutating func SM3PARTW2(_ f: CryptoThreeRegisterSHA512) -> TranslationStep { threeOperands(f, .sm3partw2) }

    // MARK: SM4

    mutating func SM4E(_ f: CryptoTwoRegisterSHA512) -> TranslationStep {
        let (d, n) = (V(f.Rd), V(f.Rn))
        return call(.sm4, f.Rd, d, n, ir.const(0, .i32))
    }
    mutating func SM4EKEY(_ f: CryptoThreeRegisterSHA512) -> TranslationStep {
        let (n, m) = (V(f.Rn), V(f.Rm))
        return call(.sm4, f.Rd, n, m, ir.const(1, .i32))
    }
}
