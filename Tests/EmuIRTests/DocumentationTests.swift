import EmuIR
import Foundation
import Testing

/// `Documentation/IR.md` against the table and the printer.
@Suite struct DocumentationTests {
    private static let page: String = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return (try? String(contentsOf: root.appending(path: "Documentation/IR.md"), encoding: .utf8)) ?? ""
    }()

    @Test func listsEveryOperationAsTheTableHasIt() throws {
        let section = try #require(Self.page.range(of: "\n## The operations\n"))
        let rows = Self.page[section.upperBound...].split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
        let expected = Opcode.table.map(Self.row)
        for row in expected where !rows.contains(row) { Issue.record("missing: \(row)") }
        for row in rows where !expected.contains(row) { Issue.record("not in the table: \(row)") }
        #expect(rows.count == expected.count)
    }

    /// What stands in the page is what the printer prints, but for the comments.
    @Test func examplesAreValidAndPrintAsTheyStand() throws {
        let examples = Self.page.components(separatedBy: "```").filter { $0.hasPrefix("\nblock ") }
        #expect(examples.count == 2)
        for example in examples {
            let block = try IRParser.parse(example)
            try IRVerifier.verify(block)
            let lines = example.split(separator: "\n").map { $0.components(separatedBy: "  ;")[0] }
            #expect(block.text.split(separator: "\n").map(String.init) == lines)
        }
    }

    private static func row(_ info: OpcodeInfo) -> String {
        let cells = [
            "`\(info.name)`", info.types.map { "\($0.name)" }.joined(separator: " "),
            info.operands.map(text).joined(separator: ", "), text(info.result),
            [info.aux, info.flags, info.imm, info.imm2].compactMap(text).joined(separator: ", "), text(info.effects),
            "\(info.meaning)".replacing("|", with: "\\|"),
        ]
        return "| " + cells.joined(separator: " | ") + " |"
    }

    private static func text(_ rule: OperandRule) -> String {
        switch rule {
        case .fixed(let type): "\(type.name)"
        case .own: "T"
        case .any: "any"
        case .optional: "any?"
        }
    }

    private static func text(_ rule: ResultRule) -> String {
        switch rule {
        case .none: ""
        case .fixed(let type): "\(type.name)"
        case .own: "T"
        }
    }

    private static func text(_ field: Field) -> String? {
        switch field {
        case .unused: nil
        case .hex(let key), .signed(let key): "\(key)"
        case .number(let key, below: let bound): "\(key) < \(bound)"
        case .slot: "register"
        case .condition: "condition"
        case .atomicOp: "atomic operator"
        case .fenceKind: "fence kind"
        case .exceptionKind: "exception kind"
        case .memFlags: "flags"
        case .helper: "helper"
        case .fpBinary, .fpUnary: "floating-point operation"
        }
    }

    private static func text(_ effects: Effects) -> String {
        let names: [(Effects, String)] = [
            (.readsFlags, "rF"), (.writesFlags, "wF"), (.readsState, "rS"), (.writesState, "wS"), (.readsMemory, "rM"),
            (.writesMemory, "wM"), (.mayFault, "fault"), (.terminator, "end"), (.observer, "obs"), (.barrier, "bar"),
            (.floatingPoint, "fp"),
        ]
        return names.filter { effects.contains($0.0) }.map(\.1).joined(separator: " ")
    }
}
