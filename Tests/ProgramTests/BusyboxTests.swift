import Foundation
import Testing

/// Debian's arm64 busybox-static: the same output, messages and status as under qemu-aarch64, in every tier.
@Suite struct BusyboxTests {
    /// Files that commands work on; everything in them is fixed, times too.
    private func makeFiles(in folder: String) throws {
        let manager = FileManager.default
        var state: UInt64 = 3
        func random(_ limit: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % limit
        }
        let words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
        var table = ""
        for n in 0..<800 {
            table +=
                "\(words[Int(random(10))])\t\(random(100_000))\t\(n % 7).\(random(1000)) \(words[Int(random(10))])\n"
        }
        let numbers = (1...1500).map { "\($0)\n" }.joined()
        try manager.createDirectory(atPath: folder + "/d/e", withIntermediateDirectories: true)
        try manager.createDirectory(atPath: folder + "/empty", withIntermediateDirectories: true)
        for (name, text) in [
            ("table.txt", table), ("numbers.txt", numbers), ("d/small", "one\ntwo\n"), ("d/e/.hidden", ""),
        ] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        try Data((0..<5000).map { _ in UInt8(random(256)) }).write(to: URL(fileURLWithPath: folder + "/binary"))
        try manager.createSymbolicLink(atPath: folder + "/d/link", withDestinationPath: "../table.txt")
        chmod(folder + "/d/small", 0o640)
        for name in ["table.txt", "numbers.txt", "binary", "d/small", "d/e/.hidden", "d/e", "d/link", "d", "empty"] {
            var times = [timespec(tv_sec: 1_234_567_890, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
            utimensat(AT_FDCWD, "\(folder)/\(name)", &times, AT_SYMLINK_NOFOLLOW)
        }
    }

    private func run(
        _ command: [String], input: String = "", _ start: ([String], (inout Subprocess) -> Void) throws -> Outcome
    ) throws -> Outcome {
        let folder = try TemporaryFolder()
        try makeFiles(in: folder.path)
        return try start(command) {
            $0.directory = folder.path
            $0.input = input
        }
    }

    /// The arguments of one busybox call; the first is the applet.
    static let commands: [[String]] = [
        ["ls", "-lR", "d"], ["ls", "-ln", "--full-time", "d"], ["ls", "missing"],
        ["sort", "table.txt"], ["sort", "-rn", "numbers.txt"], ["sort", "-k2,2n", "-t\t", "table.txt"],
        ["sort", "-u", "-k1,1", "table.txt"], ["sort", "-k3,3g", "-s", "table.txt"],
        ["awk", "{s+=$2; p+=sqrt($2)} END{printf \"%d %.6f %e %g\\n\", s, p, p, p/7}", "table.txt"],
        ["awk", "BEGIN{print sin(1), cos(2), atan2(1,-3), exp(2.5), log(10), int(-3.9), 1/3, 2**10, 17%5, -17%5}"],
        [
            "awk", "{n[$1]++; t[$1]+=$3} END{for (k in n) printf \"%-10s|%5d|%8.3f\\n\", k, n[k], t[k]/n[k] | \"cat\"}",
            "table.txt",
        ],
        [
            "awk", "-F\t",
            "length($1)>4 && /ta/ {print NR\": \"toupper(substr($1,2,3)), sprintf(\"%05d|%x|%c|%10.2e\", $2, $2, 65+NR%26, $3)}",
            "table.txt",
        ],
        [
            "awk",
            "function f(n){return n<2?n:f(n-1)+f(n-2)} BEGIN{print f(17); s=\"a:b:c\"; n=split(s,a,\":\"); print n a[2]; gsub(/[ab]/,\"<&>\",s); print s, index(s,\"c\"), match(s,/c/)}",
        ],
        ["awk", "BEGIN{srand(5); while (i++<1000) x+=i*i/(i+1); print x; exit 3}"],
        ["sed", "-e", "s/\\([a-z]*\\)\t/<\\1>/", "-e", "/gamma/d", "table.txt"],
        ["sed", "-n", "10,20p;$=", "table.txt"],
        ["sed", "-e", "1!G;h;$!d", "d/small"], ["sed", "-E", "s/(.)(.)/\\2\\1/g;y/abc/ABC/", "table.txt"],
        ["sha256sum", "table.txt", "binary"],
        ["md5sum", "table.txt", "binary", "missing"],
        ["sha3sum", "binary"], ["cksum", "binary"],
        ["find", ".", "-name", "*.txt", "-size", "+1k"],
        ["find", "d", "-type", "f", "-newermt", "2001-01-01", "-o", "-type", "l"],
        ["find", "d", "-depth", "-perm", "0640", "-print"],
        ["dd", "if=binary", "bs=100", "count=7", "skip=3"],
        ["dd", "if=/dev/zero", "bs=1k", "count=3", "conv=sync", "of=out", "status=none"],
        ["date", "-u", "-d", "@1234567890"],
        ["date", "-u", "-d", "2024-02-29 12:34:56", "+%A %d %B %Y %j %U %H:%M:%S %s"],
        ["od", "-c", "binary"], ["xxd", "binary"], ["base64", "binary"],
        ["wc", "table.txt", "numbers.txt"], ["cut", "-f1,3", "table.txt"], ["tr", "a-z", "A-Z"],
        ["tail", "-n", "+1495", "numbers.txt"],
        ["grep", "-n", "-i", "GAMMA.*eta$", "table.txt"], ["grep", "-E", "-c", "^(alpha|beta).*[0-9]{4}", "table.txt"],
        ["grep", "nothing", "table.txt"], ["diff", "-u", "d/small", "numbers.txt"],
        ["cmp", "table.txt", "numbers.txt"],
        ["expr", "12345", "*", "6789"],
        ["factor", "1234567890123", "97"],
        ["bc", "-l"], ["dc", "-e", "2 64 ^ p 10 k 2 v p"],
        ["printf", "%5.2f|%x|%s|%b\\n", "3.14159", "255", "text", "a\\tb"],
        ["stat", "-c", "%n %s %a %F %Y", "table.txt", "d/link"], ["readlink", "d/link"],
        ["uname", "-sm"], ["env", "-i", "A=b"], ["false"], ["no-such-applet"],
        ["tsort", "d/small"],
    ]

    @Test(arguments: commands)
    func runsAsUnderQEMU(_ command: [String]) throws {
        let busybox = try Installation.busybox()
        let input = "scale=20; 4*a(1); 2^100; sqrt(2)\nHello, World\n"
        let expected = try run([busybox] + command, input: input, qemu)
        #expect(expected.status != .timeout)
        for tier in Tier.allCases {
            let actual = try run(["--tier=\(tier)", busybox] + command, input: input, needletail)
            expectSame(actual, expected, "busybox \(command) in tier \(tier)")
        }
    }

    /// Shell scripts of built-in commands only, so that qemu-aarch64 needs to execute nothing.
    static let scripts = [
        "i=0; while [ $i -lt 300 ]; do i=$((i+1)); [ $((i%50)) = 0 ] && echo $i; done; echo end $i",
        "f() { local n=$1; if [ $n -le 1 ]; then echo 1; else echo $((n * $(f $((n-1))))); fi; }; f 10",
        "for f in *.txt d/*; do echo \"<$f>\"; done; set -- a 'b c' d; echo $# \"$2\" \"$@\"; shift; echo \"$*\"",
        "echo one two three | while read a b; do echo \"$b-$a\"; done; (exit 3); echo $?; { echo x; echo y; } | { read q; echo got $q; }",
        "(cd d && pwd | { read p; echo ${p##*/}; }); x=1; (x=2; echo $x); echo $x",
        "trap 'echo trapped; exit 9' TERM; trap 'echo leaving' EXIT; kill -TERM $$; echo not here",
        "trap 'echo usr1' USR1; kill -USR1 $$; echo after; trap - USR1; kill -USR1 $$; echo not here",
        "cat() { while IFS= read -r l; do echo \"| $l\"; done; }; cat <<END\none $((1+1))\n  three\nEND\ncat <<'END'\nraw $x\nEND",
        "echo a >f; echo b >>f; read x <f; echo $x; { echo err >&2; } 2>&1; exec 3<f; read y <&3; read z <&3; echo $y$z",
        "(echo bg; exit 4) & p=$!; wait $p; echo status $?; (exit 2) & (exit 5) & wait; echo all $?",
        "n=0; for i in 1 2 3 4; do (exit $i) & eval p$i=$!; done; for i in 4 3 2 1; do eval wait \\$p$i; n=$((n*10+$?)); done; echo $n",
        "s=abcdef; echo ${s#ab} ${s%ef} ${#s} ${s:-x} ${u:-default} ${s:2:3} ${s/cd/XX}; case $s in a*f) echo match;; *) echo no;; esac",
        "echo $((0x1f + 010 * 3 - 7 / 2 % 3)) $((1 << 40)) $((-7 / 2)) $((5 > 3 && 2 < 1)) $((~0))",
        "printf '%s %d %05.1f %x\\n' text 42 3.14159 255; printf '%b' 'a\\nb\\n'; echo -e 'x\\ty' | { read l; echo \"$l\"; }",
        "set -e; false || echo handled; (false; echo not here); echo not here either",
        "a=1; b=; [ -z \"$b\" ] && [ $a -eq 1 -a -f table.txt ] && [ -d d ] && [ ! -e missing ] && echo tests; test 3 -gt 10 || echo less",
        "getopts ab: o -a -b val; echo $o; getopts ab: o -a -b val; echo $o $OPTARG; unset x; echo ${x+set}${x-unset}; readonly r=1; r=2; echo no",
        "command -v echo; type while; alias ll='ls -l'; alias ll; umask 027; umask; ulimit -n 50; ulimit -n; times >/dev/null && echo ok",
        "{ i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; } | { n=0; while read x; do n=$((n+1)); done; echo $n; }",
        "missing-command; echo $?; . ./missing-file; echo not here", "if then", "exit 42", "kill -9 $$",
        "f() { return $1; }; f 7; echo $?; f 300; echo $?; eval 'x=5; echo $x'; echo \"$(echo nested $(echo deeper))\" `echo old`",
    ]

    @Test(arguments: scripts)
    func interpretsScriptsAsUnderQEMU(_ script: String) throws {
        let busybox = try Installation.busybox()
        let expected = try run([busybox, "sh", "-c", script], qemu)
        #expect(expected.status != .timeout)
        for tier in Tier.allCases {
            let actual = try run(["--tier=\(tier)", busybox, "sh", "-c", script], needletail)
            expectSame(actual, expected, "sh -c '\(script)' in tier \(tier)")
        }
    }

    /// Commands that make files: what they made is compared, too (not the times of unpacked links and folders, which nothing sets).
    static let makers: [[[String]]] = [
        [
            ["gzip", "-k", "table.txt"], ["zcat", "table.txt.gz"], ["gunzip", "-c", "table.txt.gz"],
            ["sha256sum", "table.txt.gz"],
        ],
        [["gzip", "-1", "binary"], ["ls", "-l", "d"], ["gunzip", "binary.gz"], ["sha256sum", "binary"]],
        [["bzip2", "-k", "table.txt"], ["sha256sum", "table.txt.bz2"], ["bunzip2", "-c", "table.txt.bz2"]],
        [
            ["tar", "cf", "t.tar", "d", "table.txt"], ["tar", "tvf", "t.tar"], ["sha256sum", "t.tar"], ["mkdir", "x"],
            ["tar", "xf", "t.tar", "-C", "x"], ["ls", "-R", "x/d"],
            ["stat", "-c", "%n %a %Y %s", "x/d/small"], ["cat", "x/table.txt"],
        ],
        [
            ["tar", "czf", "t.tgz", "d"], ["tar", "tzf", "t.tgz"], ["rm", "-r", "d"], ["tar", "xzvf", "t.tgz"],
            ["ls", "-R", "d"], ["stat", "-c", "%n %a %Y %s", "d/small"],
        ],
        [
            ["cp", "-a", "d", "copy"], ["mv", "copy/small", "copy/moved"], ["ln", "-s", "nowhere", "copy/dangling"],
            ["ln", "copy/moved", "copy/hard"], ["stat", "-c", "%n %F %a %h", "copy/moved", "copy/dangling", "copy/hard"],
            ["rm", "-rf", "copy"], ["ls"],
        ],
        [
            ["mkdir", "-p", "a/b/c"], ["touch", "-d", "2001-02-03 04:05:06", "a/b/file"],
            ["chmod", "u=rw,go=", "a/b/file"], ["stat", "-c", "%a %Y %s", "a/b/file"], ["rmdir", "a/b/c"],
            ["truncate", "-s", "12345", "a/b/file"], ["wc", "-c", "a/b/file"], ["rmdir", "a"],
        ],
        [
            ["split", "-l", "300", "table.txt", "part"], ["ls"], ["cat", "partaa", "partab", "partac"],
            ["tee", "copy"], ["cat", "copy"],
        ],
        [["cpio", "-H", "newc", "-o", "-F", "a.cpio"], ["cpio", "-t", "-F", "a.cpio"]],
    ]

    @Test(arguments: makers)
    func makesFilesAsUnderQEMU(_ commands: [[String]]) throws {
        let busybox = try Installation.busybox()
        func runAll(_ prefix: [String], _ start: ([String], (inout Subprocess) -> Void) throws -> Outcome) throws
            -> [Outcome]
        {
            let folder = try TemporaryFolder()
            try makeFiles(in: folder.path)
            return try commands.map { command in
                try start(prefix + [busybox] + command) {
                    $0.directory = folder.path
                    $0.input = "table.txt\nbinary\n"
                }
            }
        }
        let expected = try runAll([], qemu)
        for tier in Tier.allCases {
            let actual = try runAll(["--tier=\(tier)"], needletail)
            for (n, command) in commands.enumerated() {
                expectSame(actual[n], expected[n], "busybox \(command), step \(n + 1), in tier \(tier)")
            }
        }
    }

    /// Scripts whose commands are arm64 programs: Needletail executes them through itself, where qemu-aarch64 needs binfmt_misc.
    @Test(arguments: Tier.allCases)
    func executesGuestCommands(_ tier: Tier) throws {
        let busybox = try Installation.busybox()
        let folder = try TemporaryFolder()
        try makeFiles(in: folder.path)
        let bin = folder.path + "/bin"
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
        for applet in [
            "sh", "wc", "sort", "head", "cat", "tr", "uname", "env", "xargs", "find", "basename", "sleep", "yes", "sed",
        ] {
            try FileManager.default.createSymbolicLink(atPath: "\(bin)/\(applet)", withDestinationPath: busybox)
        }
        try Data("#!\(bin)/sh\necho script $0 $1 | sed 's,/.*/,,'\n".utf8).write(
            to: URL(fileURLWithPath: bin + "/script"))
        chmod(bin + "/script", 0o755)
        let script = """
            uname -m; cat numbers.txt | sort -rn | head -n 2; wc -l <table.txt
            find d -type f | sort | xargs -n 1 basename
            A=b env | sort | sed -n '/^A=/p'
            sh -c 'echo inner $0 $1; exit 6' x y; echo $?
            script arg; yes | head -n 1; sleep 0.01 & wait; echo waited
            sh -c 'kill -9 $$'; echo $?
            echo hello | tr a-z A-Z | { cat; cat numbers.txt | head -n 1; }
            """
        let outcome = try needletail(["--tier=\(tier)", busybox, "sh", "-c", script]) {
            $0.directory = folder.path
            $0.environment["PATH"] = bin
        }
        #expect(
            outcome.stdout == """
                aarch64
                1500
                1499
                800
                .hidden
                small
                A=b
                inner x y
                6
                script script arg
                y
                waited
                137
                HELLO
                1

                """)
        #expect(outcome.stderr == "Killed\n")
        #expect(outcome.status == .exit(0))
    }
}
