import CLLVM
import Testing

/// The shim over ORC: compiles, links, frees, and keeps the calling convention that generated code lives by.
@Suite struct JITTests {
    /// LLVM's number of `preserve_none`.
    private static let preserveNone: UInt32 = 21

    /// `first` counts at state[0] and goes on to the function at state[1]; `second` stores 42 at state[2]; `enter(state,
    /// function)` comes from C.
    private func makeChain(_ jit: OpaquePointer, _ context: LLVMContextRef, name: String) -> LLVMModuleRef {
        let module = LLVMModuleCreateWithNameInContext(name, context)!
        LLVMSetTarget(module, nt_jit_triple(jit))
        LLVMSetDataLayout(module, nt_jit_data_layout(jit))
        let builder = LLVMCreateBuilderInContext(context)
        defer { LLVMDisposeBuilder(builder) }
        let void = LLVMVoidTypeInContext(context)
        let int64 = LLVMInt64TypeInContext(context)
        let pointer = LLVMPointerTypeInContext(context, 0)

        func function(_ name: String, _ parameterCount: Int, _ convention: UInt32) -> (LLVMValueRef?, LLVMTypeRef?) {
            var parameters = [LLVMTypeRef?](repeating: pointer, count: parameterCount)
            let type = LLVMFunctionType(void, &parameters, UInt32(parameterCount), 0)
            let function = LLVMAddFunction(module, name, type)
            LLVMSetFunctionCallConv(function, convention)
            LLVMPositionBuilderAtEnd(builder, LLVMAppendBasicBlockInContext(context, function, ""))
            return (function, type)
        }
        func slot(_ state: LLVMValueRef?, _ index: UInt64) -> LLVMValueRef? {
            var offset: LLVMValueRef? = LLVMConstInt(int64, index, 0)
            return LLVMBuildGEP2(builder, int64, state, &offset, 1, "")
        }
        func call(_ callee: LLVMValueRef?, _ type: LLVMTypeRef?, _ state: LLVMValueRef?) -> LLVMValueRef? {
            var arguments = [state]
            let call = LLVMBuildCall2(builder, type, callee, &arguments, 1, "")
            LLVMSetInstructionCallConv(call, Self.preserveNone)
            return call
        }

        let (first, blockType) = function("first_\(name)", 1, Self.preserveNone)
        let count = LLVMBuildLoad2(builder, int64, LLVMGetParam(first, 0), "")
        LLVMBuildStore(builder, LLVMBuildAdd(builder, count, LLVMConstInt(int64, 1, 0), ""), LLVMGetParam(first, 0))
        let next = LLVMBuildLoad2(builder, pointer, slot(LLVMGetParam(first, 0), 1), "")
        LLVMSetTailCallKind(call(next, blockType, LLVMGetParam(first, 0)), LLVMTailCallKindMustTail)
        LLVMBuildRetVoid(builder)

        let (second, _) = function("second_\(name)", 1, Self.preserveNone)
        LLVMBuildStore(builder, LLVMConstInt(int64, 42, 0), slot(LLVMGetParam(second, 0), 2))
        LLVMBuildRetVoid(builder)

        let (enter, _) = function("enter_\(name)", 2, 0)
        _ = call(LLVMGetParam(enter, 1), blockType, LLVMGetParam(enter, 0))
        LLVMBuildRetVoid(builder)
        return module
    }

    private struct Chain {
        let code: OpaquePointer
        let first: UInt64, second: UInt64, enter: UInt64

        func run() -> [UInt64] {
            var state = [0, second, 0]
            typealias Enter = @convention(c) (UnsafeMutableRawPointer, UInt64) -> Void
            // SAFETY: `enter` was compiled with the C calling convention and these parameters.
            let enter = unsafeBitCast(UInt(self.enter), to: Enter.self)
            state.withUnsafeMutableBytes { enter($0.baseAddress!, first) }
            return state
        }
    }

    private func withNames<R>(_ name: String, _ body: ([UnsafePointer<CChar>?]) throws -> R) rethrows -> R {
        try "first_\(name)".withCString { first in
            try "second_\(name)".withCString { second in
                try "enter_\(name)".withCString { enter in try body([first, second, enter]) }
            }
        }
    }

    private func compile(_ jit: OpaquePointer, _ name: String) throws -> Chain {
        let context = LLVMContextCreate()!
        defer { LLVMContextDispose(context) }
        let module = makeChain(jit, context, name: name)
        var message: UnsafeMutablePointer<CChar>?
        try #require(LLVMVerifyModule(module, LLVMReturnStatusAction, &message) == 0)
        LLVMDisposeMessage(message)
        var error: UnsafeMutablePointer<CChar>?
        var addresses = [UInt64](repeating: 0, count: 3)
        let code = withNames(name) { compileModule(jit, module, $0, 3, &addresses, &error) }
        return Chain(code: try #require(code), first: addresses[0], second: addresses[1], enter: addresses[2])
    }

    @Test(arguments: [0, 1, 2, 3] as [Int32])
    func preserveNoneTailCallsThroughALoadedPointer(level: Int32) throws {
        let jit = try JIT(level: level)
        // More than one module, since the pass manager is kept.
        for name in ["a", "b", "c"] {
            let chain = try compile(jit.raw, name)
            #expect(chain.run() == [1, chain.second, 42])
            var start: UInt64 = 0
            var end: UInt64 = 0
            nt_jit_code_range(chain.code, &start, &end)
            #expect((start..<end).contains(chain.first))
            #expect((start..<end).contains(chain.second))
            #expect((start..<end).contains(chain.enter))
            nt_jit_free(jit.raw, chain.code)
        }
    }

    @Test func anObjectLinksAgainOnceItsCodeIsFreed() throws {
        let jit = try JIT(level: 0)
        let chain = try compile(jit.raw, "kept")
        var size = 0
        let bytes = try #require(nt_jit_object(jit.raw, &size))
        let object = Array(UnsafeRawBufferPointer(start: bytes, count: size))
        // The names are taken while the code lives; failing must not free or break them.
        let message = linkFailure(jit.raw, object, "kept")
        #expect(message?.contains("kept") == true)
        #expect(chain.run() == [1, chain.second, 42])
        nt_jit_free(jit.raw, chain.code)
        let again = try #require(link(jit.raw, object, "kept"))
        #expect(again.run() == [1, again.second, 42])
        nt_jit_free(jit.raw, again.code)
    }

    private func link(_ jit: OpaquePointer, _ object: [UInt8], _ name: String) -> Chain? {
        var error: UnsafeMutablePointer<CChar>?
        var addresses = [UInt64](repeating: 0, count: 3)
        let code = withNames(name) { nt_jit_link(jit, object, object.count, $0, 3, &addresses, &error) }
        guard let code else { return nil }
        return Chain(code: code, first: addresses[0], second: addresses[1], enter: addresses[2])
    }

    /// The error line of a link that must fail; nil when it does not.
    private func linkFailure(_ jit: OpaquePointer, _ object: [UInt8], _ name: String) -> String? {
        var error: UnsafeMutablePointer<CChar>?
        var addresses = [UInt64](repeating: 0, count: 3)
        let code = withNames(name) { nt_jit_link(jit, object, object.count, $0, 3, &addresses, &error) }
        guard code == nil, let error else { return nil }
        defer { LLVMDisposeMessage(error) }
        return String(cString: error)
    }

    @Test func aMissingSymbolIsAnErrorAndDefiningItHelps() throws {
        let jit = try JIT(level: 0)
        #expect(compileAddressOf(jit.raw).code == nil)
        let value: UInt64 = 0x1234_5678_9abc_def0
        var error: UnsafeMutablePointer<CChar>?
        let defined = nt_jit_define(jit.raw, "needletail_test_absolute", value, &error)
        #expect(defined)
        let definedTwice = nt_jit_define(jit.raw, "needletail_test_absolute", 1, &error)
        #expect(!definedTwice)
        LLVMDisposeMessage(error)
        let compiled = compileAddressOf(jit.raw)
        let code = try #require(compiled.code)
        typealias Function = @convention(c) () -> UInt64
        // SAFETY: compiled with this signature.
        let function = unsafeBitCast(UInt(compiled.address), to: Function.self)
        #expect(function() == value)
        nt_jit_free(jit.raw, code)
    }

    /// `uint64_t address(void)`, which returns the address of an external symbol.
    private func compileAddressOf(_ jit: OpaquePointer) -> (code: OpaquePointer?, address: UInt64) {
        let context = LLVMContextCreate()!
        defer { LLVMContextDispose(context) }
        let module = LLVMModuleCreateWithNameInContext("absolute", context)!
        LLVMSetTarget(module, nt_jit_triple(jit))
        LLVMSetDataLayout(module, nt_jit_data_layout(jit))
        let int64 = LLVMInt64TypeInContext(context)
        let variable = LLVMAddGlobal(module, int64, "needletail_test_absolute")
        let function = LLVMAddFunction(module, "address", LLVMFunctionType(int64, nil, 0, 0))
        let builder = LLVMCreateBuilderInContext(context)
        defer { LLVMDisposeBuilder(builder) }
        LLVMPositionBuilderAtEnd(builder, LLVMAppendBasicBlockInContext(context, function, ""))
        LLVMBuildRet(builder, LLVMBuildPtrToInt(builder, variable, int64, ""))
        var error: UnsafeMutablePointer<CChar>?
        var address: UInt64 = 0
        let code = "address".withCString { name in
            var names: [UnsafePointer<CChar>?] = [name]
            return compileModule(jit, module, &names, 1, &address, &error)
        }
        if let error { LLVMDisposeMessage(error) }
        return (code, address)
    }
}

/// A compiler that goes with its owner.
private final class JIT {
    let raw: OpaquePointer
    init(level: Int32) throws {
        var error: UnsafeMutablePointer<CChar>?
        raw = try #require(nt_jit_create(level, nil, 0, &error))
    }
    deinit { nt_jit_destroy(raw) }
}

/// LLVM's disassemblers as the shim sets them up.
@Suite struct DisassemblerTests {
    private func text(_ context: LLVMDisasmContextRef?, _ bytes: [UInt8], pc: UInt64) -> String {
        var bytes = bytes
        var buffer = [CChar](repeating: 0, count: 128)
        let size = LLVMDisasmInstruction(context, &bytes, UInt64(bytes.count), pc, &buffer, buffer.count)
        return size == 0 ? "" : buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    @Test func guestImmediatesAreHexadecimal() throws {
        let a64 = try #require(nt_disassembler_a64())
        defer { LLVMDisasmDispose(a64) }
        #expect(text(a64, [0x20, 0x40, 0x00, 0x91], pc: 0) == "\tadd\tx0, x1, #0x10")
        #expect(text(a64, [0x1f, 0x20, 0x03, 0xd5], pc: 0) == "\tnop")
        #expect(text(a64, [0x00, 0x00, 0x00, 0x00], pc: 0) == "\tudf\t#0x0")
        #expect(text(a64, [0xff, 0xff, 0xff, 0xff], pc: 0) == "")
    }

    @Test func hostCodeHasADisassembler() throws {
        let host = try #require(nt_disassembler_host())
        defer { LLVMDisasmDispose(host) }
        #if arch(x86_64)
            #expect(text(host, [0xc3], pc: 0) == "\tretq")
        #endif
    }
}

/// Generates code for a module and links it.
private func compileModule(
    _ jit: OpaquePointer?, _ module: LLVMModuleRef?, _ names: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int,
    _ addresses: UnsafeMutablePointer<UInt64>?, _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> OpaquePointer? {
    nt_jit_emit(jit, module)
    var size = 0
    let object = nt_jit_object(jit, &size)
    return nt_jit_link(jit, object, size, names, count, addresses, error)
}
