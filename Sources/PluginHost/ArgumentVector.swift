internal import Glibc

/// argc and argv of an install call: exactly `count` C strings, no terminating NULL, no array at all for none.
final class ArgumentVector {
    let count: Int
    let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?

    init(_ arguments: [String]) {
        count = arguments.count
        guard !arguments.isEmpty else {
            pointer = nil
            return
        }
        let array = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: arguments.count)
        for (index, argument) in arguments.enumerated() { (array + index).initialize(to: strdup(argument)) }
        pointer = array
    }

    deinit {
        guard let pointer else { return }
        for index in 0..<count { free(pointer[index]) }
        pointer.deallocate()
    }
}

/// A C string for the process's life: plugins may keep the pointer.
struct PermanentCString: @unchecked Sendable {
    // @unchecked: never written after init.
    let pointer: UnsafePointer<CChar>
    init(_ text: String) { pointer = UnsafePointer(strdup(text)) }
}
