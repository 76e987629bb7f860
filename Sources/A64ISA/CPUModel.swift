/// A CPU that `-cpu` names.
package struct CPUModel: Sendable {
    package let name: String
    package let midr: UInt64
    package var features: A64FeatureSet

    /// MIDR_EL1 values are those of the real parts (their Technical Reference Manuals); `max` shows QEMU's, so that guests
    /// that look cannot tell.
    package static let all: [CPUModel] = [
        CPUModel(name: "max", midr: 0x000f_0510, features: .max),
        CPUModel(name: "cortex-a35", midr: 0x411f_d040, features: armv8WithCryptography),
        CPUModel(name: "cortex-a53", midr: 0x410f_d034, features: armv8WithCryptography),
        CPUModel(name: "cortex-a55", midr: 0x412f_d050, features: armv82WithCryptography),
        CPUModel(name: "cortex-a57", midr: 0x411f_d070, features: armv8WithCryptography),
        CPUModel(name: "cortex-a72", midr: 0x410f_d083, features: armv8WithCryptography),
        CPUModel(name: "cortex-a76", midr: 0x414f_d0b1, features: armv82WithCryptography),
        CPUModel(name: "neoverse-n1", midr: 0x414f_d0c1, features: armv82WithCryptography.union(supported([.FEAT_SSBS2]))),
    ]

    private static let armv8WithCryptography = supported([
        .FEAT_FP, .FEAT_AdvSIMD, .FEAT_CRC32, .FEAT_AES, .FEAT_PMULL, .FEAT_SHA1, .FEAT_SHA256,
    ])
    private static let armv82WithCryptography = armv8WithCryptography.union(
        supported([.FEAT_LSE, .FEAT_RDM, .FEAT_FP16, .FEAT_DotProd, .FEAT_LRCPC, .FEAT_SSBS, .FEAT_DPB, .FEAT_LOR]))

    /// A model never shows what is not implemented.
    private static func supported(_ wanted: A64FeatureSet) -> A64FeatureSet { wanted.intersection(.max) }

    /// Parses `model[,feature=on|off]…`; a later word wins over an earlier one. Switching a feature off takes those that need
    /// it with it, switching one on brings what it needs.
    /// - Returns: the model, or a message that names what is wrong.
    package static func parse(_ text: String) -> Result<CPUModel, CPUModelError> {
        // As QEMU: empty words are no mistake.
        let parts = text.split(separator: ",")
        guard let name = parts.first, text.first != ",", var model = all.first(where: { $0.name == name }) else {
            let wanted = text.prefix { $0 != "," }
            return .failure(CPUModelError(message: "unknown CPU model '\(wanted)'; '-cpu help' lists them"))
        }
        for part in parts.dropFirst() {
            let words = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            func wrong(_ what: String) -> Result<CPUModel, CPUModelError> {
                .failure(CPUModelError(message: "feature '\(words[0])' of CPU model '\(name)' " + what))
            }
            guard let option = CPUOption(words[0]) else { return wrong("is unknown; '-cpu help' lists them") }
            guard words.count == 2 else { return wrong("wants =on or =off") }
            let isOn = truth(words[1])
            if option == .absent {
                if isOn != false { return wrong("cannot be '\(words[1])': not implemented; '-cpu help' lists what is") }
                continue
            }
            guard let isOn else { return wrong("wants =on or =off, not '\(words[1])'") }
            switch option {
            case .absent, .withoutEffect: break
            case .fixed:
                if !isOn { return wrong("cannot be off") }
            case .feature(let feature) where isOn:
                guard A64FeatureSet.max.contains(feature) else {
                    return wrong("cannot be on: not implemented; '-cpu help' lists what is")
                }
                model.features.enable(feature)
            case .feature(let feature): model.features.disable(feature)
            }
        }
        return .success(model)
    }

    /// The spellings of QEMU's boolean properties.
    private static func truth(_ word: Substring) -> Bool? {
        switch word {
        case "on", "yes", "true", "y": true
        case "off", "no", "false", "n": false
        default: nil
        }
    }

    /// What `-cpu help` prints.
    package static var help: String {
        let features = A64Feature.allCases.filter(A64FeatureSet.max.contains)
        var text = "Available CPUs:\n"
        for model in all { text += "  \(model.name)\n" }
        text += "Features, for -cpu MODEL,FEATURE=on|off (also QEMU's names neon, vfp):\n"
        for feature in features {
            text += "  \(feature.optionName)" + String(repeating: " ", count: max(1, 12 - feature.optionName.count))
            text += "in " + all.filter { $0.features.contains(feature) }.map(\.name).joined(separator: ", ") + "\n"
        }
        let absent = A64Feature.allCases.filter { !A64FeatureSet.max.contains($0) }.map(\.optionName)
        text += "Not implemented, so only =off: " + (absent + CPUOption.absentFamilies.map { $0 + "*" }).joined(separator: ", ") + "\n"
        return text
    }
}

package struct CPUModelError: Error {
    package let message: String
}

/// What a word before `=` in `-cpu` stands for.
private enum CPUOption: Equatable {
    case feature(A64Feature)
    /// One of QEMU's properties that EL0 cannot see: taken and ignored.
    case withoutEffect
    /// One of QEMU's properties for what is not implemented here (SVE and SME, their vector lengths): may only be off.
    case absent
    /// One of QEMU's properties for what is always there: may only be on.
    case fixed

    /// What such properties begin with.
    static let absentFamilies = ["sve", "sme"]

    /// Our names are those of the Arm manual in lower case.
    init?(_ name: Substring) {
        let name = name.lowercased()
        if let feature = A64Feature.allCases.first(where: { $0.optionName == name }) {
            self = .feature(feature)
            return
        }
        switch name {
        case "vfp": self = .feature(.FEAT_FP)
        case "neon": self = .feature(.FEAT_AdvSIMD)
        // Which algorithm signs pointers is nothing that EL0 relies on.
        case "lpa2", "pmu", "pauth-impdef", "pauth-qarma3", "pauth-qarma5": self = .withoutEffect
        case "aarch64": self = .fixed
        case _ where Self.absentFamilies.contains(where: name.hasPrefix): self = .absent
        default: return nil
        }
    }
}
