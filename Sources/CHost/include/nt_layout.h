// Offsets inside nt_cpu and nt_tb as integer constants that Swift can read (it cannot import _Atomic members).
#ifndef NT_LAYOUT_H
#define NT_LAYOUT_H

#include "nt_tb.h"

enum {
    NT_CPU_X = offsetof(nt_cpu, x),
    NT_CPU_PC = offsetof(nt_cpu, pc),
    NT_CPU_NF = offsetof(nt_cpu, nf),
    NT_CPU_ZF = offsetof(nt_cpu, zf),
    NT_CPU_CF = offsetof(nt_cpu, cf),
    NT_CPU_VF = offsetof(nt_cpu, vf),
    NT_CPU_TPIDR_EL0 = offsetof(nt_cpu, tpidr_el0),
    NT_CPU_TPIDRRO_EL0 = offsetof(nt_cpu, tpidrro_el0),
    NT_CPU_FPCR = offsetof(nt_cpu, fpcr),
    NT_CPU_FPSR = offsetof(nt_cpu, fpsr),
    NT_CPU_TPIDR2_EL0 = offsetof(nt_cpu, tpidr2_el0),
    NT_CPU_PSTATE = offsetof(nt_cpu, pstate),
    NT_CPU_EXCLUSIVE_ADDRESS = offsetof(nt_cpu, exclusive_address),
    NT_CPU_EXCLUSIVE_SIZE = offsetof(nt_cpu, exclusive_size),
    NT_CPU_EXCLUSIVE_VALUE = offsetof(nt_cpu, exclusive_value),
    NT_CPU_V = offsetof(nt_cpu, v),
    NT_CPU_EXIT_REQUEST = offsetof(nt_cpu, exit_request),
    NT_CPU_CPU_INDEX = offsetof(nt_cpu, cpu_index),
    NT_CPU_FAULT_POINT = offsetof(nt_cpu, fault_point),
    NT_CPU_REG_PERMISSION = offsetof(nt_cpu, reg_permission),
    NT_CPU_EXCEPTION = offsetof(nt_cpu, exception),
    NT_CPU_EXCEPTION_INFO = offsetof(nt_cpu, exception_info),
    NT_CPU_EXIT_SLOT = offsetof(nt_cpu, exit_slot),
    NT_CPU_HOST_SP = offsetof(nt_cpu, host_sp),
    NT_CPU_INSN_COUNT = offsetof(nt_cpu, insn_count),
    NT_CPU_CLEAN_MXCSR = offsetof(nt_cpu, clean_mxcsr),
    NT_CPU_MEM_VALUE = offsetof(nt_cpu, mem_value),
    NT_CPU_MEM_RECORDS = offsetof(nt_cpu, mem_records),
    NT_CPU_ZERO = offsetof(nt_cpu, zero),
    NT_CPU_TEMPS = offsetof(nt_cpu, temps),
    NT_TB_ENTRY = offsetof(nt_tb, entry),
    NT_TB_OPS = offsetof(nt_tb, ops),
    NT_TB_HEAT = offsetof(nt_tb, heat),
    NT_TB_INDEX = offsetof(nt_tb, tb_index),
    NT_TB_SLOTS_OFFSET = offsetof(nt_tb, slots),
    NT_TB_POOL = offsetof(nt_tb, pool),
    NT_TB_SIZE = sizeof(nt_tb),
    NT_SLOT_SIZE = sizeof(nt_slot),
    NT_SLOT_TARGET = offsetof(nt_slot, target),
};

#endif
