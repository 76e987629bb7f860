import Foundation
import Testing

/// Plugin sources meet the header as they would meet QEMU's: other compilers, C++, with and without GLib's headers.
@Suite struct HeaderTests {
    /// Layouts as compiled plugins know them, and every kind of call and macro a plugin makes.
    private static let source = """
        #include <qemu-plugin.h>
        #ifdef __cplusplus
        #define _Static_assert static_assert
        extern "C" {
        #endif
        _Static_assert(sizeof(qemu_info_t) == 32, "");
        _Static_assert(offsetof(qemu_info_t, system_emulation) == 16, "");
        _Static_assert(offsetof(qemu_info_t, system) == 20, "");
        _Static_assert(sizeof(struct qemu_info_t) == 32, "");
        _Static_assert(sizeof(qemu_plugin_u64) == 16, "");
        _Static_assert(sizeof(qemu_plugin_mem_value) == 24, "");
        _Static_assert(offsetof(qemu_plugin_mem_value, data) == 8, "");
        _Static_assert(sizeof(qemu_plugin_reg_descriptor) == 24, "");
        _Static_assert(sizeof(qemu_plugin_id_t) == 8, "");
        _Static_assert(sizeof(qemu_plugin_meminfo_t) == 4, "");
        _Static_assert(sizeof(GArray) == 16 && sizeof(GByteArray) == 16, "");
        _Static_assert(offsetof(GArray, len) == 8 && offsetof(GByteArray, len) == 8, "");
        _Static_assert(sizeof(enum qemu_plugin_discon_type) == 4, "");
        _Static_assert(QEMU_PLUGIN_DISCON_ALL == -1 && QEMU_PLUGIN_DISCON_HOSTCALL == 4, "");
        _Static_assert(QEMU_PLUGIN_MEM_RW == (QEMU_PLUGIN_MEM_R | QEMU_PLUGIN_MEM_W), "");
        _Static_assert(QEMU_PLUGIN_COND_GE == 7 && QEMU_PLUGIN_CB_RW_REGS == 2, "");
        _Static_assert(QEMU_PLUGIN_INLINE_STORE_U64 == 1 && QEMU_PLUGIN_MEM_VALUE_U128 == 4, "");
        _Static_assert(QEMU_PLUGIN_HWADDR_OPERATION_INVALID_ADDRESS_SPACE == 5, "");
        _Static_assert(QEMU_PLUGIN_VERSION == 5, "");

        QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;
        typedef struct { uint64_t blocks; uint64_t insns; } Count;
        static struct qemu_plugin_scoreboard *counts;
        static qemu_plugin_u64 insns;

        static void on_mem(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *data) {
            qemu_plugin_mem_value value = qemu_plugin_mem_get_value(info);
            Count *count = (Count *)qemu_plugin_scoreboard_find(counts, cpu);
            count->blocks += value.data.u64 + vaddr + (data != NULL) + qemu_plugin_mem_size_shift(info);
        }
        static void on_exec(unsigned int cpu, void *data) { (void)data; qemu_plugin_u64_add(insns, cpu, 1); }
        static void on_tb(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
            (void)id;
            for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
                struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
                qemu_plugin_register_vcpu_mem_cb(insn, on_mem, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
                qemu_plugin_register_vcpu_insn_exec_cond_cb(insn, on_exec, QEMU_PLUGIN_CB_R_REGS, QEMU_PLUGIN_COND_LT,
                                                            insns, 9, NULL);
            }
            qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64,
                                                              qemu_plugin_scoreboard_u64(counts), 1);
        }
        QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
            (void)argc; (void)argv;
            counts = qemu_plugin_scoreboard_new(sizeof(Count));
            insns = qemu_plugin_scoreboard_u64_in_struct(counts, Count, insns);
            qemu_plugin_register_vcpu_tb_trans_cb(id, on_tb);
            return info->system_emulation ? info->system.max_vcpus : 0;
        }
        #ifdef __cplusplus
        }
        #endif
        """

    @Test(arguments: [
        ("gcc", "c", "-std=gnu11"), ("clang", "c", "-std=gnu11"), ("gcc", "c", "-std=gnu99"), ("g++", "cpp", "-std=c++17"),
        ("clang++", "cpp", "-std=c++20"),
    ])
    func compilesAsAPlugin(compiler: String, suffix: String, standard: String) throws {
        _ = try TestPlugin.compile(
            Self.source, compiler: compiler, suffix: suffix,
            arguments: ["-shared", "-fPIC", "-Wextra", standard])
    }

    /// Sizes, offsets and the functions of each API version, which stand as assertions in the file; in C and C++.
    @Test(arguments: 2...7, [["gcc", "-std=gnu11", "-x", "c"], ["clang++", "-std=c++20", "-x", "c++"]])
    func layoutsAreTheContract(version: Int, compiler: [String]) throws {
        let file = TestPlugin.packageRoot.appendingPathComponent("Sources/CPluginAPI/plugin_api.c").path
        let isC = compiler[0] == "gcc"
        _ = try TestPlugin.compile(
            (isC ? "" : "#define _Static_assert static_assert\n#define _Alignof alignof\n") + "#include \"\(file)\"\n",
            compiler: compiler[0],
            arguments: ["-shared", "-fPIC", "-Wextra", "-DQEMU_PLUGIN_VERSION=\(version)"] + compiler.dropFirst())
    }

    @Test(arguments: 2...7)
    func eachVersionDeclaresItsFunctions(version: Int) throws {
        let output = try TestPlugin.compile(
            "#include <qemu-plugin.h>\n",
            arguments: ["-E", "-P", "-Wno-unused-command-line-argument", "-DQEMU_PLUGIN_VERSION=\(version)"])
        let text = try String(contentsOfFile: output, encoding: .utf8)
        let names = Set(text.matches(of: /\b(qemu_plugin_\w+)\(/).map { String($0.output.1) })
        // With qemu_plugin_install.
        #expect(names.count == [2: 56, 3: 56, 4: 58, 5: 64, 6: 66, 7: 66][version])
        #expect(names.contains("qemu_plugin_set_pc") == (version >= 6))
        #expect(names.contains("qemu_plugin_write_register") == (version >= 5))
        #expect(names.contains("qemu_plugin_read_memory_vaddr") == (version >= 4))
    }

    /// GLib's own types take the place of the header's when <glib.h> can be found.
    @Test func usesGLibsTypesWhereItsHeadersAre() throws {
        let root = try TestPlugin.compile("int unused;")
        let directory = root.split(separator: "/").dropLast().joined(separator: "/")
        let glib = """
            #pragma once
            typedef struct _GArray { char *data; unsigned int len; } GArray;
            typedef struct _GByteArray { unsigned char *data; unsigned int len; } GByteArray;
            """
        try glib.write(toFile: "/\(directory)/glib.h", atomically: true, encoding: .utf8)
        _ = try TestPlugin.compile(
            "#include <glib.h>\n#include <qemu-plugin.h>\n#ifndef QEMU_PLUGIN_HAS_GLIB\n#error not found\n#endif\n",
            arguments: ["-shared", "-fPIC", "-I", "/\(directory)"])
    }
}
