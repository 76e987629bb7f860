internal import CHost
internal import GuestState

// What a vCPU runs instead of a TB that is no longer right.
extension Engine {
    /// Guest code in `range` was written by other than the guest, in a callback on this vCPU or anywhere else on its thread. Nobody
    /// begins its TBs any more; the vCPU removes them as soon as it is outside.
    package func codeWasWritten(_ range: Range<UInt64>, on vcpu: VCPU) {
        cacheLock.withLock {
            for tb in cache.blocks(overlapping: range) { nt_tb_set_stale(tb.c) }
        }
        vcpu.noteStaleCode(range)
    }
}
