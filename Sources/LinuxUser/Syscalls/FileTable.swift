internal import Glibc

/// Rows of calls about files, descriptors and sockets. Structures and flags not mentioned in a handler are the same on
/// x86-64 and arm64.
extension SyscallTable.Builder {
    mutating func addFiles() {
        host(0, "io_setup", "up")
        host(1, "io_destroy", "p")
        host(2, "io_submit", "plp")
        host(3, "io_cancel", "ppp")
        host(4, "io_getevents", "pllpp")
        host(5, "setxattr", "ssplx")
        host(6, "lsetxattr", "ssplx")
        host(7, "fsetxattr", "dsplx")
        emulate(8, "getxattr", "sspl") { t, a throws(LinuxErrno) in try t.getxattr(8, a, follows: true) }
        emulate(9, "lgetxattr", "sspl") { t, a throws(LinuxErrno) in try t.getxattr(9, a, follows: false) }
        host(10, "fgetxattr", "dspl")
        emulate(11, "listxattr", "spl") { t, a throws(LinuxErrno) in try t.getxattr(11, a, follows: true) }
        emulate(12, "llistxattr", "spl") { t, a throws(LinuxErrno) in try t.getxattr(12, a, follows: false) }
        host(13, "flistxattr", "dpl")
        host(14, "removexattr", "ss")
        host(15, "lremovexattr", "ss")
        host(16, "fremovexattr", "ds")
        host(17, "getcwd", "pl")
        refuse(18, "lookup_dcookie", "lpl", "removed from Linux")
        host(19, "eventfd2", "ux")
        host(20, "epoll_create1", "x")
        emulate(21, "epoll_ctl", "dddp") { t, a throws(LinuxErrno) in try t.epollControl(a) }
        emulate(22, "epoll_pwait", "dpddpl") { t, a throws(LinuxErrno) in try t.epollWait(CallNumber.epollPwait, a) }
        emulate(23, "dup", "d") { t, a throws(LinuxErrno) in try t.dup(a) }
        emulate(24, "dup3", "ddO") { t, a throws(LinuxErrno) in try t.dup3(a) }
        emulate(25, "fcntl", "dfp") { t, a throws(LinuxErrno) in try t.fcntl(a) }
        host(26, "inotify_init1", "x")
        emulate(27, "inotify_add_watch", "dsx") { t, a throws(LinuxErrno) in
            try t.pathCall(27, a, follows: a[2] & 0x200_0000 == 0)  // IN_DONT_FOLLOW
        }
        host(28, "inotify_rm_watch", "dd")
        host(29, "ioctl", "dip")
        host(32, "flock", "dd")
        host(33, "mknodat", "Dsol")
        host(34, "mkdirat", "Dso")
        host(35, "unlinkat", "DsA")
        host(36, "symlinkat", "sDs")
        host(37, "linkat", "DsDsA")
        host(38, "renameat", "DsDs")
        host(39, "umount2", "sx")
        host(40, "mount", "sssxp")
        host(41, "pivot_root", "ss")
        refuse(42, "nfsservctl", "dpp", "removed from Linux")
        emulate(43, "statfs", "sp") { t, a throws(LinuxErrno) in try t.statfs(a) }
        host(44, "fstatfs", "dp")
        host(45, "truncate", "sl")
        host(46, "ftruncate", "dl")
        host(47, "fallocate", "ddll")
        emulate(48, "faccessat", "DsR") { t, a throws(LinuxErrno) in try t.pathCall(CallNumber.faccessat, a) }
        host(49, "chdir", "s")
        host(50, "fchdir", "d")
        host(51, "chroot", "s")
        host(52, "fchmod", "do")
        host(53, "fchmodat", "Dso")
        host(54, "fchownat", "DsddA")
        host(55, "fchown", "ddd")
        emulate(56, "openat", "DsOo") { t, a throws(LinuxErrno) in try t.openat(a) }
        emulate(57, "close", "d") { t, a throws(LinuxErrno) in try t.close(a) }
        host(58, "vhangup", "")
        emulate(59, "pipe2", "pO") { t, a throws(LinuxErrno) in try t.pipe2(a) }
        host(60, "quotactl", "xsdp")
        emulate(61, "getdents64", "dpl") { t, a throws(LinuxErrno) in try t.getdents64(a) }
        host(62, "lseek", "dlW")
        host(63, "read", "dpl")
        host(64, "write", "dpl")
        host(65, "readv", "dpl")
        host(66, "writev", "dpl")
        host(67, "pread64", "dpll")
        host(68, "pwrite64", "dpll")
        host(69, "preadv", "dplll")
        host(70, "pwritev", "dplll")
        host(71, "sendfile", "ddpl")
        emulate(72, "pselect6", "dppppp") { t, a throws(LinuxErrno) in try t.pselect(a) }
        emulate(73, "ppoll", "pltpl") { t, a throws(LinuxErrno) in try t.ppoll(a) }
        host(74, "signalfd4", "dplx")
        host(75, "vmsplice", "dplx")
        host(76, "splice", "dpdplx")
        host(77, "tee", "ddlx")
        emulate(78, "readlinkat", "Dspl") { t, a throws(LinuxErrno) in try t.readlinkat(a) }
        emulate(79, "newfstatat", "DspA") { t, a throws(LinuxErrno) in try t.newfstatat(a) }
        emulate(80, "fstat", "dp") { t, a throws(LinuxErrno) in try t.fstat(a) }
        host(81, "sync", "")
        host(82, "fsync", "d")
        host(83, "fdatasync", "d")
        host(84, "sync_file_range", "dllx")
        host(85, "timerfd_create", "Cx")
        host(86, "timerfd_settime", "dxpp")
        host(87, "timerfd_gettime", "dp")
        emulate(88, "utimensat", "DspA") { t, a throws(LinuxErrno) in try t.pathCall(88, a, flags: 3) }
        host(89, "acct", "s")

        host(180, "mq_open", "sxop")
        host(181, "mq_unlink", "s")
        host(182, "mq_timedsend", "dplup")
        host(183, "mq_timedreceive", "dplpp")
        host(184, "mq_notify", "dp")
        host(185, "mq_getsetattr", "dpp")

        host(198, "socket", "ddd")
        host(199, "socketpair", "dddp")
        host(200, "bind", "dpd")
        host(201, "listen", "dd")
        host(202, "accept", "dpp")
        host(203, "connect", "dpd")
        host(204, "getsockname", "dpp")
        host(205, "getpeername", "dpp")
        host(206, "sendto", "dplxpd")
        host(207, "recvfrom", "dplxpp")
        host(208, "setsockopt", "dddpd")
        host(209, "getsockopt", "dddpp")
        host(210, "shutdown", "dd")
        host(211, "sendmsg", "dpx")
        host(212, "recvmsg", "dpx")
        host(213, "readahead", "dll")
        host(223, "fadvise64", "dlld")
        host(242, "accept4", "dppx")
        host(243, "recvmmsg", "dpuxp")
        emulate(262, "fanotify_init", "xO") { t, a throws(LinuxErrno) in try t.fanotifyInit(a) }
        host(263, "fanotify_mark", "dxxDs")
        emulate(264, "name_to_handle_at", "DsppA") { t, a throws(LinuxErrno) in
            try t.pathCall(264, a, follows: a.int(4) & AT_SYMLINK_FOLLOW != 0)
        }
        emulate(265, "open_by_handle_at", "dpO") { t, a throws(LinuxErrno) in try t.openByHandle(a) }
        host(267, "syncfs", "d")
        host(269, "sendmmsg", "dpux")
        host(276, "renameat2", "DsDsx")
        host(279, "memfd_create", "sx")
        host(285, "copy_file_range", "dpdplx")
        host(286, "preadv2", "dplllx")
        host(287, "pwritev2", "dplllx")
        emulate(291, "statx", "DsAxp") { t, a throws(LinuxErrno) in try t.pathCall(CallNumber.statx, a, flags: 2) }
        emulate(292, "io_pgetevents", "plllpp") { t, a throws(LinuxErrno) in try t.ioPGetEvents(a) }
        refuse(425, "io_uring_setup", "up", "the kernel would act on guest memory behind the address map")
        refuse(426, "io_uring_enter", "duuxpl", "see io_uring_setup")
        refuse(427, "io_uring_register", "dupu", "see io_uring_setup")
        host(428, "open_tree", "Dsx")
        host(429, "move_mount", "DsDsx")
        host(430, "fsopen", "sx")
        host(431, "fsconfig", "dxspd")
        host(432, "fsmount", "dxx")
        host(433, "fspick", "Dsx")
        emulate(436, "close_range", "uux") { t, a throws(LinuxErrno) in try t.closeRange(a) }
        emulate(437, "openat2", "Dspl") { t, a throws(LinuxErrno) in try t.openat2(a) }
        host(438, "pidfd_getfd", "ddx")
        emulate(439, "faccessat2", "DsRA") { t, a throws(LinuxErrno) in try t.pathCall(CallNumber.faccessat2, a, flags: 3) }
        emulate(441, "epoll_pwait2", "dpdppl") { t, a throws(LinuxErrno) in try t.epollWait(CallNumber.epollPwait2, a) }
        host(442, "mount_setattr", "DsApl")
        host(443, "quotactl_fd", "dxdp")
        host(451, "cachestat", "dppx")
        host(452, "fchmodat2", "DsoA")
        host(457, "statmount", "pplx")
        host(458, "listmount", "pplx")
        host(463, "setxattrat", "DsAspl")
        emulate(464, "getxattrat", "DsAspl") { t, a throws(LinuxErrno) in try t.pathCall(464, a, flags: 2) }
        emulate(465, "listxattrat", "DsApl") { t, a throws(LinuxErrno) in try t.pathCall(465, a, flags: 2) }
        host(466, "removexattrat", "DsAs")
        host(467, "open_tree_attr", "Dsxpl")
        emulate(468, "file_getattr", "DsplA") { t, a throws(LinuxErrno) in try t.pathCall(468, a, flags: 4) }
        host(469, "file_setattr", "DsplA")
    }
}
