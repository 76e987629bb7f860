import CNeedletailPlugin
import NeedletailPlugin

/// A register of `reg=` on one vCPU, with the value it had when it was last looked at.
struct Watched {
    let register: Register
    let value: UnsafeMutablePointer<UInt8>
    /// Of bytes.
    let count: Int
}

/// The globs of `reg=`.
enum RegisterFilter {
    nonisolated(unsafe) private static var globs: [CText] = []

    static var isEmpty: Bool { globs.isEmpty }
    static func add(_ glob: CText) { globs.append(glob) }
    static func matches(_ name: CText) -> Bool { globs.contains { nt_plugin_glob($0, name) } }
}

/// Whether a disassembly names a register: as a word, and W registers count as the X registers that they are part of.
func mentions(_ disassembly: CText, _ name: CText) -> Bool {
    var at = disassembly
    while at.pointee != 0 {
        var count = 0
        while digitValue(at[count]) != nil || at[count] == CChar(UInt8(ascii: "_")) { count += 1 }
        if count == 0 {
            at += 1
            continue
        }
        if isSameRegister(at, count, name) { return true }
        at += count
    }
    return false
}

private func isSameRegister(_ word: CText, _ count: Int, _ name: CText) -> Bool {
    if strlen(name) != count { return false }
    for index in 0..<count {
        let (a, b) = (lowered(word[index]), lowered(name[index]))
        if a == b { continue }
        let isWide = index == 0 && count <= 3 && a == CChar(UInt8(ascii: "w")) && b == CChar(UInt8(ascii: "x"))
        if !isWide { return false }
    }
    return true
}

private func lowered(_ character: CChar) -> CChar {
    (CChar(UInt8(ascii: "A"))...CChar(UInt8(ascii: "Z"))).contains(character) ? character | 0x20 : character
}
