/// A growing list of plain values that its owner uses again and again: an array without reference count, check for a shared
/// copy or bounds, which together cost a translator of many small blocks more than its work. `assert` checks bounds in debug
/// builds.
///
/// Public, as all that is to be inlined into other modules: Swift 6.3 inlines no `package` declaration there.
public struct Scratch<Element: BitwiseCopyable>: ~Copyable {
    public private(set) var base: UnsafeMutablePointer<Element>
    public private(set) var capacity: Int
    /// Elements in use, 0...capacity.
    public var count = 0

    /// - Parameter capacity: Elements that fit before it grows; at least 1.
    public init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(capacity: capacity)
    }
    deinit { base.deallocate() }

    @inlinable public subscript(_ index: Int) -> Element {
        get {
            assert(0 <= index && index < count)
            return base[index]
        }
        _modify {
            assert(0 <= index && index < count)
            yield &base[index]
        }
    }

    @inlinable public mutating func append(_ element: Element) {
        if count == capacity { grow(to: count + 1) }
        (base + count).initialize(to: element)
        count += 1
    }
    @inlinable @discardableResult public mutating func removeLast() -> Element {
        assert(count > 0)
        count -= 1
        return base[count]
    }
    @inlinable public mutating func popLast() -> Element? { count == 0 ? nil : removeLast() }
    @inlinable public mutating func removeAll() { count = 0 }

    /// Makes it `count` times the same element.
    @inlinable public mutating func fill(_ element: Element, count newCount: Int) {
        reserve(newCount)
        base.initialize(repeating: element, count: newCount)
        count = newCount
    }
    /// Makes it `count` elements that hold anything, for a caller that writes each before it reads it.
    @inlinable public mutating func resize(_ newCount: Int) {
        reserve(newCount)
        count = newCount
    }

    @inlinable public mutating func reserve(_ wanted: Int) { if wanted > capacity { grow(to: wanted) } }

    @inline(never) @usableFromInline mutating func grow(to wanted: Int) {
        let larger = max(wanted, capacity * 2)
        let copy = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        copy.update(from: base, count: count)
        base.deallocate()
        base = copy
        capacity = larger
    }

    @inlinable public var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: count) }
}
