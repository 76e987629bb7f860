#!/usr/bin/env python3
"""Writes DataProcessingImmediate.cases, DataProcessingRegister.cases and Flags.cases.

Each case is assembled with aarch64-linux-gnu-gcc and run under qemu-aarch64; the line records what it did. The tests only
read the files, so neither tool is needed to run them. The inputs are drawn from a fixed seed: the same templates give the
same files. README.md has the format.
"""
import os, random, re, struct, subprocess, sys, tempfile

random.seed(20261121)
HERE = os.path.dirname(os.path.abspath(__file__))
M64, M32 = (1 << 64) - 1, (1 << 32) - 1
EDGE = [0, 1, 2, M64, M64 - 1, 1 << 63, (1 << 63) - 1, (1 << 63) + 1, M32, 1 << 31, (1 << 31) - 1, (1 << 31) + 1, 1 << 32,
        0x80, 0x7f, 0xff, 0x8000, 0x7fff, 0xffff, 0xffffff80, 0xffffffffffff8000, 0x0123456789abcdef, 0xfedcba9876543210]
CONDS = "eq ne cs cc mi pl vs vc hi ls ge lt gt le al nv".split()
cases = []  # (file, assembly, {register: value}, nzcv or None, writes flags)


def value():
    kind = random.randrange(4)
    if kind < 2:
        return random.choice(EDGE)
    if kind == 2:
        return (random.choice(EDGE) + random.randrange(-2, 3)) & M64
    return random.getrandbits(64)


def case(file, text, inputs=None, nzcv=None, flags=False):
    """One case; every register that `text` names after the first operand, and `inputs` beyond, gets a value."""
    cases.append((file, text, dict(inputs or {}), nzcv, flags))


def draw(file, text, reads, count=4, flags=False, nzcv=False):
    """`count` cases of one instruction with drawn values for the registers in `reads` (31 is SP)."""
    for _ in range(count):
        case(file, text, {n: value() for n in reads}, random.randrange(16) if nzcv else None, flags)


IMM, REG, FLG = "DataProcessingImmediate", "DataProcessingRegister", "Flags"

# ---- Add/subtract (immediate)
for w in "wx":
    sp = "wsp" if w == "w" else "sp"
    for op in "add adds sub subs".split():
        s = op.endswith("s") and op != "s" and op in ("adds", "subs")
        for imm in ("#0", "#1", "#4095", "#1, lsl #12", "#4095, lsl #12", "#0x7ff"):
            draw(IMM, f"{op} {w}0, {w}1, {imm}", [1], 3, s)
        draw(IMM, f"{op} {w}3, {w}3, #16", [3], 2, s)
        draw(IMM, f"{op} {w}2, {sp}, #32", [31], 2, s)
        if not s:
            draw(IMM, f"{op} {sp}, {w}2, #48", [2], 2)
            draw(IMM, f"{op} {sp}, {sp}, #1, lsl #12", [31], 2)
            draw(IMM, f"mov {sp}, {w}7", [7], 2)
            draw(IMM, f"mov {w}7, {sp}", [31], 2)
    for op in ("cmp", "cmn"):
        for imm in ("#0", "#1", "#0xfff", "#0x800, lsl #12"):
            draw(IMM, f"{op} {w}1, {imm}", [1], 4, True)
        draw(IMM, f"{op} {sp}, #16", [31], 2, True)


# ---- Logical (immediate)
def bitmask(bits):
    size = random.choice([s for s in (2, 4, 8, 16, 32, 64) if s <= bits])
    ones = random.randrange(1, size)
    element = (1 << ones) - 1
    rotate = random.randrange(size)
    element = (element >> rotate | element << (size - rotate)) & ((1 << size) - 1)
    v = 0
    for i in range(0, bits, size):
        v |= element << i
    return v


for w, bits in (("w", 32), ("x", 64)):
    sp = "wsp" if w == "w" else "sp"
    for op in "and orr eor ands".split():
        for _ in range(12):
            draw(IMM, f"{op} {w}0, {w}1, #{bitmask(bits):#x}", [1], 2, op == "ands")
        draw(IMM, f"{op} {w}4, {w}zr, #{bitmask(bits):#x}", [], 1, op == "ands")
    draw(IMM, f"tst {w}1, #{bitmask(bits):#x}", [1], 4, True)
    draw(IMM, f"and {sp}, {w}1, #{bitmask(bits):#x}", [1], 2)
    draw(IMM, f"orr {sp}, {w}zr, #{bitmask(bits):#x}", [], 1)

# ---- Move wide
for w, halves in (("w", 2), ("x", 4)):
    for hw in range(halves):
        for imm in (0, 1, 0xffff, 0x8000, 0x1234):
            case(IMM, f"movz {w}0, #{imm:#x}, lsl #{16 * hw}")
            case(IMM, f"movn {w}0, #{imm:#x}, lsl #{16 * hw}")
            draw(IMM, f"movk {w}0, #{imm:#x}, lsl #{16 * hw}", [0], 1)
case(IMM, "movz xzr, #1")
case(IMM, "movk xzr, #1")

# ---- Bitfield, extract
for w, bits in (("w", 32), ("x", 64)):
    pairs = [(0, bits - 1), (1, bits - 1), (bits - 1, bits - 1), (bits - 1, 0), (bits - 1, bits - 2), (0, 0), (0, 7), (0, 15),
             (8, 15), (1, 0), (bits // 2, bits // 2 - 1), (4, bits - 2), (0, 31), (bits - 8, 7), (7, 7), (7, 6)]
    pairs += [(random.randrange(bits), random.randrange(bits)) for _ in range(16)]
    for op in ("sbfm", "ubfm", "bfm"):
        for immr, imms in pairs:
            draw(IMM, f"{op} {w}0, {w}1, #{immr}, #{imms}", [0, 1] if op == "bfm" else [1], 2)
        draw(IMM, f"{op} {w}0, {w}zr, #{bits - 4}, #7", [0] if op == "bfm" else [], 1)
        draw(IMM, f"{op} {w}0, {w}zr, #4, #7", [0] if op == "bfm" else [], 1)
        draw(IMM, f"{op} {w}5, {w}5, #3, #12", [5], 2)
        draw(IMM, f"{op} {w}zr, {w}1, #3, #12", [1], 1)
    for lsb in (0, 1, 8, bits // 2, bits - 1):
        draw(IMM, f"extr {w}0, {w}1, {w}2, #{lsb}", [1, 2], 2)
        draw(IMM, f"extr {w}0, {w}1, {w}1, #{lsb}", [1], 2)
    draw(IMM, f"extr {w}0, {w}zr, {w}2, #3", [2], 1)
    draw(IMM, f"extr {w}0, {w}1, {w}zr, #3", [1], 1)

# ---- Shifted register
for w, bits in (("w", 32), ("x", 64)):
    amounts = (1, 7, bits // 2, bits - 1)
    for op in "add adds sub subs".split():
        s = op in ("adds", "subs")
        draw(REG, f"{op} {w}0, {w}1, {w}2", [1, 2], 12, s)
        for shift in ("lsl", "lsr", "asr"):
            for amount in amounts:
                draw(REG, f"{op} {w}0, {w}1, {w}2, {shift} #{amount}", [1, 2], 2, s)
        draw(REG, f"{op} {w}3, {w}3, {w}3", [3], 2, s)
        draw(REG, f"{op} {w}0, {w}zr, {w}2", [2], 3, s)
        draw(REG, f"{op} {w}0, {w}1, {w}zr", [1], 2, s)
        draw(REG, f"{op} {w}zr, {w}1, {w}2", [1, 2], 4, s)
        draw(REG, f"{op} {w}0, {w}zr, {w}zr", [], 1, s)
    for op in "and bic orr orn eor eon ands bics".split():
        s = op in ("ands", "bics")
        draw(REG, f"{op} {w}0, {w}1, {w}2", [1, 2], 6, s)
        for shift in ("lsl", "lsr", "asr", "ror"):
            for amount in amounts:
                draw(REG, f"{op} {w}0, {w}1, {w}2, {shift} #{amount}", [1, 2], 1, s)
        draw(REG, f"{op} {w}0, {w}zr, {w}2", [2], 2, s)
        draw(REG, f"{op} {w}0, {w}1, {w}zr", [1], 2, s)
        draw(REG, f"{op} {w}zr, {w}1, {w}2", [1, 2], 2, s)
        draw(REG, f"{op} {w}0, {w}zr, {w}zr, asr #3", [], 1, s)
    for op in "adc adcs sbc sbcs".split():
        for nzcv in (0, 2, 13, 15):
            for _ in range(5):
                case(REG, f"{op} {w}0, {w}1, {w}2", {1: value(), 2: value()}, nzcv, op.endswith("s"))
            case(REG, f"{op} {w}0, {w}zr, {w}2", {2: value()}, nzcv, op.endswith("s"))
            case(REG, f"{op} {w}0, {w}1, {w}zr", {1: value()}, nzcv, op.endswith("s"))
            case(REG, f"{op} {w}zr, {w}1, {w}2", {1: value(), 2: value()}, nzcv, op.endswith("s"))

# ---- Extended register
for w in "wx":
    sp = "wsp" if w == "w" else "sp"
    for op in "add adds sub subs".split():
        s = op in ("adds", "subs")
        for extend in "uxtb uxth uxtw uxtx sxtb sxth sxtw sxtx".split():
            m = "x2" if w == "x" and extend.endswith("x") else "w2"
            for shift in (0, 1, 3, 4):
                draw(REG, f"{op} {w}0, {w}1, {m}, {extend} #{shift}", [1, 2], 1, s)
            draw(REG, f"{op} {w}0, {sp}, {m}, {extend} #2", [2, 31], 1, s)
        m = f"{w}2"
        lsl = "uxtx" if w == "x" else "uxtw"
        draw(REG, f"{op} {w}0, {sp}, {w}zr, {lsl} #1", [31], 1, s)
        if s:
            draw(REG, f"{op} {w}zr, {sp}, {m}, {lsl}", [2, 31], 2, s)
        else:
            draw(REG, f"{op} {sp}, {w}1, {m}, {lsl} #3", [1, 2], 2)
            draw(REG, f"{op} {sp}, {sp}, {m}, {lsl}", [2, 31], 2)

# ---- Two, one and three sources
for w, bits in (("w", 32), ("x", 64)):
    for op in ("lslv", "lsrv", "asrv", "rorv"):
        for amount in (0, 1, 31, 32, 33, 63, 64, 65, M64):
            case(REG, f"{op} {w}0, {w}1, {w}2", {1: value(), 2: amount})
        draw(REG, f"{op} {w}0, {w}1, {w}zr", [1], 1)
        draw(REG, f"{op} {w}0, {w}zr, {w}2", [2], 1)
    low = M64 if w == "x" else M32
    for op in ("udiv", "sdiv"):
        for a, b in ((7, 2), (-7, 2), (7, -2), (-7, -2), (1 << (bits - 1), -1), (1 << (bits - 1), 1), (5, 0), (0, 0), (-1, 0),
                     (0, 5), (-1, -1), (M32 << 8, 1 << 32), (1 << (bits - 1), 1 << (bits - 1))):
            case(REG, f"{op} {w}0, {w}1, {w}2", {1: a & M64, 2: b & M64})
        draw(REG, f"{op} {w}0, {w}1, {w}2", [1, 2], 8)
        draw(REG, f"{op} {w}0, {w}1, {w}zr", [1], 1)
    for op in ["rbit", "rev16", "rev", "clz", "cls"] + (["rev32"] if w == "x" else []):
        for v in EDGE:
            case(REG, f"{op} {w}0, {w}1", {1: v})
        draw(REG, f"{op} {w}0, {w}zr", [], 1)
        draw(REG, f"{op} {w}6, {w}6", [6], 3)
    for op in ("madd", "msub"):
        draw(REG, f"{op} {w}0, {w}1, {w}2, {w}3", [1, 2, 3], 10)
        draw(REG, f"{op} {w}0, {w}1, {w}2, {w}zr", [1, 2], 3)
        draw(REG, f"{op} {w}0, {w}1, {w}zr, {w}3", [1, 3], 1)
        draw(REG, f"{op} {w}4, {w}4, {w}4, {w}4", [4], 2)
for op in ("smaddl", "smsubl", "umaddl", "umsubl"):
    draw(REG, f"{op} x0, w1, w2, x3", [1, 2, 3], 10)
    draw(REG, f"{op} x0, w1, w2, xzr", [1, 2], 3)
    draw(REG, f"{op} x0, wzr, w2, x3", [2, 3], 1)
for op in ("smulh", "umulh"):
    draw(REG, f"{op} x0, x1, x2", [1, 2], 16)
    draw(REG, f"{op} x0, x1, xzr", [1], 1)
for c in ("crc32", "crc32c"):
    for size in "bhwx":
        m = "x2" if size == "x" else "w2"
        draw(REG, f"{c}{size} w0, w1, {m}", [1, 2], 6)
        draw(REG, f"{c}{size} w0, wzr, {m}", [2], 2)

# ---- Conditions
for cond in CONDS:
    for nzcv in range(16):
        case(FLG, f"csel x0, x1, x2, {cond}", {1: 0x1111111111111111, 2: 0x2222222222222222}, nzcv)
for w in "wx":
    for op in ("csel", "csinc", "csinv", "csneg"):
        for cond in CONDS:
            draw(FLG, f"{op} {w}0, {w}1, {w}2, {cond}", [1, 2], 2, nzcv=True)
        for cond in ("eq", "lt", "al"):
            for nzcv in (0, 4, 8, 9):
                case(FLG, f"{op} {w}0, {w}zr, {w}zr, {cond}", {}, nzcv)
                case(FLG, f"{op} {w}0, {w}1, {w}1, {cond}", {1: value()}, nzcv)
                case(FLG, f"{op} {w}0, {w}1, {w}zr, {cond}", {1: value()}, nzcv)
    for op in ("ccmp", "ccmn"):
        for cond in CONDS:
            for b in (f"{w}2", "#5", "#31"):
                draw(FLG, f"{op} {w}1, {b}, #{random.randrange(16)}, {cond}", [1, 2] if b[0] != "#" else [1], 3, True, True)
        draw(FLG, f"{op} {w}zr, {w}2, #3, ne", [2], 2, True, True)
        draw(FLG, f"{op} {w}1, #0, #3, ne", [1], 2, True, True)

# ---- Flag manipulation
for mask in range(16):
    for lsb in (0, 3, 28, 29, 61, 63):
        draw(FLG, f"rmif x1, #{lsb}, #{mask}", [1], 1, True, True)
draw(FLG, "rmif xzr, #3, #15", [], 2, True, True)
for op in ("setf8", "setf16"):
    for v in EDGE + [0x100, 0x10000, 0x180, 0x18000, 0x17f, 0x17fff]:
        case(FLG, f"{op} w1", {1: v}, random.randrange(16), True)
for op in ("cfinv", "xaflag", "axflag"):
    for nzcv in range(16):
        case(FLG, op, {}, nzcv, True)
for v in (0, 0xf0000000, M64, 0x50000000, 0x0fffffff):
    case(FLG, "msr nzcv, x1", {1: v}, random.randrange(16), True)
for nzcv in range(16):
    case(FLG, "mrs x0, nzcv", {}, nzcv)
case(FLG, "msr nzcv, xzr", {}, 15, True)

# ---- Run them. X28 is the harness's own; a state is x0...x30, SP, NZCV.
WORDS = 33
junk = [random.getrandbits(64) for _ in range(32)]
states = []
for file, text, inputs, nzcv, flags in cases:
    assert 28 not in inputs
    state = [inputs.get(n, junk[n]) for n in range(32)] + [(random.randrange(16) if nzcv is None else nzcv) << 28]
    states.append(state)

asm = ["    .arch armv8.5-a+crc+flagm", "    .globl run_all", "run_all:", "    adrp x9, saved", "    add x9, x9, :lo12:saved"]
asm += [f"    stp x{n}, x{n + 1}, [x9, #{8 * (n - 19)}]" for n in range(19, 30, 2)][:6]
asm += ["    mov x10, sp", "    stp x30, x10, [x9, #96]", "    adrp x28, states", "    add x28, x28, :lo12:states"]
for i, (file, text, inputs, nzcv, flags) in enumerate(cases):
    asm += ["    ldr x0, [x28, #256]", "    msr nzcv, x0", "    ldr x0, [x28, #248]", "    mov sp, x0"]
    asm += [f"    ldp x{n}, x{n + 1}, [x28, #{8 * n}]" for n in range(0, 28, 2)]
    asm += ["    ldp x29, x30, [x28, #232]", f"case{i}: {text}", "    stp x29, x30, [x28, #232]"]
    asm += [f"    stp x{n}, x{n + 1}, [x28, #{8 * n}]" for n in range(0, 28, 2)]
    asm += ["    mrs x0, nzcv", "    str x0, [x28, #256]", "    mov x0, sp", "    str x0, [x28, #248]"]
    asm += [f"    add x28, x28, #{8 * WORDS}"]
asm += ["    adrp x9, saved", "    add x9, x9, :lo12:saved", "    ldp x30, x10, [x9, #96]", "    mov sp, x10"]
asm += [f"    ldp x{n}, x{n + 1}, [x9, #{8 * (n - 19)}]" for n in range(19, 30, 2)][:6]
asm += ["    ret", "    .data", "    .balign 16", "saved: .skip 128", "    .globl words", "words:"]
asm += [f"    .quad case{i}" for i in range(len(cases))]
asm += ["    .globl states", "states:"] + ["    .quad " + ", ".join(hex(v) for v in s) for s in states]
main = """#include <stdint.h>
#include <stdio.h>
extern void run_all(void);
extern uint64_t states[], words[];
int main(void) {
    run_all();
    for (int i = 0; i < %d; i++) {
        uint64_t word = *(uint32_t *)words[i];
        fwrite(&word, 8, 1, stdout);
        fwrite(&states[i * %d], 8, %d, stdout);
    }
}
""" % (len(cases), WORDS, WORDS)
with tempfile.TemporaryDirectory() as tmp:
    open(f"{tmp}/run.s", "w").write("\n".join(asm) + "\n")
    open(f"{tmp}/main.c", "w").write(main)
    subprocess.run(["aarch64-linux-gnu-gcc", "-static", "-no-pie", "-o", f"{tmp}/run", f"{tmp}/main.c", f"{tmp}/run.s"], check=True)
    out = subprocess.run(["qemu-aarch64", "-cpu", "max", f"{tmp}/run"], check=True, stdout=subprocess.PIPE).stdout


def flag_text(nzcv):
    return "".join(c if nzcv >> (3 - i) & 1 else "." for i, c in enumerate("NZCV"))


def name(n):
    return "sp" if n == 31 else f"x{n}"


lines = {IMM: [], REG: [], FLG: []}
for i, (file, text, inputs, nzcv, flags) in enumerate(cases):
    word, *after = struct.unpack_from(f"<{WORDS + 1}Q", out, i * 8 * (WORDS + 1))
    before = states[i]
    left = [f"{name(n)}={v:#x}" for n, v in sorted(inputs.items())]
    if nzcv is not None:
        left.append(f"nzcv={flag_text(nzcv)}")
    right = [f"{name(n)}={after[n]:#x}" for n in range(32) if n != 28 and after[n] != before[n]]
    if flags or after[32] != before[32]:
        right.append(f"nzcv={flag_text(after[32] >> 28)}")
    lines[file].append(" | ".join((text, " ".join(left), " ".join(right), f"{word:08x}")))
for file, text in lines.items():
    with open(f"{HERE}/{file}.cases", "w") as f:
        f.write("# Written by generate.py from what qemu-aarch64 did; the format is in README.md.\n" + "\n".join(text) + "\n")
    print(file, len(text))
