/// A guest virtual address. In user mode it is also the host address.
package typealias GuestAddress = UInt64

/// The smallest unit of mapping and protection of the guest, in bytes.
package let guestPageSize: UInt64 = 4096

package struct PageProtection: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let read = PageProtection(rawValue: 1)
    package static let write = PageProtection(rawValue: 2)
    package static let execute = PageProtection(rawValue: 4)
    /// PROT_BTI: indirect branches must find landing pads.
    package static let guarded = PageProtection(rawValue: 8)
}

/// One guest mapping: a page-aligned, non-empty range and what the guest asked for.
package struct VMA: Equatable, Sendable {
    package var range: Range<GuestAddress>
    /// The guest's protection. The host's never has execute; see `AddressSpace`.
    package var protection: PageProtection
    /// MAP_SHARED; shown in `/proc/self/maps`.
    package var isShared: Bool
    /// What the range is when the host cannot know: `[stack]`, `[heap]`.
    package var label: Label
    /// What a fork child finds here.
    package var inheritance: Inheritance
    /// The file whose code this is, in the address space's list; 0 none.
    package var image: UInt32

    package enum Inheritance: UInt8, Sendable {
        case copied
        /// MADV_DONTFORK.
        case absent
        /// MADV_WIPEONFORK: pages of zeros.
        case wiped
    }

    package enum Label: UInt8, Sendable {
        case none
        case stack
        case heap
    }

    package init(
        range: Range<GuestAddress>, protection: PageProtection, isShared: Bool = false, label: Label = .none,
        inheritance: Inheritance = .copied, image: UInt32 = 0
    ) {
        self.range = range
        self.protection = protection
        self.isShared = isShared
        self.label = label
        self.inheritance = inheritance
        self.image = image
    }

    fileprivate func hasSameAttributes(as other: VMA) -> Bool {
        protection == other.protection && isShared == other.isShared && label == other.label
            && inheritance == other.inheritance && image == other.image
    }
}

/// The guest's mappings, sorted, disjoint, neighbours with equal attributes merged.
///
/// Ranges given to it are page-aligned; empty ones do nothing. Lookup is O(log n); changes are O(n) moves of small
/// values.
package struct VMAMap: Sendable {
    package private(set) var areas: [VMA] = []

    package init() {}

    /// Index of the first area that ends after `address`.
    private func firstIndex(endingAfter address: GuestAddress) -> Int {
        var low = 0
        var high = areas.count
        while low < high {
            let middle = (low + high) / 2
            if areas[middle].range.upperBound <= address { low = middle + 1 } else { high = middle }
        }
        return low
    }

    package func area(at address: GuestAddress) -> VMA? {
        let index = firstIndex(endingAfter: address)
        guard index < areas.count, areas[index].range.contains(address) else { return nil }
        return areas[index]
    }

    /// Areas that touch `range`, uncut.
    package func areas(overlapping range: Range<GuestAddress>) -> ArraySlice<VMA> {
        let first = firstIndex(endingAfter: range.lowerBound)
        var end = first
        while end < areas.count, areas[end].range.lowerBound < range.upperBound { end += 1 }
        return range.isEmpty ? areas[first..<first] : areas[first..<end]
    }

    /// Parts of `range` that no area covers.
    package func gaps(in range: Range<GuestAddress>) -> [Range<GuestAddress>] {
        var result: [Range<GuestAddress>] = []
        var at = range.lowerBound
        for area in areas(overlapping: range) {
            if at < area.range.lowerBound { result.append(at..<area.range.lowerBound) }
            at = max(at, area.range.upperBound)
        }
        if at < range.upperBound { result.append(at..<range.upperBound) }
        return result
    }

    package func covers(_ range: Range<GuestAddress>) -> Bool { gaps(in: range).isEmpty }

    /// True when every page of `range` is mapped with all of `protection`.
    package func allows(_ protection: PageProtection, _ range: Range<GuestAddress>) -> Bool {
        covers(range) && areas(overlapping: range).allSatisfy { $0.protection.isSuperset(of: protection) }
    }

    /// True when some page of `range` is executable.
    package func hasExecutable(in range: Range<GuestAddress>) -> Bool {
        areas(overlapping: range).contains { $0.protection.contains(.execute) }
    }

    /// Maps `area`, replacing what was in its range.
    package mutating func insert(_ area: VMA) {
        guard !area.range.isEmpty else { return }
        replace(area.range) { _ in [] }
        let index = firstIndex(endingAfter: area.range.lowerBound)
        areas.insert(area, at: index)
        merge(around: index..<index + 1)
    }

    package mutating func remove(_ range: Range<GuestAddress>) {
        replace(range) { _ in [] }
    }

    /// Changes the protection of the mapped parts of `range`.
    package mutating func protect(_ range: Range<GuestAddress>, _ protection: PageProtection) {
        change(range) { $0.protection = protection }
    }

    /// Changes what a fork child finds in the mapped parts of `range`.
    package mutating func setInheritance(_ range: Range<GuestAddress>, _ inheritance: VMA.Inheritance) {
        change(range) { $0.inheritance = inheritance }
    }

    private mutating func change(_ range: Range<GuestAddress>, _ body: (inout VMA) -> Void) {
        replace(range) { parts in
            parts.map {
                var part = $0
                body(&part)
                return part
            }
        }
    }

    /// Cuts areas at the ends of `range` and puts what `change` makes of the inner parts in their place.
    private mutating func replace(_ range: Range<GuestAddress>, _ change: ([VMA]) -> [VMA]) {
        let touched = areas(overlapping: range)
        guard !touched.isEmpty else { return }
        var inner: [VMA] = []
        var before: VMA?
        var after: VMA?
        for area in touched {
            var part = area
            if area.range.lowerBound < range.lowerBound {
                before = area
                before?.range = area.range.lowerBound..<range.lowerBound
                part.range = range.lowerBound..<part.range.upperBound
            }
            if area.range.upperBound > range.upperBound {
                after = area
                after?.range = range.upperBound..<area.range.upperBound
                part.range = part.range.lowerBound..<range.upperBound
            }
            inner.append(part)
        }
        var replacement: [VMA] = []
        if let before { replacement.append(before) }
        replacement += change(inner)
        if let after { replacement.append(after) }
        let indices = touched.indices
        areas.replaceSubrange(indices, with: replacement)
        merge(around: indices.lowerBound..<indices.lowerBound + replacement.count)
    }

    /// Merges equal neighbours inside `indices` and across its two ends.
    private mutating func merge(around indices: Range<Int>) {
        var index = min(indices.upperBound, areas.count - 1)
        let first = max(indices.lowerBound, 1)
        while index >= first {
            let left = areas[index - 1]
            if left.range.upperBound == areas[index].range.lowerBound, left.hasSameAttributes(as: areas[index]) {
                areas[index - 1].range = left.range.lowerBound..<areas[index].range.upperBound
                areas.remove(at: index)
            }
            index -= 1
        }
    }
}
