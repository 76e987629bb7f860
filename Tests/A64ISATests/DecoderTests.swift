import A64ISA
import TestSupport
import Testing

/// Words that LLVM's assembler made of the text beside them.
@Suite struct DecoderTests {
    @Test(arguments: [
        (0x9100_0420 as UInt32, "ADD_imm", "add x0, x1, #1"),
        (0x6b04_1462, "SUBS_addsub_shift", "subs w2, w3, w4, lsl #5"),
        (0x9ac7_08c5, "UDIV", "udiv x5, x6, x7"),
        (0x5400_0081, "B_cond", "b.ne #16"),
        (0xd400_0001, "SVC", "svc #0"),
        (0xd503_201f, "NOP", "nop"),
        (0xd53b_d049, "MRS", "mrs x9, tpidr_el0"),
        (0x0000_0000, "UDF", "udf #0"),
        (0x1e62_2820, "FADD_float", "fadd d0, d1, d2"),
        (0x1f05_1883, "FMADD_float", "fmadd s3, s4, s5, s6"),
        (0x1e63_c107, "FCVT_float", "fcvt h7, d8"),
        (0x9eae_0149, "FMOV_float_gen_top", "fmov x9, v10.d[1]"),
        (0x1e42_e441, "SCVTF_float_fix", "scvtf d1, w2, #7"),
        (0x1e20_2138, "FCMPE_float", "fcmpe s9, #0.0"),
        (0x1e6f_1003, "FMOV_float_imm", "fmov d3, #1.5"),
        (0x1e23_bc41, "FCSEL_float", "fcsel s1, s2, s3, lt"),
        (0x4e28_4820, "AESE", "aese v0.16b, v1.16b"),
        (0x5e04_4062, "SHA256H", "sha256h q2, q3, v4.4s"),
        (0xce03_1041, "EOR3_advsimd", "eor3 v1.16b, v2.16b, v3.16b, v4.16b"),
        (0xce83_2441, "XAR_advsimd", "xar v1.2d, v2.2d, v3.2d, #9"),
        (0x6e14_24c5, "INS_advsimd_elt", "mov v5.s[2], v6.s[1]"),
        (0x0e07_3d07, "UMOV_advsimd", "umov w7, v8.b[3]"),
        (0x4e04_2041, "TBL_advsimd", "tbl v1.16b, {v2.16b, v3.16b}, v4.16b"),
        (0x4e83_3841, "ZIP1_advsimd", "zip1 v1.4s, v2.4s, v3.4s"),
        (0x2e03_1841, "EXT_advsimd", "ext v1.8b, v2.8b, v3.8b, #3"),
        (0x4ee3_8441, "ADD_advsimd", "add v1.2d, v2.2d, v3.2d"),
        (0x4f83_1841, "FMLA_advsimd_elt", "fmla v1.4s, v2.4s, v3.s[2]"),
        (0x4e43_0c41, "FMLA_advsimd_vec_fp16", "fmla v1.8h, v2.8h, v3.8h"),
        (0x4e63_d041, "SQDMULL_advsimd_vec", "sqdmull2 v1.4s, v2.8h, v3.8h"),
        (0x2f0b_a441, "USHLL_advsimd", "ushll v1.8h, v2.8b, #3"),
        (0x5f44_0441, "SSHR_advsimd_scalar", "sshr d1, d2, #60"),
        (0x4f00_2641, "MOVI_advsimd_32", "movi v1.4s, #0x12, lsl #8"),
        (0x6f00_9641, "BIC_advsimd_imm_16", "bic v1.8h, #0x12"),
        (0x4e31_b841, "ADDV_advsimd", "addv b1, v2.16b"),
        (0x6e83_dc41, "FCMLA_advsimd_vec", "fcmla v1.4s, v2.4s, v3.4s, #270"),
        (0x4e83_9c41, "USDOT_advsimd_vec", "usdot v1.4s, v2.16b, v3.16b"),
        (0x7e70_d841, "FADDP_advsimd_pair", "faddp d1, v2.2d"),
        (0x5ee0_8841, "CMGT_advsimd_zero_scalar", "cmgt d1, d2, #0"),
        (0x0ea1_6841, "BFCVTN_advsimd", "bfcvtn v1.4h, v2.4s"),
    ])
    func decodes(_ word: UInt32, to name: String, _ text: String) {
        #expect(decodeA64(word)?.row.name == name, "\(text)")
    }

    /// Reserved forms inside allocated classes.
    @Test(arguments: [
        (0x0ee3_8441 as UInt32, "ADD with 64-bit elements in a 64-bit vector"),
        (0x1ea2_2820, "FADD with ftype 2"),
        (0x0e08_3c41, "UMOV of a 64-bit element to a W register"),
        (0x2e03_4041, "EXT of 64 bits from byte 8 on"),
        (0x2f40_1841, "FCMLA by element, half precision, H = 1 in a 64-bit vector"),
        (0x4e22_b400, "SQDMULH of bytes"),
        (0xffff_ffff, "all ones"),
    ])
    func rejects(_ word: UInt32, _ why: String) {
        #expect(decodeA64(word) == nil, "\(why)")
    }

    @Test func fieldsAreCutFromTheWord() {
        let add = AddSubImmediate(word: 0xb17f_fc41)  // adds x1, x2, #0xfff, lsl #12
        #expect((add.sf, add.op, add.S, add.sh) == (1, 0, 1, 1))
        #expect((add.imm12, add.Rn, add.Rd) == (0xfff, 2, 1))
        let madd = FloatDataProcessing3Source(word: 0x1f05_1883)
        #expect((madd.ftype, madd.o1, madd.Rm, madd.o0) == (0, 0, 5, 0))
        #expect((madd.Ra, madd.Rn, madd.Rd) == (6, 4, 3))
        let fmla = SIMDIndexed(word: 0x4f83_1841)
        #expect((fmla.Q, fmla.U, fmla.size, fmla.L, fmla.M, fmla.Rm) == (1, 0, 2, 0, 0, 3))
        #expect((fmla.opcode, fmla.H, fmla.Rn, fmla.Rd) == (1, 1, 2, 1))
    }

    /// Each row's words decode to the row, or to a row with priority over it.
    @Test func everyRowIsReached() {
        var random = SplitMix64(seed: 1)
        for row in A64Encoding.rows {
            var reached = false
            for _ in 0..<400 {
                guard let word = row.word(filling: random.word()) else { continue }
                guard let found = decodeA64(word) else {
                    Issue.record("\(row.name): \(hex(word)) decodes to nothing")
                    continue
                }
                if found == row.encoding { reached = true }
                #expect(found.rawValue <= row.encoding.rawValue, "\(row.name): \(hex(word)) decodes to \(found)")
                #expect(found.row.matches(word), "\(hex(word)) is no \(found)")
            }
            #expect(reached, "\(row.name) is hidden by other rows")
        }
    }

    /// The nested switches agree with trying the rows one after the other.
    @Test func switchesAgreeWithTheTable() {
        var random = SplitMix64(seed: 2)
        for index in 0..<40_000 {
            var word = random.word()
            if index % 2 == 0, let near = A64Encoding.rows[index / 2 % A64Encoding.rows.count].word(filling: word) {
                word = near ^ (1 << (random.word() & 31))
            }
            let expected = A64Encoding.rows.first { $0.matches(word) }?.encoding
            #expect(decodeA64(word) == expected, "\(hex(word))")
        }
    }

    @Test func rowsStandAtTheirNumber() {
        #expect(A64Encoding.rows.map(\.encoding) == A64Encoding.allCases)
    }

    @Test func coverageCountsEveryFormOnce() {
        let coverage = A64Coverage.perHeading()
        let forms = A64Encoding.rows.reduce(0) { $0 + 1 + $1.conditions.count }
        #expect(forms > A64Encoding.rows.count)
        #expect(coverage.reduce(0) { $0 + $1.listed } == forms)
        #expect(coverage.allSatisfy { $0.implemented <= $0.listed })
        #expect(Set(coverage.map(\.heading)).count == coverage.count)
    }
}
