/// A C program without any header, for a compiler to work on: functions of loops, switches, structures, floating point and calls
/// of those before them.
func generatedSource(functions count: Int) -> String {
    var random = Random(seed: 7)
    func variable() -> String { ["a", "b", "c", "t", "u"][random.below(5)] }
    func expression(_ depth: Int) -> String {
        if depth == 0 {
            switch random.below(4) {
            case 0: return String(random.below(1000) + 1)
            case 1: return "table[\(variable()) & 63]"
            case 2: return "(int)p->f\(random.below(4))"
            default: return variable()
            }
        }
        let operators = ["+", "-", "*", "^", "|", "&", "<", "==", "+", "-"]
        return "(\(expression(depth - 1)) \(operators[random.below(operators.count)]) \(expression(depth - 1)))"
    }
    func statement(_ depth: Int, _ index: Int) -> String {
        let space = String(repeating: "    ", count: 4 - depth)
        func inner() -> String { statement(depth - 1, index) }
        if depth == 0 { return "\(space)\(variable()) = \(expression(2));\n" }
        switch random.below(7) {
        case 0: return "\(space)if (\(expression(2))) {\n\(inner())\(space)} else {\n\(inner())\(space)}\n"
        case 1:
            let name = "i\(depth)"
            return
                "\(space)for (int \(name) = 0; \(name) < (\(variable()) & 31); \(name)++) {\n\(inner())\(inner())\(space)    t += \(name);\n\(space)}\n"
        case 2:
            let cases = (0..<5).map { "\(space)case \($0 * 8 + random.below(8)):\n\(inner())\(space)    break;\n" }
            return "\(space)switch (\(variable()) & 63) {\n\(cases.joined())\(space)default: u ^= 5;\n\(space)}\n"
        case 3:
            return "\(space)p->d = p->d * 1.5 + \(variable()) / (p->d + 2.0);\n\(space)p->f\(random.below(4)) += \(variable());\n"
        case 4 where index > 0: return "\(space)\(variable()) = work\(random.below(index))(p, \(variable()), \(expression(1)));\n"
        case 5:
            return "\(space)while (\(variable()) > 3 && t-- > 0) {\n\(inner())\(space)    a >>= 1, b >>= 1, c >>= 1;\n\(space)}\n"
        default: return "\(space)table[\(variable()) & 63] = \(expression(3));\n\(space)\(variable()) += \(expression(2));\n"
        }
    }
    var text = "struct part { long f0; short f1; unsigned char f2; int f3; double d; struct part *next; };\nstatic int table[64];\n"
    for index in 0..<count {
        let body = (0..<2).map { _ in statement(3, index) }.joined()
        text +=
            "int work\(index)(struct part *p, int a, int b)\n{\n    int c = a ^ b, t = 40, u = \(index);\n\(body)    return a + b * 3 + c + t + u;\n}\n"
    }
    return text
}
