/// What every group of measurements works with.
struct Bench {
    let options: Options
    let runner: Runner
    let report: Report
    let qemuMajorVersion: Int

    func guest(_ name: String) -> String { options.guests + "/" + name }
    func qemu(_ arguments: [String]) -> Command { Command(name: "qemu-aarch64", words: [options.qemu] + arguments) }
    func needletail(_ tier: String, options own: [String] = [], _ arguments: [String]) -> Command {
        let words = ["--tier=" + tier] + own
        return Command(
            name: "needletail " + words.joined(separator: " "), words: [options.needletail] + words + arguments)
    }
}
