import CHost
import TestSupport
import Testing

/// QARMA5 and the layout of signed pointers. What instructions do is the guest program pauth's.
@Suite struct PointerAuthenticationTests {
    /// R. Avanzi, "The QARMA Block Cipher Family" (2017), test vectors of QARMA-64: S-box sigma2, five rounds. The paper's w0 is K0.
    @Test func publishedVector() {
        let text: UInt64 = 0xfb62_3599_da6e_8127
        let tweak: UInt64 = 0x477d_469d_ec0b_8762
        let w0: UInt64 = 0x84be_85ce_9804_e94b
        let k0: UInt64 = 0xec28_02d4_e0a4_88e9
        #expect(nt_qarma5(text, tweak, w0, k0) == 0xc003_b939_99b3_3765)
        #expect(nt_portable_qarma5(text, tweak, w0, k0) == 0xc003_b939_99b3_3765)
    }

    @Test func formsAreEqual() {
        var generator = SplitMix64(seed: 5)
        for bit in 0..<256 {
            var words: [UInt64] = [0, 0, 0, 0]
            words[bit / 64] = 1 << UInt64(bit % 64)
            #expect(
                nt_qarma5(words[0], words[1], words[2], words[3]) == nt_portable_qarma5(words[0], words[1], words[2], words[3]))
        }
        for _ in 0..<2000 {
            let (a, b, c, d) = (generator.next(), generator.next(), generator.next(), generator.next())
            #expect(nt_qarma5(a, b, c, d) == nt_portable_qarma5(a, b, c, d))
        }
    }

    /// A vCPU's memory up to its scoreboards, with random keys.
    private final class Keys {
        let cpu: UnsafeMutablePointer<nt_cpu>
        private let memory = UnsafeMutableRawPointer.allocate(byteCount: Int(NT_SCOREBOARD_OFFSET), alignment: 4096)
        private(set) var keys: [(lo: UInt64, hi: UInt64)] = []

        init() {
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: Int(NT_SCOREBOARD_OFFSET))
            cpu = memory.assumingMemoryBound(to: nt_cpu.self)
            change(seed: 1)
        }
        deinit { memory.deallocate() }

        func change(seed: UInt64) {
            var generator = SplitMix64(seed: seed)
            keys = (0..<5).map { _ in (generator.next(), generator.next()) }
            withUnsafeMutablePointer(to: &cpu.pointee.pac_keys) {
                $0.withMemoryRebound(to: nt_v128.self, capacity: 5) {
                    for n in 0..<5 { $0[n] = nt_v128(lo: keys[n].lo, hi: keys[n].hi) }
                }
            }
            nt_pac_keys_changed(cpu)
        }
    }

    /// AddPAC with FEAT_PAuth2: the code is added to the field by exclusive or; bit 55 and what TBI ignores stay.
    @Test func signsTheFieldOnly() {
        let machine = Keys()
        var generator = SplitMix64(seed: 6)
        for round in 0..<4000 {
            if round == 2000 { machine.change(seed: 2) }
            let pointer = generator.next()
            let modifier = generator.next()
            let isUpper = pointer >> 55 & 1 != 0
            let field: UInt64 = isUpper ? 0xff7f << 48 : 0x7f << 48
            let extended = isUpper ? pointer | field : pointer & ~field
            for key in 0..<4 {
                let pac = nt_portable_qarma5(extended, modifier, machine.keys[key].hi, machine.keys[key].lo)
                let signed = nt_helper_pac_sign(machine.cpu, pointer, modifier, UInt32(key))
                #expect(signed == pointer ^ pac & field)
                // A pointer that was no extension of bit 55 can be signed, but does not authenticate.
                if pointer == extended {
                    #expect(nt_helper_pac_authenticate(machine.cpu, signed, modifier, UInt32(key)) == pointer)
                }
            }
            let code = nt_portable_qarma5(pointer, modifier, machine.keys[4].hi, machine.keys[4].lo)
            #expect(nt_helper_pac_generic(machine.cpu, pointer, modifier) == code & 0xffff_ffff_0000_0000)
        }
    }

    /// The second of two equal questions is answered from memory; other pointers that share its place must not be.
    @Test func remembersExactly() {
        let machine = Keys()
        for pass in 0..<2 {
            for n in 0..<2048 {
                let pointer = UInt64(n) << 2 | UInt64(n % 3)
                let modifier = UInt64(n / 7) << 3
                let key = n % 4
                let pac = nt_portable_qarma5(pointer, modifier, machine.keys[key].hi, machine.keys[key].lo)
                #expect(
                    nt_helper_pac_sign(machine.cpu, pointer, modifier, UInt32(key)) == pointer ^ pac & 0x7f << 48, "pass \(pass)")
            }
        }
    }

    @Test func disabledKeysDoNothing() {
        let machine = Keys()
        machine.cpu.pointee.pac_disabled = 0b0101
        for key in 0..<4 as Range<UInt32> {
            let isDisabled = key == 0 || key == 2
            #expect((nt_helper_pac_sign(machine.cpu, 0x1234_5678, 9, key) == 0x1234_5678) == isDisabled)
            if isDisabled { #expect(nt_helper_pac_authenticate(machine.cpu, 0x7f << 48, 9, key) == 0x7f << 48) }
        }
    }
}
