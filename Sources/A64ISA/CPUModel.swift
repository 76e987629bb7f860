/// A CPU that `-cpu` names.
package struct CPUModel: Sendable {
    package let name: String
    package let midr: UInt64
    package var features: A64FeatureSet

    /// MIDR_EL1 values are those of the real parts (their Technical Reference Manuals); `max` shows QEMU's, so that guests
    /// that look cannot tell.
    package static let all: [CPUModel] = [
        CPUModel(name: "max", midr: 0x000f_0510, features: .max),
        CPUModel(
            name: "cortex-a53", midr: 0x410f_d034,
            features: supported(.armv8.union([.FEAT_CRC32, .FEAT_AES, .FEAT_PMULL, .FEAT_SHA1, .FEAT_SHA256]))),
        CPUModel(
            name: "cortex-a57", midr: 0x411f_d070,
            features: supported(.armv8.union([.FEAT_CRC32, .FEAT_AES, .FEAT_PMULL, .FEAT_SHA1, .FEAT_SHA256]))),
        CPUModel(
            name: "cortex-a72", midr: 0x410f_d083,
            features: supported(.armv8.union([.FEAT_CRC32, .FEAT_AES, .FEAT_PMULL, .FEAT_SHA1, .FEAT_SHA256]))),
        CPUModel(name: "cortex-a76", midr: 0x414f_d0b1, features: supported(neoverse)),
        CPUModel(name: "neoverse-n1", midr: 0x414f_d0c1, features: supported(neoverse)),
    ]

    private static let neoverse: A64FeatureSet = [
        .FEAT_FP, .FEAT_AdvSIMD, .FEAT_CRC32, .FEAT_LSE, .FEAT_RDM, .FEAT_FP16, .FEAT_DotProd, .FEAT_LRCPC, .FEAT_SSBS2,
        .FEAT_DPB, .FEAT_AES, .FEAT_PMULL, .FEAT_SHA1, .FEAT_SHA256,
    ]

    /// A model never shows what is not implemented.
    private static func supported(_ wanted: A64FeatureSet) -> A64FeatureSet {
        var result = A64FeatureSet()
        for feature in A64Feature.allCases where wanted.contains(feature) && A64FeatureSet.max.contains(feature) {
            result.insert(feature)
        }
        return result
    }

    /// Parses `model[,feature=on|off]…`.
    /// - Returns: the model, or a message that names what is wrong.
    package static func parse(_ text: String) -> Result<CPUModel, CPUModelError> {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard var model = all.first(where: { $0.name == parts[0] }) else {
            return .failure(CPUModelError(message: "unknown CPU model '\(parts[0])'; -cpu help lists them"))
        }
        for part in parts.dropFirst() {
            let words = part.split(separator: "=", omittingEmptySubsequences: false)
            guard words.count == 2, let feature = A64Feature.allCases.first(where: { $0.optionName == words[0].lowercased() })
            else {
                return .failure(CPUModelError(message: "unknown CPU feature '\(part)' in '\(text)'"))
            }
            switch words[1] {
            case "off": model.features.remove(feature)
            case "on":
                guard A64FeatureSet.max.contains(feature) else {
                    return .failure(CPUModelError(message: "CPU feature '\(words[0])' is not implemented"))
                }
                model.features.insert(feature)
            default: return .failure(CPUModelError(message: "CPU feature '\(words[0])' wants on or off, not '\(words[1])'"))
            }
        }
        return .success(model)
    }
}

package struct CPUModelError: Error {
    package let message: String
}
