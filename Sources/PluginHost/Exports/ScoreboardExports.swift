// Scoreboards and the u64 helpers: section 1.9 of the interface. Called from execution callbacks, so apart from new and free
// there is no lock, allocation or host object on the way: the handle leads to everything.

public import CPluginAPI
internal import Glibc

@c(qemu_plugin_scoreboard_new)
public func pluginScoreboardNew(_ elementSize: Int) -> OpaquePointer? {
    guard let host = PluginHost.active else { return nil }
    guard let handle = host.scoreboards.allocate(elementSize: elementSize) else {
        // The interface has no failure value here, and plugins do not expect one.
        pluginDiagnostic("no room for a plugin's scoreboard with elements of \(UInt(bitPattern: elementSize)) bytes")
        abort()
    }
    return OpaquePointer(handle)
}

@c(qemu_plugin_scoreboard_free)
public func pluginScoreboardFree(_ score: OpaquePointer?) {
    guard score != nil, let scoreboard = ScoreboardHandles.scoreboard(score) else { return }
    PluginHost.active?.scoreboards.free(scoreboard)
}

/// NULL for an index that never had a vCPU.
@c(qemu_plugin_scoreboard_find)
public func pluginScoreboardFind(_ score: OpaquePointer?, _ index: CUnsignedInt) -> UnsafeMutableRawPointer? {
    guard let scoreboard = ScoreboardHandles.scoreboard(score) else { return nil }
    return scoreboard.pointee.element(index) ?? noElement(index)
}

private func noElement(_ index: UInt32) -> UnsafeMutableRawPointer? {
    pluginDiagnostic("a plugin asked for the scoreboard element of vCPU \(index), which there has never been")
    return nil
}

/// The 64-bit member of a vCPU; nil for what is none, of which `complain` tells. Members may be unaligned.
@inline(__always)
private func member(_ entry: qemu_plugin_u64, _ index: UInt32) -> UnsafeMutableRawPointer? {
    // An offset is a size_t: what is negative here is a large one.
    guard let scoreboard = ScoreboardHandles.live(UInt(bitPattern: entry.score)),
        UInt(bitPattern: entry.offset) <= UInt(bitPattern: scoreboard.pointee.size &- 8)
    else { return nil }
    return scoreboard.pointee.element(index)?.advanced(by: entry.offset)
}

/// Out of line and last, so that those who count keep nothing for it.
@inline(never)
private func complain(_ entry: qemu_plugin_u64, _ index: UInt32) {
    if scoreboard(entry) != nil { _ = noElement(index) }
}

/// The scoreboard of an entry that lies within an element.
private func scoreboard(_ entry: qemu_plugin_u64) -> UnsafeMutablePointer<Scoreboard>? {
    guard let scoreboard = ScoreboardHandles.scoreboard(entry.score) else { return nil }
    if UInt(bitPattern: entry.offset) <= UInt(bitPattern: scoreboard.pointee.size &- 8) { return scoreboard }
    pluginDiagnostic("a plugin named an entry outside its scoreboard's elements")
    return nil
}

@c(qemu_plugin_u64_add)
public func pluginU64Add(_ entry: qemu_plugin_u64, _ index: CUnsignedInt, _ added: UInt64) {
    guard let member = member(entry, index) else { return complain(entry, index) }
    member.storeBytes(of: member.loadUnaligned(as: UInt64.self) &+ added, as: UInt64.self)
}

@c(qemu_plugin_u64_get)
public func pluginU64Get(_ entry: qemu_plugin_u64, _ index: CUnsignedInt) -> UInt64 {
    guard let member = member(entry, index) else {
        complain(entry, index)
        return 0
    }
    return member.loadUnaligned(as: UInt64.self)
}

@c(qemu_plugin_u64_set)
public func pluginU64Set(_ entry: qemu_plugin_u64, _ index: CUnsignedInt, _ value: UInt64) {
    guard let member = member(entry, index) else { return complain(entry, index) }
    member.storeBytes(of: value, as: UInt64.self)
}

@c(qemu_plugin_u64_sum)
public func pluginU64Sum(_ entry: qemu_plugin_u64) -> UInt64 {
    guard let scoreboard = scoreboard(entry) else { return 0 }
    var sum: UInt64 = 0
    var index: UInt32 = 0
    while let element = scoreboard.pointee.element(index) {
        sum &+= (element + entry.offset).loadUnaligned(as: UInt64.self)
        index += 1
    }
    return sum
}
