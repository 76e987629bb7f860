internal import CHost

/// The body of a small plugin callback, taken from the plugin's machine code: what it loads, computes and stores, and how it counts in
/// scoreboards, without loops, conditions or other calls. Most callbacks that count are so small, and a call costs more than they do;
/// generated code has their operations in its place.
///
/// Registers are numbered as in x86-64 instructions: 0 RAX, 1 RCX, 2 RDX, 3 RBX, 4 RSP, 5 RBP, 6 RSI, 7 RDI, 8...15.
package struct CallbackCode: Sendable {
    package enum Operand: Equatable, Sendable {
        case register(Int)
        case constant(UInt64)
    }
    /// base + index * scale + displacement; the base is nil where the address is known.
    package struct Address: Equatable, Sendable {
        var base: Int?
        var index: Int?
        var scale: UInt64 = 1
        var displacement: UInt64

        package init(base: Int?, index: Int? = nil, scale: UInt64 = 1, displacement: UInt64) {
            self.base = base
            self.index = index
            self.scale = scale
            self.displacement = displacement
        }
    }
    package enum Arithmetic: UInt8, Sendable {
        case add, or, and = 4, sub, xor
    }
    /// Sizes are 1, 2, 4 or 8 bytes; results of 4 bytes clear the upper half of a register.
    package enum Operation: Equatable, Sendable {
        case move(to: Int, Operand, size: Int)
        case address(to: Int, Address, size: Int)
        /// Zero-extended, or sign-extended to 8 bytes.
        case load(to: Int, Address, size: Int, isSigned: Bool)
        case store(Address, Operand, size: Int)
        case compute(Arithmetic, to: Int, Operand, size: Int)
        case computeFromMemory(Arithmetic, to: Int, Address, size: Int)
        case computeInMemory(Arithmetic, Address, Operand, size: Int)
        /// Puts a register aside, or takes back what was put aside last; nil is no register.
        case push(Int?)
        case pop(Int?)
        /// `qemu_plugin_u64_add` with RDI scoreboard, RSI offset, EDX vCPU and RCX amount.
        case addToScoreboard
        /// `qemu_plugin_scoreboard_find` with RDI scoreboard and ESI vCPU; the element to RAX.
        case findElement
    }
    package private(set) var operations: [Operation] = []

    private static let instructionLimit = 32
    /// What a call may change: RAX, RCX, RDX, RSI, RDI, R8...R11.
    static let callerSaved = [0, 1, 2, 6, 7, 8, 9, 10, 11]

    /// Decodes the function at `address` up to its return.
    ///
    /// - Parameter argumentCount: how many registers it is given, in the order of the C convention.
    /// - Parameter hasUserdata: the last of them, userdata, is not NULL.
    /// - Parameter scoreboards: what it may call; nil for nothing.
    /// - Returns: nil when something in it is not of the few kinds that are understood.
    package init?(at address: UInt, argumentCount: Int, hasUserdata: Bool = true, scoreboards: ScoreboardAccess?) {
        var decoder = Decoder(at: address, argumentCount: argumentCount, hasUserdata: hasUserdata, scoreboards: scoreboards)
        for _ in 0..<Self.instructionLimit {
            switch decoder.step() {
            case .next: continue
            case .end:
                operations = decoder.operations
                return
            case .unknown: return nil
            }
        }
        return nil
    }

    // MARK: Decoding

    private enum Step { case next, end, unknown }

    private struct Decoder {
        private var at: UInt
        private let scoreboards: ScoreboardAccess?
        var operations: [Operation] = []
        /// What a register holds: nothing of the callback's own, a value, or one that is not zero.
        private enum Content { case nothing, value, nonZero }
        private var contents = Array(repeating: Content.nothing, count: 16)
        private var pushed: [Content] = []
        private var isReadable = true
        /// The last instruction compared a value that is not zero with zero.
        private var hasTestedNonZero = false

        init(at address: UInt, argumentCount: Int, hasUserdata: Bool, scoreboards: ScoreboardAccess?) {
            at = address
            self.scoreboards = scoreboards
            let arguments = CallbackPlan.argumentRegisters.prefix(argumentCount)
            for register in arguments { contents[register] = .value }
            if hasUserdata, let userdata = arguments.last { contents[userdata] = .nonZero }
        }

        private mutating func take<T: FixedWidthInteger>(_: T.Type) -> T {
            var value: T = 0
            if !nt_read_own_memory(UnsafeRawPointer(bitPattern: at), &value, MemoryLayout<T>.size) { isReadable = false }
            at &+= UInt(MemoryLayout<T>.size)
            return value
        }
        private mutating func byte() -> UInt8 { take(UInt8.self) }
        private mutating func displacement8() -> UInt64 { UInt64(bitPattern: Int64(take(Int8.self))) }
        private mutating func displacement32() -> UInt64 { UInt64(bitPattern: Int64(take(Int32.self))) }

        /// The second operand of an instruction, as its ModRM byte says, and the first one or the opcode's extension.
        private struct Operands {
            var register: Int
            var place: Place
        }
        private enum Place {
            case register(Int)
            case memory(Address)
        }

        /// - Parameter immediateSize: bytes behind it, which addresses relative to RIP count in.
        private mutating func operands(rex: UInt8, immediateSize: Int = 0) -> Operands {
            let modrm = byte()
            let register = Int(modrm >> 3 & 7 | (rex & 4) << 1)
            let low = Int(modrm & 7)
            if modrm >> 6 == 3 { return Operands(register: register, place: .register(low | Int(rex & 1) << 3)) }
            var address = Address(base: low | Int(rex & 1) << 3, displacement: 0)
            var isRelative = false
            if low == 4 {
                let sib = byte()
                let index = Int(sib >> 3 & 7 | (rex & 2) << 2)
                address.base = Int(sib & 7 | (rex & 1) << 3)
                if index != 4 {
                    address.index = index
                    address.scale = 1 << UInt64(sib >> 6)
                }
                if sib & 7 == 5, modrm >> 6 == 0 {
                    address.base = nil
                    address.displacement = displacement32()
                }
            } else if low == 5, modrm >> 6 == 0 {
                address.base = nil
                address.displacement = displacement32()
                isRelative = true
            }
            if modrm >> 6 == 1 { address.displacement = displacement8() }
            if modrm >> 6 == 2 { address.displacement = displacement32() }
            if isRelative { address.displacement &+= UInt64(at) &+ UInt64(immediateSize) }
            return Operands(register: register, place: .memory(address))
        }

        // MARK: What instructions read and write

        private func isDefined(_ register: Int) -> Bool { contents[register] != .nothing }
        private func isDefined(_ operand: Operand) -> Bool {
            if case .register(let register) = operand { return isDefined(register) }
            return true
        }
        /// Addresses on the stack are unknown here: RSP is never defined.
        private func isDefined(_ address: Address) -> Bool {
            (address.base.map { isDefined($0) } ?? true) && (address.index.map { isDefined($0) } ?? true)
        }

        private mutating func note(_ operation: Operation) -> Step {
            guard isReadable else { return .unknown }
            var written: Int?
            var result = Content.value
            let reads: Bool
            switch operation {
            case .move(let to, let from, let size):
                written = to
                reads = isDefined(from)
                if case .register(let register) = from, size == 8 { result = contents[register] }
            case .address(let to, let address, _), .load(let to, let address, _, _):
                written = to
                reads = isDefined(address)
            case .store(let address, let value, _): reads = isDefined(address) && isDefined(value)
            case .compute(_, let to, let value, _):
                written = to
                reads = isDefined(to) && isDefined(value)
            case .computeFromMemory(_, let to, let address, _):
                written = to
                reads = isDefined(to) && isDefined(address)
            case .computeInMemory(_, let address, let value, _): reads = isDefined(address) && isDefined(value)
            case .push(let register):
                pushed.append(register.map { contents[$0] } ?? .nothing)
                reads = true
            case .pop(let register):
                guard let content = pushed.popLast() else { return .unknown }
                written = register
                result = content
                reads = true
            case .addToScoreboard:
                reads = [7, 6, 2, 1].allSatisfy { isDefined($0) }
                for register in CallbackCode.callerSaved { contents[register] = .nothing }
            case .findElement:
                reads = [7, 6].allSatisfy { isDefined($0) }
                for register in CallbackCode.callerSaved { contents[register] = .nothing }
                written = 0
                result = .nonZero
            }
            // RSP itself changes by PUSH and POP only.
            guard reads, written != 4 else { return .unknown }
            if let written { contents[written] = result }
            operations.append(operation)
            return .next
        }

        private mutating func compute(_ kind: Arithmetic, _ place: Place, _ value: Operand, _ size: Int) -> Step {
            switch place {
            case .register(let register): note(.compute(kind, to: register, value, size: size))
            case .memory(let address): note(.computeInMemory(kind, address, value, size: size))
            }
        }

        // MARK: Instructions

        mutating func step() -> Step {
            let testedNonZero = hasTestedNonZero
            hasTestedNonZero = false
            var rex: UInt8 = 0
            var opcode = byte()
            // ENDBR64, NOPs of two bytes and more, RET with a prefix, branches that may be bound.
            if opcode == 0xf3 {
                opcode = byte()
                if opcode == 0x0f { return byte() == 0x1e && byte() == 0xfa && isReadable ? .next : .unknown }
                return opcode == 0xc3 ? end() : .unknown
            }
            if opcode == 0xf2 {
                opcode = byte()
                guard [0xc3, 0xe9, 0xff].contains(opcode) else { return .unknown }
            }
            while opcode == 0x66 {
                opcode = byte()
                if opcode == 0x90 { return isReadable ? .next : .unknown }
                guard opcode == 0x66 || opcode == 0x2e || opcode == 0x0f else { return .unknown }
                if opcode == 0x2e { opcode = byte() }
                if opcode == 0x0f { return noOperation() }
            }
            if opcode & 0xf0 == 0x40 {
                rex = opcode
                opcode = byte()
            }
            let size = rex & 8 != 0 ? 8 : 4
            switch opcode {
            case 0x01, 0x09, 0x21, 0x29, 0x31:
                guard let kind = Arithmetic(rawValue: opcode >> 3) else { return .unknown }
                let operands = operands(rex: rex)
                if kind == .xor, case .register(let register) = operands.place, register == operands.register {
                    return note(.move(to: register, .constant(0), size: 4))
                }
                return compute(kind, operands.place, .register(operands.register), size)
            case 0x03, 0x0b, 0x23, 0x2b, 0x33:
                guard let kind = Arithmetic(rawValue: opcode >> 3) else { return .unknown }
                let operands = operands(rex: rex)
                switch operands.place {
                case .register(let register):
                    if kind == .xor, register == operands.register { return note(.move(to: register, .constant(0), size: 4)) }
                    return note(.compute(kind, to: operands.register, .register(register), size: size))
                case .memory(let address):
                    return note(.computeFromMemory(kind, to: operands.register, address, size: size))
                }
            case 0x05, 0x0d, 0x25, 0x2d, 0x35:
                guard let kind = Arithmetic(rawValue: opcode >> 3) else { return .unknown }
                return note(.compute(kind, to: 0, .constant(displacement32()), size: size))
            case 0x50...0x57: return note(.push(Int(opcode & 7 | (rex & 1) << 3)))
            case 0x58...0x5f: return note(.pop(Int(opcode & 7 | (rex & 1) << 3)))
            case 0x63: return extendingLoad(rex, from: 4, isSigned: true)
            case 0x81, 0x83:
                let operands = operands(rex: rex, immediateSize: opcode == 0x81 ? 4 : 1)
                let value = opcode == 0x81 ? displacement32() : displacement8()
                guard let kind = Arithmetic(rawValue: UInt8(operands.register & 7)) else { return .unknown }
                if case .register(4) = operands.place { return moveStack(kind, value) }
                return compute(kind, operands.place, .constant(value), size)
            case 0x74, 0x75:
                let distance = displacement8()
                guard testedNonZero else { return .unknown }
                return opcode == 0x75 ? jump(to: UInt64(at) &+ distance) : isReadable ? .next : .unknown
            case 0x85:
                let operands = operands(rex: rex)
                guard case .register(let register) = operands.place, register == operands.register, size == 8, isReadable,
                    contents[register] == .nonZero
                else { return .unknown }
                hasTestedNonZero = true
                return .next
            case 0x89:
                let operands = operands(rex: rex)
                switch operands.place {
                case .register(let to): return move(to: to, from: operands.register, size)
                case .memory(let address): return note(.store(address, .register(operands.register), size: size))
                }
            case 0x8b:
                let operands = operands(rex: rex)
                switch operands.place {
                case .register(let from): return move(to: operands.register, from: from, size)
                case .memory(let address):
                    return note(.load(to: operands.register, address, size: size, isSigned: false))
                }
            case 0x8d:
                let operands = operands(rex: rex)
                guard case .memory(let address) = operands.place else { return .unknown }
                return note(.address(to: operands.register, address, size: size))
            case 0x90: return isReadable && rex == 0 ? .next : .unknown
            case 0xb8...0xbf:
                let to = Int(opcode & 7 | (rex & 1) << 3)
                return note(.move(to: to, .constant(size == 8 ? take(UInt64.self) : UInt64(take(UInt32.self))), size: size))
            case 0xc3: return end()
            case 0xc6, 0xc7:
                let bytes = opcode == 0xc6 ? 1 : size
                let operands = operands(rex: rex, immediateSize: opcode == 0xc6 ? 1 : 4)
                let value = opcode == 0xc6 ? displacement8() : displacement32()
                guard operands.register & 7 == 0 else { return .unknown }
                switch operands.place {
                case .register(let to): return bytes == 1 ? .unknown : note(.move(to: to, .constant(value), size: bytes))
                case .memory(let address): return note(.store(address, .constant(value), size: bytes))
                }
            case 0xe8:
                let distance = displacement32()
                return call(UInt64(at) &+ distance)
            case 0xe9:
                let distance = displacement32()
                return jump(to: UInt64(at) &+ distance)
            case 0xeb:
                let distance = displacement8()
                return jump(to: UInt64(at) &+ distance)
            case 0xff: return increment(rex, size)
            case 0x0f:
                switch byte() {
                case 0x1f: return operandOfNothing(rex)
                case 0xb6: return extendingLoad(rex, from: 1, isSigned: false)
                case 0xb7: return extendingLoad(rex, from: 2, isSigned: false)
                default: return .unknown
                }
            default: return .unknown
            }
        }

        private mutating func end() -> Step { isReadable && pushed.isEmpty ? .end : .unknown }

        private mutating func noOperation() -> Step { byte() == 0x1f ? operandOfNothing(0) : .unknown }
        private mutating func operandOfNothing(_ rex: UInt8) -> Step {
            _ = operands(rex: rex)
            return isReadable ? .next : .unknown
        }

        private mutating func move(to: Int, from: Int, _ size: Int) -> Step {
            // A frame pointer, which nothing will use: the value of RSP is not known.
            if from == 4, to == 5, size == 8, isReadable {
                contents[5] = .nothing
                return .next
            }
            return note(.move(to: to, .register(from), size: size))
        }

        private mutating func extendingLoad(_ rex: UInt8, from bytes: Int, isSigned: Bool) -> Step {
            let operands = operands(rex: rex)
            guard case .memory(let address) = operands.place, !isSigned || rex & 8 != 0 else { return .unknown }
            return note(.load(to: operands.register, address, size: bytes, isSigned: isSigned))
        }

        /// ADD and SUB of RSP.
        private mutating func moveStack(_ kind: Arithmetic, _ bytes: UInt64) -> Step {
            guard kind == .add || kind == .sub, bytes % 8 == 0, bytes <= 64 else { return .unknown }
            for _ in 0..<bytes / 8 {
                if note(kind == .sub ? .push(nil) : .pop(nil)) == .unknown { return .unknown }
            }
            return .next
        }

        /// INC, DEC, indirect calls and jumps.
        private mutating func increment(_ rex: UInt8, _ size: Int) -> Step {
            let operands = operands(rex: rex)
            switch operands.register & 7 {
            case 0: return compute(.add, operands.place, .constant(1), size)
            case 1: return compute(.sub, operands.place, .constant(1), size)
            case 2:
                guard let target = imported(operands.place) else { return .unknown }
                return call(target)
            case 4:
                guard let target = imported(operands.place) else { return .unknown }
                return jump(to: target)
            default: return .unknown
            }
        }

        /// A target in the table of a library's imports, which is filled when the plugin is loaded.
        private func imported(_ place: Place) -> UInt64? {
            guard isReadable, case .memory(let address) = place, address.base == nil, address.index == nil else { return nil }
            var target: UInt64 = 0
            let isRead = nt_read_own_memory(UnsafeRawPointer(bitPattern: UInt(address.displacement)), &target, 8)
            return isRead ? target : nil
        }

        /// What a call of `target` does; nil when it is none of the functions that are known.
        private func known(_ target: UInt64) -> Operation? {
            guard let scoreboards, target != 0 else { return nil }
            return UInt(target) == scoreboards.add ? .addToScoreboard : UInt(target) == scoreboards.find ? .findElement : nil
        }

        private mutating func call(_ target: UInt64) -> Step {
            guard isReadable else { return .unknown }
            if let operation = known(target) { return note(operation) }
            // An entry of the procedure linkage table jumps on through the imports.
            var entry = self
            entry.at = UInt(target)
            var opcode = entry.byte()
            if opcode == 0xf3, entry.byte() == 0x0f, entry.byte() == 0x1e, entry.byte() == 0xfa { opcode = entry.byte() }
            if opcode == 0xf2 { opcode = entry.byte() }
            guard opcode == 0xff else { return .unknown }
            let operands = entry.operands(rex: 0)
            guard operands.register == 4, let target = entry.imported(operands.place), let operation = known(target) else {
                return .unknown
            }
            return note(operation)
        }

        private mutating func jump(to target: UInt64) -> Step {
            guard isReadable else { return .unknown }
            if let operation = known(target) { return pushed.isEmpty && note(operation) == .next ? .end : .unknown }
            at = UInt(target)
            return .next
        }
    }
}
