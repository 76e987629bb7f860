import CHost
import Glibc
import Testing

@testable import GuestMemory
@testable import LinuxUser

/// Maps crafted images into the test's own address space, position-independent ones anywhere.
@Suite struct ProgramLoaderTests {
    init() { #expect(nt_signals_install_faults() == 0) }

    private func withProgram(
        _ bytes: [UInt8], mode: mode_t = 0o755, _ body: ([UInt8]) throws -> Void
    ) throws {
        var name = Array("/tmp/needletail-test-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        try #require(descriptor >= 0)
        defer { unlink(name) }
        #expect(bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == bytes.count)
        fchmod(descriptor, mode)
        close(descriptor)
        try body(name.dropLast().map { UInt8(bitPattern: $0) })
    }

    private func pieBuilder() -> ELFBuilder {
        var builder = ELFBuilder()
        builder.type = 3
        builder.entry = 0x100
        builder.headers = [
            .init(flags: 5, offset: 0, address: 0, fileSize: 0x800, memorySize: 0x800),
            .init(flags: 6, offset: 0x810, address: 0x11810, fileSize: 0x7f0, memorySize: 0x2800),
        ]
        return builder
    }

    @Test func mapsSegmentsAndZeroesTheRest() throws {
        var bytes = pieBuilder().bytes()
        for at in 0x300..<0x1000 { bytes[at] = 0xab }
        try withProgram(bytes) { path in
            let space = AddressSpace()
            let program = try ProgramLoader(addressSpace: space, sysroot: []).load(path)
            let bias = program.bias
            #expect(program.start == bias + 0x100)
            #expect(program.programHeaderAddress == bias + 64)
            #expect(program.initialBreak == bias + 0x15000)
            #expect(program.code == bias..<bias + 0x800)
            #expect(try UserMemory.read(bias + 0x400, as: UInt8.self) == 0xab)
            #expect(try UserMemory.read(bias + 0x11fff, as: UInt8.self) == 0xab)
            #expect(try UserMemory.readBytes(bias + 0x12000, count: 0x3000).allSatisfy { $0 == 0 })
            #expect(
                space.withMap { $0.areas } == [
                    VMA(range: bias..<bias + 0x1000, protection: [.read, .execute], image: 1),
                    VMA(range: bias + 0x11000..<bias + 0x15000, protection: [.read, .write]),
                ])
            // The hole between the segments is free, and code is not writable.
            #expect(throws: LinuxErrno.EFAULT) { try UserMemory.read(bias + 0x2000, as: UInt8.self) }
            #expect(throws: LinuxErrno.EFAULT) { try UserMemory.write(UInt8(1), to: bias) }
            munmap(UnsafeMutableRawPointer(bitPattern: UInt(bias)), 0x15000)
        }
    }

    @Test func refusesLikeExecve() throws {
        let loader = ProgramLoader(addressSpace: AddressSpace(), sysroot: [])
        func error(_ path: [UInt8]) -> LoadError? { #expect(throws: LoadError.self) { try loader.load(path) } }
        #expect(error(Array("/nonexistent".utf8))?.exitStatus == 1)
        #expect(error(Array("/nonexistent".utf8))?.message == "cannot load '/nonexistent': No such file or directory")
        #expect(error(Array("/tmp".utf8))?.message.hasSuffix("Permission denied") == true)
        try withProgram([]) { #expect(error($0)?.message.hasSuffix("Exec format error") == true) }
        try withProgram(Array("#!/bin/sh\n".utf8)) { #expect(error($0)?.exitStatus == 1) }
        try withProgram(pieBuilder().bytes(), mode: 0o644) {
            // Root may not execute a file without any x either.
            #expect(error($0)?.message.hasSuffix("Permission denied") == true)
        }
        var foreign = pieBuilder()
        foreign.machine = 62
        try withProgram(foreign.bytes()) { #expect(error($0)?.exitStatus == 255) }
        var taken = ELFBuilder()
        taken.headers[0].memorySize = 0x7ffe_0000_0000
        try withProgram(taken.bytes()) { #expect(error($0)?.kind == .addressTaken) }
        #expect(loader.addressSpace.withMap { $0.areas.isEmpty })
    }

    @Test func findsFunctionSymbols() throws {
        // Section headers at 0x900: null, .symtab (at 0xa00, 3 symbols), .strtab (at 0xb00).
        var image = GuestRecord(pieBuilder().bytes())
        image[40, as: UInt64.self] = 0x900
        image[58, as: UInt16.self] = 64
        image[60, as: UInt16.self] = 3
        func section(_ index: Int, type: UInt32, offset: UInt64, size: UInt64, link: UInt32) {
            let at = 0x900 + index * 64
            image[at + 4, as: UInt32.self] = type
            image[at + 24, as: UInt64.self] = offset
            image[at + 32, as: UInt64.self] = size
            image[at + 40, as: UInt32.self] = link
        }
        section(1, type: 2, offset: 0xa00, size: 72, link: 2)
        section(2, type: 3, offset: 0xb00, size: 16, link: 0)
        func symbol(_ index: Int, name: UInt32, kind: UInt8, value: UInt64, size: UInt64) {
            let at = 0xa00 + index * 24
            image[at, as: UInt32.self] = name
            image[at + 4, as: UInt8.self] = kind
            image[at + 6, as: UInt16.self] = 1
            image[at + 8, as: UInt64.self] = value
            image[at + 16, as: UInt64.self] = size
        }
        symbol(1, name: 1, kind: 0x12, value: 0x100, size: 0x20)
        symbol(2, name: 6, kind: 0x12, value: 0x200, size: 0)
        for (index, byte) in Array("\0main\0start\0".utf8).enumerated() { image[0xb00 + index, as: UInt8.self] = byte }
        try withProgram(image.bytes) { path in
            let symbols = SymbolTable(path: path, bias: 0x1000)
            #expect(symbols.function(at: 0x1100) == .init(start: 0x1100, size: 0x20, name: "main"))
            #expect(symbols.function(at: 0x111f)?.name == "main")
            #expect(symbols.function(at: 0x1120) == nil)
            #expect(symbols.function(at: 0x1200)?.name == "start")
            #expect(symbols.function(at: 0x1204) == nil)
            #expect(symbols.function(at: 0x10ff) == nil)
        }
        image[0xa00 + 24, as: UInt32.self] = 0xffff_fff0
        section(1, type: 2, offset: 0xffff_ffff_ffff_ff00, size: 0x200, link: 2)
        try withProgram(image.bytes) { #expect(SymbolTable(path: $0, bias: 0).function(at: 0x100) == nil) }
        #expect(SymbolTable(path: Array("/nonexistent".utf8), bias: 0).function(at: 0x100) == nil)
    }

    @Test func buildsTheStackOfANewProgram() throws {
        let size = 1 << 20
        let memory = try #require(mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(memory, size) }
        let bottom = UInt64(UInt(bitPattern: memory))
        var configuration = LinuxConfiguration(
            program: Array("/p".utf8), arguments: ["one", "", "three"].map { Array($0.utf8) },
            environment: ["A=1", "B=2"].map { Array($0.utf8) })
        configuration.hwcap = 0x1234
        let program = LoadedProgram(
            start: 0x10, entry: 0x20, bias: 0, interpreterBase: 0x30, programHeaderAddress: 0x40, programHeaderCount: 5,
            code: 0..<0, data: 0..<0, initialBreak: 0, wantsExecutableStack: false)
        let random = [UInt8](1...16)
        let stack = try InitialStack(
            below: bottom + UInt64(size), bottom: bottom, configuration: configuration, program: program, random: random
        )
        #expect(stack.stackPointer % 16 == 0)
        func word(_ index: Int) throws -> UInt64 { try UserMemory.read(stack.stackPointer + UInt64(index * 8)) }
        #expect(try word(0) == 3)
        #expect(try UserMemory.readString(word(1)) == Array("one".utf8))
        #expect(try UserMemory.readString(word(2)) == [])
        #expect(try UserMemory.readString(word(3)) == Array("three".utf8))
        #expect(try word(4) == 0)
        #expect(try UserMemory.readString(word(6)) == Array("B=2".utf8))
        #expect(try word(7) == 0)
        var vector: [UInt64: UInt64] = [:]
        var index = 8
        while try word(index) != 0 {
            vector[try word(index)] = try word(index + 1)
            index += 2
        }
        #expect(stack.auxiliaryVector.upperBound == stack.stackPointer + UInt64((index + 2) * 8))
        #expect(vector[3] == 0x40 && vector[4] == 56 && vector[5] == 5 && vector[6] == 4096)
        #expect(vector[7] == 0x30 && vector[9] == 0x20 && vector[16] == 0x1234)
        #expect(vector[33] == nil, "no vDSO is promised")
        #expect(try UserMemory.readString(#require(vector[31])) == Array("/p".utf8))
        #expect(try UserMemory.readString(#require(vector[15])) == Array("aarch64".utf8))
        #expect(try UserMemory.readBytes(#require(vector[25]), count: 16) == random)
        configuration.environment = [[UInt8](repeating: 65, count: size)]
        #expect(throws: LinuxErrno.E2BIG) {
            try InitialStack(
                below: bottom + UInt64(size), bottom: bottom, configuration: configuration, program: program,
                random: random)
        }
    }
}
