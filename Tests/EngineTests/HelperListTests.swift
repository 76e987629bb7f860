import CHost
import EmuIR
import Testing

/// EmuIR and CHost each list the helpers; a number must mean the same function in both.
@Suite struct HelperListTests {
    @Test func listsAreEqual() {
        #expect(Helper.allCases.count == Int(NT_HELPER_COUNT.rawValue))
        for (index, helper) in Helper.allCases.enumerated() {
            let id = UInt32(helper.rawValue)
            #expect(Int(id) == index)
            #expect(nt_helper_name(id).map { String(cString: $0) } == "\(helper.signature.name)")
            #expect(nt_helper_address(id) != nil)
        }
        #expect(nt_helper_name(UInt32(NT_HELPER_COUNT.rawValue)) == nil)
        #expect(nt_helper_address(UInt32(NT_HELPER_COUNT.rawValue)) == nil)
    }
}
