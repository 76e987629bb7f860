internal import A64ISA
internal import EmuIR

// AdvSIMD load/store multiple and single structures.
extension Translator {
    mutating func loadStoreMultiple(_ f: LoadStoreMultiple) -> TranslationStep {
        multiple(Q: f.Q, L: f.L, opcode: f.opcode, size: f.size, Rn: f.Rn, Rt: f.Rt, Rm: nil)
    }
    mutating func loadStoreMultiplePost(_ f: LoadStoreMultiplePost) -> TranslationStep {
        multiple(Q: f.Q, L: f.L, opcode: f.opcode, size: f.size, Rn: f.Rn, Rt: f.Rt, Rm: f.Rm)
    }

    private mutating func multiple(Q: Int, L: Int, opcode: Int, size: Int, Rn: Int, Rt: Int, Rm: Int?) -> TranslationStep {
        // (registers moved in sequence, structure elements)
        let (repeats, elements): (Int, Int)
        switch opcode {
        case 0b0000: (repeats, elements) = (1, 4)
        case 0b0010: (repeats, elements) = (4, 1)
        case 0b0100: (repeats, elements) = (1, 3)
        case 0b0110: (repeats, elements) = (3, 1)
        case 0b0111: (repeats, elements) = (1, 1)
        case 0b1000: (repeats, elements) = (1, 2)
        default: (repeats, elements) = (2, 1)
        }
        if size == 3, Q == 0, elements != 1 { return undefined() }
        let base = XSP(Rn)
        let registers = repeats * elements
        let bytes = Q != 0 ? 16 : 8
        let place = effectiveAddress(base, 0)
        if elements == 1 {
            sequence(place, registers: registers, bytes: bytes, isLoad: L != 0, Rt: Rt)
        } else {
            interleaved(place, registers: registers, bytes: bytes, size: size, isLoad: L != 0, Rt: Rt)
        }
        postIndex(base, Rn: Rn, Rm: Rm, bytes: registers * bytes)
        return .next
    }

    /// Adds the register, or for Rm = 31 the number of bytes moved.
    private mutating func postIndex(_ base: Value, Rn: Int, Rm: Int?, bytes: Int) {
        guard let Rm else { return }
        let amount = Rm == 31 ? ir.const(UInt64(bytes)) : X(Rm)
        let next = ir.add(base, amount)
        setXSP(Rn, next)
    }

    /// LD1 and ST1 of several registers: whole registers one after the other.
    private mutating func sequence(
        _ place: (base: Value, offset: Int64), registers: Int, bytes: Int, isLoad: Bool, Rt: Int
    ) {
        let size = bytes == 16 ? 4 : 3
        // Observers are told of pieces of 8 bytes.
        let flags: MemFlags = size == 4 && config.observesElements ? .halves : []
        if isLoad {
            var values: [Value] = []
            for k in 0..<registers {
                let offset = place.offset + Int64(k * bytes)
                values.append(ir.load(place.base, offset: offset, size: size, size == 4 ? .i128 : .i64, flags))
            }
            for (k, value) in values.enumerated() { setV((Rt + k) & 31, value) }
        } else {
            for k in 0..<registers {
                let n = (Rt + k) & 31
                let value = size == 4 ? V(n) : D(n)
                ir.store(place.base, offset: place.offset + Int64(k * bytes), value, size: size, flags)
            }
        }
    }

    /// LD2...LD4, ST2...ST4: element by element in memory order, as observers see it.
    private mutating func interleaved(
        _ place: (base: Value, offset: Int64), registers: Int, bytes: Int, size: Int, isLoad: Bool, Rt: Int
    ) {
        let lanes = bytes >> size
        if isLoad, registers != 3, !config.observesElements {
            deinterleaved(place, registers: registers, bytes: bytes, size: size, Rt: Rt)
        } else if isLoad {
            var values: [Value] = []
            for _ in 0..<registers { values.append(ir.vconst(lo: 0, hi: 0)) }
            for lane in 0..<lanes {
                for k in 0..<registers {
                    let at = Int64((lane * registers + k) << size)
                    let element = ir.load(place.base, offset: place.offset + at, size: size, .i64)
                    values[k] = ir.vinsert(values[k], element, lane: size, index: lane)
                }
            }
            for (k, value) in values.enumerated() { setV((Rt + k) & 31, value) }
        } else {
            for lane in 0..<lanes {
                for k in 0..<registers {
                    let vector = V((Rt + k) & 31)
                    let element = ir.vextract(vector, lane: size, index: lane)
                    let at = Int64((lane * registers + k) << size)
                    ir.store(place.base, offset: place.offset + at, element, size: size)
                }
            }
        }
    }

    /// LD2, LD4 by whole vectors, when nobody counts accesses. Stores stay as they are: what a fault has let through shows.
    private mutating func deinterleaved(
        _ place: (base: Value, offset: Int64), registers: Int, bytes: Int, size: Int, Rt: Int
    ) {
        var vectors = (0..<registers * bytes / 16).map { n in
            ir.load(place.base, offset: place.offset + Int64(n * 16), size: 4, .i128)
        }
        // One vector is its own neighbour: of what comes out the low half counts.
        func neighbours(_ list: [Value]) -> [(Value, Value)] {
            list.count == 1 ? [(list[0], list[0])] : stride(from: 0, to: list.count, by: 2).map { (list[$0], list[$0 + 1]) }
        }
        if registers == 4 {
            let pairs = neighbours(vectors)
            let even = pairs.map { ir.vector(.vuzp1, $0.0, $0.1, lane: size) }
            let odd = pairs.map { ir.vector(.vuzp2, $0.0, $0.1, lane: size) }
            vectors = even + odd
            let half = even.count
            for (k, list) in [Array(vectors[..<half]), Array(vectors[half...])].enumerated() {
                let (a, b) = neighbours(list)[0]
                setV((Rt + k) & 31, ir.vector(.vuzp1, a, b, lane: size), Q: bytes == 16 ? 1 : 0)
                setV((Rt + k + 2) & 31, ir.vector(.vuzp2, a, b, lane: size), Q: bytes == 16 ? 1 : 0)
            }
        } else {
            let (a, b) = neighbours(vectors)[0]
            setV(Rt, ir.vector(.vuzp1, a, b, lane: size), Q: bytes == 16 ? 1 : 0)
            setV((Rt + 1) & 31, ir.vector(.vuzp2, a, b, lane: size), Q: bytes == 16 ? 1 : 0)
        }
    }

    mutating func loadStoreSingle(_ f: LoadStoreSingle) -> TranslationStep {
        single(Q: f.Q, L: f.L, R: f.R, opcode: f.opcode, S: f.S, size: f.size, Rn: f.Rn, Rt: f.Rt, Rm: nil)
    }
    mutating func loadStoreSinglePost(_ f: LoadStoreSinglePost) -> TranslationStep {
        single(Q: f.Q, L: f.L, R: f.R, opcode: f.opcode, S: f.S, size: f.size, Rn: f.Rn, Rt: f.Rt, Rm: f.Rm)
    }

    private mutating func single(
        Q: Int, L: Int, R: Int, opcode: Int, S: Int, size: Int, Rn: Int, Rt: Int, Rm: Int?
    ) -> TranslationStep {
        let registers = (opcode & 1) * 2 + R + 1
        var lane = opcode >> 1
        let replicates = lane == 3
        var index = 0
        switch lane {
        case 0: index = Q << 3 | S << 2 | size
        case 1: index = Q << 2 | S << 1 | size >> 1
        case 2:
            if size == 1 {
                lane = 3
                index = Q
            } else {
                index = Q << 1 | S
            }
        default: lane = size
        }
        let base = XSP(Rn)
        let place = effectiveAddress(base, 0)
        if L != 0 {
            var values: [Value] = []
            for k in 0..<registers {
                values.append(ir.load(place.base, offset: place.offset + Int64(k << lane), size: lane, .i64))
            }
            for (k, element) in values.enumerated() {
                let n = (Rt + k) & 31
                if replicates {
                    let all = ir.vdup(element, lane: lane)
                    if Q != 0 { setV(n, all) } else { setV(n, ir.lo64(all)) }
                } else {
                    let old = V(n)
                    setV(n, ir.vinsert(old, element, lane: lane, index: index))
                }
            }
        } else {
            for k in 0..<registers {
                let vector = V((Rt + k) & 31)
                let element = ir.vextract(vector, lane: lane, index: index)
                ir.store(place.base, offset: place.offset + Int64(k << lane), element, size: lane)
            }
        }
        postIndex(base, Rn: Rn, Rm: Rm, bytes: registers << lane)
        return .next
    }
}
