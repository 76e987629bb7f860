/// Why a program could not be started. Printed as one line after the emulator's name.
package struct LoadError: Error, Equatable, Sendable {
    package enum Kind: Sendable {
        /// The file could not be opened or is not an executable at all.
        case file
        /// An ELF file that this emulator does not run, or a damaged one.
        case image
        /// The host had no room for it.
        case memory
        /// The addresses it must have are the emulator's own, this time.
        case addressTaken
    }

    package let kind: Kind
    package let message: String

    /// The emulator's exit status: what `qemu-aarch64` ends with in the same case.
    package var exitStatus: Int32 { kind == .file ? 1 : 255 }

    static func file(_ path: [UInt8], _ error: LinuxErrno) -> LoadError {
        LoadError(kind: .file, message: "cannot load '\(String(decoding: path, as: UTF8.self))': \(error.message)")
    }
    static func interpreter(of program: [UInt8], _ error: LoadError) -> LoadError {
        // Its own message tells the rest, once it could be read.
        guard error.kind == .file else { return error }
        let name = String(decoding: program, as: UTF8.self)
        return LoadError(kind: .image, message: "'\(name)' wants an interpreter: \(error.message)")
    }
    static func foreignScript(_ path: [UInt8]) -> LoadError {
        LoadError(
            kind: .file,
            message: "cannot load '\(String(decoding: path, as: UTF8.self))': its interpreter is not an AArch64 program")
    }
    static func image(_ path: [UInt8], _ error: ELFError) -> LoadError {
        LoadError(kind: .image, message: "'\(String(decoding: path, as: UTF8.self))': \(error.message)")
    }
    static func addressTaken(_ path: [UInt8], _ range: Range<UInt64>) -> LoadError {
        let place = String(range.lowerBound, radix: 16) + "-" + String(range.upperBound, radix: 16)
        return LoadError(
            kind: .addressTaken,
            message: "'\(String(decoding: path, as: UTF8.self))' must be loaded at \(place), where the emulator is")
    }
    static func memory(_ path: [UInt8], _ what: String, _ error: LinuxErrno) -> LoadError {
        LoadError(
            kind: .memory,
            message: "'\(String(decoding: path, as: UTF8.self))': cannot map \(what): \(error.message)")
    }
}

/// What is wrong with an ELF image.
package struct ELFError: Error, Equatable, Sendable {
    package enum Kind: Sendable {
        case notELF
        case wrongMachine
        case unsupportedType
        case truncated
        case badSegment
    }

    package let kind: Kind
    package let message: String

    static let notELF = ELFError(kind: .notELF, message: "not an ELF image")
    static func wrongMachine(_ detail: String) -> ELFError {
        ELFError(kind: .wrongMachine, message: "not an AArch64 ELF image (\(detail))")
    }
    static func unsupportedType(_ type: UInt16) -> ELFError {
        ELFError(kind: .unsupportedType, message: "not an executable (ELF type \(type))")
    }
    static func truncated(_ what: String) -> ELFError {
        ELFError(kind: .truncated, message: "damaged ELF image: \(what) reaches beyond the end of the file")
    }
    static func badSegment(_ index: Int, _ what: String) -> ELFError {
        ELFError(kind: .badSegment, message: "damaged ELF image: program header \(index): \(what)")
    }
    static func tooHigh(_ end: UInt64) -> ELFError {
        ELFError(
            kind: .badSegment,
            message: "wants memory up to \(String(end, radix: 16)), but guests have 47 bits of address here")
    }
    static func badHeader(_ what: String) -> ELFError {
        ELFError(kind: .badSegment, message: "damaged ELF image: \(what)")
    }
}
