// generate-a64: writes the decoder, field structs and dispatch from Sources/A64ISA/Encodings.
//
//   generate-a64 ROOT             writes the generated files of the checkout at ROOT
//   generate-a64 --check ROOT     exits with 1 when a file differs from what would be written
//   generate-a64 --coverage ROOT  prints implemented and listed encodings per heading
import Glibc

@main
struct GenerateA64 {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard let root = arguments.last(where: { !$0.hasPrefix("--") }) else {
            fail("usage: generate-a64 [--check|--coverage] ROOT")
        }
        do {
            var table = EncodingTable()
            let folder = root + "/Sources/A64ISA/Encodings"
            for name in entries(of: folder) where name.hasSuffix(".encodings") {
                try table.read(read(folder + "/" + name) ?? "", file: name)
            }
            try table.checkAndOrder()
            let emitter = Emitter(table: table)
            if arguments.contains("--coverage") {
                print(emitter.coverage(), terminator: "")
                return
            }
            let files = [
                ("Sources/A64ISA/A64Encoding.generated.swift", emitter.encodings()),
                ("Sources/A64ISA/A64Fields.generated.swift", emitter.fields()),
                ("Sources/A64ISA/A64Decoder.generated.swift", emitter.decoder()),
                ("Sources/A64Translator/Dispatch.generated.swift", emitter.dispatch()),
            ]
            for (path, text) in files where read(root + "/" + path) != text {
                if arguments.contains("--check") { fail("\(path) is not what generate-a64 writes: run 'make generate'") }
                write(text, to: root + "/" + path)
                print("wrote \(path)")
            }
        } catch {
            fail("\(error.file):\(error.line): \(error.message)")
        }
    }

    private static func fail(_ message: String) -> Never {
        let line = "generate-a64: \(message)\n"
        _ = line.withCString { Glibc.write(2, $0, strlen($0)) }
        exit(1)
    }

    private static func entries(of folder: String) -> [String] {
        guard let directory = opendir(folder) else { fail("cannot open \(folder)") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.sorted()
    }

    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func write(_ text: String, to path: String) {
        guard let file = fopen(path, "w") else { fail("cannot write \(path)") }
        fputs(text, file)
        fclose(file)
    }
}
