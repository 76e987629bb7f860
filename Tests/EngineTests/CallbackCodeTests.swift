import Foundation
import LLVMBackend
import Testing

/// What is understood of plugins' machine code. Bytes are what compilers make of the source in each name.
@Suite struct CallbackCodeTests {
    private typealias Operation = CallbackCode.Operation
    private static let scoreboards = ScoreboardAccess(add: 0x1234_5678_9ab0, find: 0x1234_5678_9ac0) { _, _ in nil }

    /// Decodes a function of two arguments whose bytes stand at an address of their own.
    private func decode(_ bytes: [UInt8], arguments: Int = 2, import target: UInt64 = 0) -> (address: UInt64, [Operation]?) {
        // Behind the code, at 64, one word of imports.
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 64)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0xcc, count: 128)
        memory.copyMemory(from: bytes, byteCount: bytes.count)
        memory.storeBytes(of: target, toByteOffset: 64, as: UInt64.self)
        let code = CallbackCode(at: UInt(bitPattern: memory), argumentCount: arguments, scoreboards: Self.scoreboards)
        return (UInt64(UInt(bitPattern: memory)), code?.operations)
    }

    @Test func understandsCounters() {
        // total++, as GCC and Clang write it, with and without branch protection and frame pointer.
        for bytes: [UInt8] in [
            [0x48, 0x83, 0x05, 0x38, 0, 0, 0, 1, 0xc3],
            [0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0x05, 0x34, 0, 0, 0, 1, 0xc3],
            [0x55, 0x48, 0x89, 0xe5, 0x48, 0xff, 0x05, 0x35, 0, 0, 0, 0x5d, 0xc3],
            [0x48, 0x81, 0x05, 0x35, 0, 0, 0, 1, 0, 0, 0, 0xf3, 0xc3],
        ] {
            let (address, operations) = decode(bytes)
            let counted = operations?.filter { if case .computeInMemory = $0 { true } else { false } }
            #expect(
                counted == [
                    .computeInMemory(.add, CallbackCode.Address(base: nil, displacement: address + 64), .constant(1), size: 8)
                ],
                "\(bytes)")
        }
    }

    @Test func understandsArgumentsAndAddresses() {
        // *(uint32_t *)(data + 16) += vcpu
        #expect(
            decode([0x01, 0x7e, 0x10, 0xc3]).1 == [
                .computeInMemory(.add, CallbackCode.Address(base: 6, displacement: 16), .register(7), size: 4)
            ])
        // order * 5 + data, through a register, with addresses of 8 and 32 bits and an index
        #expect(
            decode([0x48, 0x8b, 0x06, 0x48, 0x8d, 0x04, 0x80, 0x48, 0x01, 0xf0, 0x48, 0x89, 0x86, 0, 1, 0, 0, 0xc3]).1 == [
                .load(to: 0, CallbackCode.Address(base: 6, displacement: 0), size: 8, isSigned: false),
                .address(to: 0, CallbackCode.Address(base: 0, index: 0, scale: 4, displacement: 0), size: 8),
                .compute(.add, to: 0, .register(6), size: 8),
                .store(CallbackCode.Address(base: 6, displacement: 256), .register(0), size: 8),
            ])
        // The registers above RDI by their prefix: mov (%r8,%r9,2), %r10 of a function with six arguments
        #expect(
            decode([0x4f, 0x8b, 0x14, 0x48, 0xc3], arguments: 6).1 == [
                .load(to: 10, CallbackCode.Address(base: 8, index: 9, scale: 2, displacement: 0), size: 8, isSigned: false)
            ])
        #expect(
            decode([0x0f, 0xb7, 0x06, 0x48, 0x63, 0x4e, 0xfc, 0x31, 0xd2, 0xc6, 0x06, 0xff, 0xc3]).1 == [
                .load(to: 0, CallbackCode.Address(base: 6, displacement: 0), size: 2, isSigned: false),
                .load(to: 1, CallbackCode.Address(base: 6, displacement: ~3), size: 4, isSigned: true),
                .move(to: 2, .constant(0), size: 4),
                .store(CallbackCode.Address(base: 6, displacement: 0), .constant(~0), size: 1),
            ])
    }

    @Test func understandsScoreboards() {
        // mov %edi, %edx; mov $1, %ecx; mov %rsi, %rdi; xor %esi, %esi; jmp *import
        let tail: [UInt8] = [0x89, 0xfa, 0xb9, 1, 0, 0, 0, 0x48, 0x89, 0xf7, 0x31, 0xf6, 0xff, 0x25, 0x2e, 0, 0, 0]
        #expect(decode(tail, import: 0x1234_5678_9ab0).1?.last == .addToScoreboard)
        #expect(decode(tail, import: 0x1234_5678_9ab8).1 == nil)
        // push %rbx; mov %rsi, %rbx; mov %edi, %esi; mov (%rbx), %rdi; call *import; test %rax, %rax; je .+4; add %rbx, (%rax); pop; ret
        let find: [UInt8] = [
            0x53, 0x48, 0x89, 0xf3, 0x89, 0xfe, 0x48, 0x8b, 0x3b, 0xff, 0x15, 0x31, 0, 0, 0, 0x48, 0x85, 0xc0, 0x74, 3, 0x48, 0x01,
            0x18, 0x5b, 0xc3,
        ]
        #expect(
            decode(find, import: 0x1234_5678_9ac0).1 == [
                .push(3), .move(to: 3, .register(6), size: 8), .move(to: 6, .register(7), size: 4),
                .load(to: 7, CallbackCode.Address(base: 3, displacement: 0), size: 8, isSigned: false), .findElement,
                .computeInMemory(.add, CallbackCode.Address(base: 0, displacement: 0), .register(3), size: 8), .pop(3),
            ])
        #expect(decode(find, import: 0x1234_5678_9ab0).1 == nil)
    }

    @Test(
        arguments: [
            "a condition": [0x85, 0xff, 0x74, 7, 0x48, 0x83, 0x06, 1, 0xc3],
            "a loop": [0x48, 0xff, 0x06, 0xeb, 0xfb],
            "an atomic addition": [0xf0, 0x48, 0x83, 0x06, 1, 0xc3],
            "vector registers": [0xf3, 0x0f, 0x6f, 0x06, 0xc3],
            "floating point": [0xf2, 0x0f, 0x10, 0x06, 0xc3],
            "a register that was given nothing": [0x48, 0x01, 0x0e, 0xc3],
            "what a call may have changed": [0xe8, 0, 0, 0, 0, 0xc3],
            "memory on the stack": [0x48, 0x89, 0x74, 0x24, 0xf8, 0xc3],
            "another place on the stack": [0x48, 0x89, 0xfc, 0xc3],
            "a stack that is not put back": [0x50, 0xc3],
            "thread-local memory": [0x64, 0x48, 0x83, 0x06, 1, 0xc3],
            "16 bits": [0x66, 0x83, 0x06, 1, 0xc3],
            "a breakpoint": [0xcc],
            "a trap": [0x0f, 0x0b],
        ] as [String: [UInt8]]) func leavesAlone(_ what: String, _ bytes: [UInt8])
    {
        #expect(decode(bytes).1 == nil, "\(what)")
    }

    @Test func readsNothingThatIsNotThere() throws {
        #expect(CallbackCode(at: 0, argumentCount: 2, scoreboards: nil) == nil)
        #expect(CallbackCode(at: 16, argumentCount: 2, scoreboards: nil) == nil)
        let page = try #require(mmap(nil, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(page, 8192) }
        try #require(mprotect(page + 4096, 4096, PROT_NONE) == 0)
        let bytes: [UInt8] = [0x48, 0x83, 0x06, 1, 0xc3]
        for cut in 0..<bytes.count {
            let start = page + 4096 - cut
            start.copyMemory(from: bytes, byteCount: cut)
            #expect(CallbackCode(at: UInt(bitPattern: start), argumentCount: 2, scoreboards: nil) == nil, "\(cut)")
        }
        let whole = page + 4096 - bytes.count
        whole.copyMemory(from: bytes, byteCount: bytes.count)
        #expect(CallbackCode(at: UInt(bitPattern: whole), argumentCount: 2, scoreboards: nil)?.operations.count == 1)
    }
}
