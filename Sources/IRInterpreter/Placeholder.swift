package import EmuIR
package struct Predecoder {
    package init() {}
    package func predecode(_ block: IRBlock, tbIndex: UInt32) -> UnsafeMutableRawPointer { fatalError() }
    package static func release(_ p: UnsafeMutableRawPointer) {}
}
package enum IRInterpreter { package static var entry: UnsafeRawPointer { fatalError() } }
