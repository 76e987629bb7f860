internal import CInterpreter

/// Tier 0: what the engine stores as the entry of a TB that has cells.
package enum IRInterpreter {
    /// For `nt_tb_set_entry`. The TB's `ops` must point to cells from `Predecoder.predecode`.
    package static var entry: UnsafeMutableRawPointer { nt_interp_entry_address() }
}
