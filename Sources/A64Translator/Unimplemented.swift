internal import A64ISA

extension Translator {
    /// A listed encoding without semantics: UNDEFINED for the guest, remembered for `-d unimp`.
    mutating func unimplemented(_ encoding: A64Encoding) -> TranslationStep {
        unimplementedSeen.append(encoding)
        return undefined()
    }
}
