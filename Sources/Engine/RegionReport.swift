internal import EmuIR
internal import LLVMBackend
internal import Support

/// What `-d region` says.
enum RegionReport {
    static func line(_ plan: RegionPlan, bytes: Int, nanoseconds: UInt64, _ isCurrent: Bool) -> String {
        let region = plan.unit
        let inside = Set(region.units.map(\.block.pc))
        let instructions = region.units.reduce(0) { $0 + $1.block.guestInstructionCount }
        var exits = 0
        var loops = 0
        for unit in region.units {
            for next in unit.block.directSuccessors {
                if !inside.contains(next) { exits += 1 } else if next <= unit.block.pc { loops += 1 }
            }
            if unit.block.insts.last?.op == .branchIndirect { exits += 1 }
        }
        let head = region.units[0].block
        let why = loops > 0 ? "loop" : "hot code without a loop"
        let stay = plan.averageStay.map { ", stays of \($0) instructions" } ?? ""
        return
            "region \(hex(head.pc)): \(why), \(region.units.count) TBs, \(instructions) instructions, \(loops) ways back, \(exits) exits\(stay), "
            + "\(bytes) bytes, \(nanoseconds / 1000) us\(isCurrent ? "" : ", thrown away: guest code changed, or another thread was first")\n  TBs "
            + region.units.map { hex($0.block.pc) }.joined(separator: " ") + "\n"
    }
}
