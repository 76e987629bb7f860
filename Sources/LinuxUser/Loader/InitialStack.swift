internal import Glibc
internal import GuestMemory

/// The stack a new program finds: argc, argv, envp, the auxiliary vector and the strings they point to.
struct InitialStack {
    let stackPointer: GuestAddress
    /// Bytes of the auxiliary vector, AT_NULL included, for `/proc/self/auxv`.
    let auxiliaryVector: Range<GuestAddress>
    /// The argv strings with their NULs.
    let arguments: Range<GuestAddress>
    /// The environment's strings with their NULs, right behind.
    let environment: Range<GuestAddress>

    /// Auxiliary vector tags, `linux/auxvec.h`.
    private enum Tag: UInt64 {
        case null = 0
        case phdr = 3
        case phent = 4
        case phnum = 5
        case pagesz = 6
        case base = 7
        case flags = 8
        case entry = 9
        case uid = 11
        case euid = 12
        case gid = 13
        case egid = 14
        case platform = 15
        case hwcap = 16
        case clktck = 17
        case secure = 23
        case random = 25
        case hwcap2 = 26
        case execfn = 31
        case minsigstksz = 51
    }

    /// Lays the stack out below `top` (16-byte aligned), never below `bottom`.
    /// - Throws: E2BIG when arguments and environment leave no room.
    init(
        below top: GuestAddress, bottom: GuestAddress, configuration: LinuxConfiguration, program: LoadedProgram,
        random: [UInt8]
    ) throws(LinuxErrno) {
        var strings: [UInt8] = []
        var offsets: [Int] = []
        func append(_ text: [UInt8]) {
            offsets.append(strings.count)
            strings += text
            strings.append(0)
        }
        // The kernel's order, which programs that rewrite their title rely on: argv, then envp, without gaps.
        for argument in configuration.arguments { append(argument) }
        let argumentBytes = strings.count
        for variable in configuration.environment { append(variable) }
        let environmentEnd = strings.count
        append(configuration.program)
        let execfnOffset = offsets.removeLast()

        let platform = Array("aarch64".utf8) + [0]
        let pointers = configuration.arguments.count + configuration.environment.count + 3
        let fixedSize = 32 * 16 + random.count + platform.count + 64
        guard strings.count + pointers * 8 + fixedSize < Int(top - bottom) * 3 / 4 else { throw .E2BIG }

        let stringsAt = (top - 8 - UInt64(strings.count)) & ~15
        let randomAt = (stringsAt - UInt64(random.count)) & ~15
        let platformAt = (randomAt - UInt64(platform.count)) & ~15

        let entries: [(Tag, UInt64)] = [
            (.phdr, program.programHeaderAddress),
            (.phent, UInt64(ELFImage.programHeaderSize)),
            (.phnum, UInt64(program.programHeaderCount)),
            (.pagesz, guestPageSize),
            (.base, program.interpreterBase),
            (.flags, 0),
            (.entry, program.entry),
            (.uid, UInt64(getuid())),
            (.euid, UInt64(geteuid())),
            (.gid, UInt64(getgid())),
            (.egid, UInt64(getegid())),
            (.hwcap, configuration.hwcap),
            (.clktck, 100),
            (.random, randomAt),
            (.hwcap2, configuration.hwcap2),
            (.secure, configuration.isSecure ? 1 : 0),
            (.minsigstksz, SignalFrame.minimumStackSize),
            (.execfn, stringsAt + UInt64(execfnOffset)),
            (.platform, platformAt),
            (.null, 0),
        ]

        var words: [UInt64] = [UInt64(configuration.arguments.count)]
        words += offsets[..<configuration.arguments.count].map { stringsAt + UInt64($0) }
        words.append(0)
        words += offsets[configuration.arguments.count...].map { stringsAt + UInt64($0) }
        words.append(0)
        let auxiliaryIndex = words.count
        for (tag, value) in entries { words += [tag.rawValue, value] }

        stackPointer = (platformAt - UInt64(words.count * 8)) & ~15
        auxiliaryVector = stackPointer + UInt64(auxiliaryIndex * 8)..<stackPointer + UInt64(words.count * 8)
        arguments = stringsAt..<stringsAt + UInt64(argumentBytes)
        environment = arguments.upperBound..<stringsAt + UInt64(environmentEnd)

        try UserMemory.write(strings, to: stringsAt)
        try UserMemory.write(random, to: randomAt)
        try UserMemory.write(platform, to: platformAt)
        try UserMemory.write(words.withUnsafeBytes { Array($0) }, to: stackPointer)
    }
}
