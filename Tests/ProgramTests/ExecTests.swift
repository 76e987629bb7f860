import Foundation
import Testing

/// execve in its corners: what it refuses and keeps, programs without a path, the emulator's own descriptors.
@Suite struct ExecTests {
    @Test(arguments: [Tier.interp, .auto])
    func executesAsTheKernelDoes(_ tier: Tier) throws {
        let folder = try TemporaryFolder()
        let log = folder.path + "/log"
        let program = try Installation.program("execs", "O2")
        let actual = try needletail(["--tier=\(tier)", "-strace", "-D", log, program, "all"])
        #expect(
            actual.stdout == """
                no arguments: argc 1, argv[0] ''
                exe: in memory, argv[0] in memory
                descriptors 1
                exe: in memory, argv[0] in memory
                descriptors 1
                exe: self, argv[0] by path
                descriptors 1
                exe: self, argv[0] at
                descriptors 1
                execveat flags: EINVAL
                child: [self] [script] [/dev/fd/40] [b]
                script closed: ENOENT
                script without interpreter: ENOENT
                empty file: ENOEXEC
                no permission: EACCES
                folder: EACCES
                below a file: ENOTDIR
                no path: ENOENT
                bad path: EFAULT
                bad arguments: EFAULT
                bad argument: EFAULT
                bad environment: EFAULT
                link to itself: ELOOP
                child: [self] [path] [path] [path] [path] [path] [deep]
                seven scripts: ELOOP
                long argument: E2BIG
                long arguments: E2BIG
                ELF interpreter: ENOENT
                ELF interpreter: EACCES
                ELF interpreter: ELIBBAD
                ELF cut short: ENOEXEC
                written to: ETXTBSY
                child: [x] [y]
                listed as open: 1
                child: [x] [closed]
                child: [x] [closed]
                child: [x] [used]
                vfork: ENOENT
                spawn: ENOENT
                child: [x] [spawned]
                limits: files 77, nice 3, pending 1, umask 27
                from a thread
                thread: pid kept, main thread 1, threads 1

                """)
        #expect(actual.stderr == "")
        #expect(actual.status == .exit(0))
        // One log of all programs, those behind a close of everything included.
        let text = try String(contentsOfFile: log, encoding: .utf8)
        for word in ["\"closed\"", "\"used\"", "\"spawned\"", "\"thread\""] {
            #expect(text.contains("execve(\"") && text.contains(word), "the log misses \(word)")
        }
        #expect(text.components(separatedBy: "set_tid_address").count > 15)
    }

    @Test func runsScripts() throws {
        let folder = try TemporaryFolder()
        let arguments = try Installation.program("arguments", "O2")
        func script(_ name: String, _ text: String) throws -> String {
            try folder.writeExecutable(name, text)
        }
        let direct = try script("direct", "#! \(arguments) one word\nrest\n")
        let outcome = try needletail([direct, "a", ""])
        #expect(outcome.stdout == "0: \(arguments)\n1: one word\n2: \(direct)\n3: a\n4: \nexecfn \(arguments)\n")
        #expect(outcome.status == .exit(0))
        let nested = try script("nested", "#!\(direct)\n")
        #expect(
            try needletail([nested]).stdout == "0: \(arguments)\n1: one word\n2: \(direct)\n3: \(nested)\nexecfn \(arguments)\n")
        let foreign = try needletail([try script("foreign", "#!/bin/sh\nexit 3\n")])
        #expect(foreign.stderr == "needletail: cannot load '\(folder.path)/foreign': its interpreter is not an AArch64 program\n")
        #expect(foreign.status == .exit(1))
        let missing = try needletail([try script("missing", "#!/nonexistent\n")])
        #expect(missing.stderr == "needletail: cannot load '\(folder.path)/missing': No such file or directory\n")
    }

    /// The prefix is a root: absolute links stay inside, the kernel's file systems and /tmp are the host's.
    @Test func looksPathsUpUnderThePrefix() throws {
        let root = try TemporaryFolder()
        func make(_ path: String, _ text: String) throws {
            let url = URL(fileURLWithPath: root.path + path)
            try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        func link(_ path: String, _ target: String) throws {
            try FileManager.default.createSymbolicLink(atPath: root.path + path, withDestinationPath: target)
        }
        try make("/needletail/file", "inside\n")
        try make("/needletail/deep/other", "deep\n")
        try make("/proc/version", "wrong\n")
        try link("/needletail/absolute", "/needletail/file")
        try link("/needletail/relative", "deep/../../../../../needletail/file")
        try link("/needletail/folder", "/needletail/deep")
        try link("/needletail/loop", "/needletail/loop")
        try link("/needletail/outside", "/proc/version")
        let program = try Installation.program("arguments", "O2")
        func read(_ path: String) throws -> String {
            let text = try needletail(["-L", root.path, program, "read", path]).stdout
            return text.hasPrefix("read: ") ? String(text.dropFirst(6)) : text
        }
        for name in ["file", "absolute", "relative", "../needletail/./file", "deep/../absolute"] {
            #expect(try read("/needletail/\(name)") == "inside\n", "\(name)")
        }
        #expect(try read("/needletail/folder/other") == "deep\n")
        #expect(try read("/../needletail/folder/other") == "deep\n")
        let missing = try read("/needletail/missing")
        for name in ["loop", "outside", "folder/file", "file/x"] {
            #expect(try read("/needletail/\(name)") == missing, "\(name)")
        }
        #expect(try read("/proc/version") != "wrong\n")
        // A program that is not there on the host.
        try FileManager.default.copyItem(atPath: program, toPath: root.path + "/needletail/program")
        let found = try needletail(["-L", root.path, "/needletail/program", "read", "/needletail/absolute"])
        #expect(found.stdout == "read: inside\n")
    }

    /// All numbers, all kinds of pointers: an errno each time, never our own end.
    @Test(arguments: [Tier.interp, .auto])
    func survivesSenselessArguments(_ tier: Tier) throws {
        let actual = try needletail(["--tier=\(tier)", try Installation.program("syscalls", "O2")])
        #expect(actual.stdout == "0 wrong\n")
        #expect(actual.stderr == "" && actual.status == .exit(0))
    }

    @Test func showsTheGuestInProc() throws {
        let program = try Installation.program("procfiles", "O2")
        for tier in [Tier.interp, .auto] {
            let actual = try needletail(["--tier=\(tier)", program, "argument"]) { $0.environment = ["PROC_TEST": "1"] }
            #expect(actual == Outcome(stdout: "all as it should be\n", stderr: "", status: .exit(0)))
        }
    }

    @Test func inheritedOptionsReachExecutedPrograms() throws {
        let folder = try TemporaryFolder()
        let shell = try Installation.busybox()
        let script = "cd /; export C=3; \(shell) env | \(shell) grep '^[ABC]=' | \(shell) sort; \(shell) uname -r"
        let outcome = try needletail(["-E", "A=1", "-U", "B", "-r", "9.8.7", "-D", "log-%d", "-strace", shell, "sh", "-c", script])
        {
            $0.directory = folder.path
            $0.environment = ["B": "2"]
        }
        #expect(outcome.stdout == "A=1\nC=3\n9.8.7\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count >= 4)
        // A variable that the guest has unset stays so.
        let unset = try needletail(["-E", "A=1", shell, "sh", "-c", "unset A; \(shell) env | \(shell) grep -c '^A='"])
        #expect(unset.stdout == "0\n")
        let counts = try needletail(["-plugin", "insn", "-d", "plugin", shell, "sh", "-c", "\(shell) true; \(shell) false; :"])
        #expect(counts.stderr.components(separatedBy: "total insns").count == 4)
    }
}
