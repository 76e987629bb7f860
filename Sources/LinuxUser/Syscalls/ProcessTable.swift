/// Rows of calls about processes, threads, identity and signals.
extension SyscallTable.Builder {
    mutating func addProcess() {
        host(30, "ioprio_set", "ddd")
        host(31, "ioprio_get", "dd")
        host(90, "capget", "pp")
        host(91, "capset", "pp")
        emulate(92, "personality", "x") { t, a throws(LinuxErrno) in try t.personality(a) }
        emulate(93, "exit", "d") { thread, a throws(LinuxErrno) in try thread.exit(a) }
        emulate(94, "exit_group", "d") { thread, a throws(LinuxErrno) in thread.exitGroup(a) }
        host(95, "waitid", "ddpxp")
        emulate(96, "set_tid_address", "p") { thread, a throws(LinuxErrno) in thread.setTIDAddress(a) }
        emulate(97, "unshare", "x") { t, a throws(LinuxErrno) in try t.unshare(a) }
        host(98, "futex", "pxdppd")
        emulate(99, "set_robust_list", "pl") { t, a throws(LinuxErrno) in try t.setRobustList(a) }
        host(100, "get_robust_list", "dpp")
        refuse(104, "kexec_load", "plpx", "not for a guest process")
        refuse(105, "init_module", "pls", "the host's kernel is another architecture")
        refuse(106, "delete_module", "sx", "see init_module")
        refuse(117, "ptrace", "ldpp", "one emulator process cannot trace another's guest")
        host(118, "sched_setparam", "dp")
        host(119, "sched_setscheduler", "ddp")
        host(120, "sched_getscheduler", "d")
        host(121, "sched_getparam", "dp")
        host(122, "sched_setaffinity", "dlp")
        host(123, "sched_getaffinity", "dlp")
        host(124, "sched_yield", "")
        host(125, "sched_get_priority_max", "d")
        host(126, "sched_get_priority_min", "d")
        host(127, "sched_rr_get_interval", "dp")
        emulate(128, "restart_syscall", "") { _, _ throws(LinuxErrno) in throw .EINTR }
        host(129, "kill", "dS")
        host(130, "tkill", "dS")
        host(131, "tgkill", "ddS")
        emulate(132, "sigaltstack", "pp") { t, a throws(LinuxErrno) in try t.sigaltstack(a) }
        emulate(133, "rt_sigsuspend", "pl") { t, a throws(LinuxErrno) in try t.sigsuspend(a) }
        emulate(134, "rt_sigaction", "Sppl") { t, a throws(LinuxErrno) in try t.sigaction(a) }
        emulate(135, "rt_sigprocmask", "Hppl") { t, a throws(LinuxErrno) in try t.sigprocmask(a) }
        emulate(136, "rt_sigpending", "pl") { t, a throws(LinuxErrno) in try t.sigpending(a) }
        emulate(137, "rt_sigtimedwait", "pppl") { t, a throws(LinuxErrno) in try t.sigtimedwait(a) }
        host(138, "rt_sigqueueinfo", "dSp")
        emulate(139, "rt_sigreturn", "") { thread, _ throws(LinuxErrno) in try thread.sigreturn() }
        host(140, "setpriority", "ddd")
        host(141, "getpriority", "dd")
        host(143, "setregid", "dd")
        host(144, "setgid", "d")
        host(145, "setreuid", "dd")
        host(146, "setuid", "d")
        host(147, "setresuid", "ddd")
        host(148, "getresuid", "ppp")
        host(149, "setresgid", "ddd")
        host(150, "getresgid", "ppp")
        host(151, "setfsuid", "d")
        host(152, "setfsgid", "d")
        host(153, "times", "p")
        host(154, "setpgid", "dd")
        host(155, "getpgid", "d")
        host(156, "getsid", "d")
        host(157, "setsid", "")
        host(158, "getgroups", "dp")
        host(159, "setgroups", "dp")
        emulate(163, "getrlimit", "dp") { t, a throws(LinuxErrno) in try t.getrlimit(a) }
        emulate(164, "setrlimit", "dp") { t, a throws(LinuxErrno) in try t.setrlimit(a) }
        host(165, "getrusage", "dp")
        host(166, "umask", "o")
        emulate(167, "prctl", "dxxxx") { t, a throws(LinuxErrno) in try t.prctl(a) }
        host(168, "getcpu", "pp")
        host(172, "getpid", "")
        host(173, "getppid", "")
        host(174, "getuid", "")
        host(175, "geteuid", "")
        host(176, "getgid", "")
        host(177, "getegid", "")
        host(178, "gettid", "")
        emulate(220, "clone", "cpppp") { t, a throws(LinuxErrno) in try t.clone(a) }
        emulate(221, "execve", "saa") { t, a throws(LinuxErrno) in try t.execve(a) }
        host(240, "rt_tgsigqueueinfo", "ddSp")
        refuse(241, "perf_event_open", "pdddx", "would count the emulator's events")
        host(260, "wait4", "dpxp")
        emulate(261, "prlimit64", "ddpp") { t, a throws(LinuxErrno) in try t.prlimit(a) }
        emulate(268, "setns", "dx") { t, a throws(LinuxErrno) in try t.setns(a) }
        host(270, "process_vm_readv", "dplplx")
        host(271, "process_vm_writev", "dplplx")
        host(272, "kcmp", "dddll")
        refuse(273, "finit_module", "dsx", "see init_module")
        host(274, "sched_setattr", "dpx")
        host(275, "sched_getattr", "dpux")
        refuse(277, "seccomp", "uxp", "a filter would see the emulator's calls")
        refuse(280, "bpf", "dpu", "programs would see the emulator")
        emulate(281, "execveat", "DsaaA") { t, a throws(LinuxErrno) in try t.execveat(a) }
        host(283, "membarrier", "dxd")
        refuse(293, "rseq", "puxx", "the kernel cannot see the guest's critical sections")
        refuse(294, "kexec_file_load", "ddlsx", "not for a guest process")
        host(424, "pidfd_send_signal", "dSpx")
        host(434, "pidfd_open", "dx")
        emulate(435, "clone3", "pl") { t, a throws(LinuxErrno) in try t.clone3(a) }
        host(444, "landlock_create_ruleset", "plx")
        host(445, "landlock_add_rule", "ddpx")
        host(446, "landlock_restrict_self", "dx")
        host(449, "futex_waitv", "puxpd")
        host(454, "futex_wake", "pxdx")
        host(455, "futex_wait", "pxxxpd")
        host(456, "futex_requeue", "pxdd")
        host(459, "lsm_get_self_attr", "upp")
        host(460, "lsm_set_self_attr", "uplx")
        host(461, "lsm_list_modules", "ppx")
    }
}
