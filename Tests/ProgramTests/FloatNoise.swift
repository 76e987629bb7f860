/// A plugin whose callbacks raise every floating-point exception, and abort when they find a rounding mode that is not the host's.
enum FloatNoise {
    static let source = #"""
        #include <qemu-plugin.h>
        #include <stdlib.h>

        QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;
        static volatile double zero, one = 1, three = 3, ten = 10, big = 1e300, small = 0x1p-1074;
        static volatile float sum;

        static void compute(void) {
            // Wrong when rounding up, down or to zero.
            if (one / ten != 0x1.999999999999ap-4 || one / three != 0x1.5555555555555p-2) abort();
            if (-one / ten != -0x1.999999999999ap-4 || -one / three != -0x1.5555555555555p-2) abort();
            // Wrong when subnormals are flushed.
            if (small * three != 0x3p-1074 || small * one == zero) abort();
            volatile double x = big * big;
            x = one / zero;
            x = zero / zero;
            x = small / three;
            sum = (float)x + (float)big;
        }
        static void at_code(unsigned int cpu, void *data) {
            (void)cpu, (void)data;
            compute();
        }
        static void at_access(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) {
            (void)cpu, (void)info, (void)address, (void)data;
            compute();
        }
        static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
            (void)id;
            compute();
            qemu_plugin_register_vcpu_tb_exec_cb(tb, at_code, QEMU_PLUGIN_CB_NO_REGS, NULL);
            for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
                struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
                qemu_plugin_register_vcpu_insn_exec_cb(insn, at_code, i % 2 ? QEMU_PLUGIN_CB_NO_REGS : QEMU_PLUGIN_CB_RW_REGS, NULL);
                qemu_plugin_register_vcpu_mem_cb(insn, at_access, QEMU_PLUGIN_CB_R_REGS, QEMU_PLUGIN_MEM_RW, NULL);
            }
        }
        QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count, char **values) {
            (void)info, (void)count, (void)values;
            qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
            return 0;
        }
        """#
}
