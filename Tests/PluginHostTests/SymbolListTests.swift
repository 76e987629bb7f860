import CPluginAPI
import Foundation
import Testing

@testable import PluginHost

@Suite struct SymbolListTests {
    private var listed: [String] {
        (0...).lazy.map { nt_plugin_symbol_name($0) }.prefix { $0 != nil }.map { String(cString: $0!) }
    }

    @Test func listHasEveryNameOnce() {
        #expect(listed.count == 65)
        #expect(Set(listed).count == 65)
    }

    /// A plugin that takes the address of each function is loaded with all of them bound at once.
    @Test func allNamesAreBoundAtLoadTime() throws {
        let declarations = listed.map { "void \($0)(void);" }.joined(separator: "\n")
        let path = try TestPlugin.compile(
            "\(declarations)\nvoid *all[] = {\(listed.map { "(void *)\($0)" }.joined(separator: ", "))};\n")
        let library = dlopen(path, RTLD_NOW | RTLD_LOCAL)
        #expect(library != nil, "\(dlerror().map { String(cString: $0) } ?? "")")
        if let library { dlclose(library) }
    }

    /// Every function the header declares for the host to provide, and no other, is in the list.
    @Test func listIsWhatTheHeaderDeclares() throws {
        let header = try String(contentsOfFile: TestPlugin.headers + "/qemu-plugin.h", encoding: .utf8)
        // A prototype marked QEMU_PLUGIN_API: the next name followed by a parenthesis (after any attribute).
        let pattern = /QEMU_PLUGIN_API\s[^;(]*?(?:__attribute__\(\([^)]*\)\)[^;(]*?)?\b(qemu_plugin_\w+)\(/
        let declared = header.matches(of: pattern).map { String($0.output.1) }
        #expect(Set(declared) == Set(listed))
    }

    @Test func everyNameIsExportedByTheExecutable() {
        for name in listed {
            #expect(dlsym(nil, name) != nil, "\(name)")
        }
    }

    /// The names plugins define themselves must not come from the host.
    @Test(arguments: ["qemu_plugin_install", "qemu_plugin_version"])
    func pluginsOwnNamesAreNotExported(name: String) {
        #expect(dlsym(nil, name) == nil)
    }

    @Test(
        arguments: [
            ("on", true), ("yes", true), ("true", true), ("y", true), ("off", false), ("no", false), ("false", false),
            ("n", false), ("1", nil), ("0", nil), ("On", nil), ("TRUE", nil), ("", nil), ("onn", nil),
        ] as [(String, Bool?)])
    func parsesBooleans(word: String, expected: Bool?) {
        for initial in [false, true] {
            var value = initial
            #expect(pluginBoolParse("name", word, &value) == (expected != nil))
            #expect(value == expected ?? initial)
        }
    }

    @Test func booleansNeedNameAndValue() {
        var value = true
        #expect(!pluginBoolParse(nil, "off", &value))
        #expect(!pluginBoolParse("name", nil, &value))
        #expect(!pluginBoolParse("name", "off", nil))
        #expect(value)
    }

    @Test func userModeHasNoMachine() {
        var address: UInt64 = 9
        #expect(pluginGetHWAddr(0, 0x1000) == nil)
        #expect(!pluginHWAddrIsIO(nil))
        #expect(pluginHWAddrPhysAddr(nil) == 0)
        #expect(pluginHWAddrDeviceName(nil).map { String(cString: $0) } == "Invalid")
        #expect(!pluginTranslateVAddr(0x1000, &address))
        #expect(address == 9)
        #expect(pluginReadMemoryHWAddr(0, nil, 4) == QEMU_PLUGIN_HWADDR_OPERATION_ERROR)
        #expect(pluginWriteMemoryHWAddr(0, nil) == QEMU_PLUGIN_HWADDR_OPERATION_ERROR)
        #expect(pluginRequestTimeControl() == nil)
    }
}
