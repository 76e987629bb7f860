#define _GNU_SOURCE
#include "nt_linux.h"
#include "signal_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

// ---- system call numbers -------------------------------------------------------------------------------------------

#ifdef __aarch64__
int nt_linux_host_number(uint32_t guest_number) {
    return guest_number < NT_LINUX_SYSCALL_LIMIT ? (int)guest_number : -1;
}
#else
// Host numbers plus one by arm64 number; 0 = none. Numbers from 424 on are the same on every architecture.
static const uint16_t host_numbers[424] = {
#define ROW(guest, name) [guest] = SYS_##name + 1,
    ROW(0, io_setup) ROW(1, io_destroy) ROW(2, io_submit) ROW(3, io_cancel) ROW(4, io_getevents)
    ROW(5, setxattr) ROW(6, lsetxattr) ROW(7, fsetxattr) ROW(8, getxattr) ROW(9, lgetxattr) ROW(10, fgetxattr)
    ROW(11, listxattr) ROW(12, llistxattr) ROW(13, flistxattr) ROW(14, removexattr) ROW(15, lremovexattr)
    ROW(16, fremovexattr) ROW(17, getcwd) ROW(19, eventfd2) ROW(20, epoll_create1) ROW(21, epoll_ctl)
    ROW(22, epoll_pwait) ROW(23, dup) ROW(24, dup3) ROW(25, fcntl) ROW(26, inotify_init1) ROW(27, inotify_add_watch)
    ROW(28, inotify_rm_watch) ROW(29, ioctl) ROW(30, ioprio_set) ROW(31, ioprio_get) ROW(32, flock) ROW(33, mknodat)
    ROW(34, mkdirat) ROW(35, unlinkat) ROW(36, symlinkat) ROW(37, linkat) ROW(38, renameat) ROW(39, umount2)
    ROW(40, mount) ROW(41, pivot_root) ROW(43, statfs) ROW(44, fstatfs) ROW(45, truncate) ROW(46, ftruncate)
    ROW(47, fallocate) ROW(48, faccessat) ROW(49, chdir) ROW(50, fchdir) ROW(51, chroot) ROW(52, fchmod)
    ROW(53, fchmodat) ROW(54, fchownat) ROW(55, fchown) ROW(56, openat) ROW(57, close) ROW(58, vhangup) ROW(59, pipe2)
    ROW(60, quotactl) ROW(61, getdents64) ROW(62, lseek) ROW(63, read) ROW(64, write) ROW(65, readv) ROW(66, writev)
    ROW(67, pread64) ROW(68, pwrite64) ROW(69, preadv) ROW(70, pwritev) ROW(71, sendfile) ROW(72, pselect6)
    ROW(73, ppoll) ROW(74, signalfd4) ROW(75, vmsplice) ROW(76, splice) ROW(77, tee) ROW(78, readlinkat)
    ROW(79, newfstatat) ROW(80, fstat) ROW(81, sync) ROW(82, fsync) ROW(83, fdatasync) ROW(84, sync_file_range)
    ROW(85, timerfd_create) ROW(86, timerfd_settime) ROW(87, timerfd_gettime) ROW(88, utimensat) ROW(89, acct)
    ROW(90, capget) ROW(91, capset) ROW(92, personality) ROW(93, exit) ROW(94, exit_group) ROW(95, waitid)
    ROW(96, set_tid_address) ROW(97, unshare) ROW(98, futex) ROW(99, set_robust_list) ROW(100, get_robust_list)
    ROW(101, nanosleep) ROW(102, getitimer) ROW(103, setitimer) ROW(107, timer_create) ROW(108, timer_gettime)
    ROW(109, timer_getoverrun) ROW(110, timer_settime) ROW(111, timer_delete) ROW(112, clock_settime)
    ROW(113, clock_gettime) ROW(114, clock_getres) ROW(115, clock_nanosleep) ROW(116, syslog)
    ROW(118, sched_setparam) ROW(119, sched_setscheduler) ROW(120, sched_getscheduler) ROW(121, sched_getparam)
    ROW(122, sched_setaffinity) ROW(123, sched_getaffinity) ROW(124, sched_yield) ROW(125, sched_get_priority_max)
    ROW(126, sched_get_priority_min) ROW(127, sched_rr_get_interval) ROW(129, kill) ROW(130, tkill) ROW(131, tgkill)
    ROW(132, sigaltstack) ROW(133, rt_sigsuspend) ROW(134, rt_sigaction) ROW(135, rt_sigprocmask)
    ROW(136, rt_sigpending) ROW(137, rt_sigtimedwait) ROW(138, rt_sigqueueinfo) ROW(140, setpriority)
    ROW(141, getpriority) ROW(142, reboot) ROW(143, setregid) ROW(144, setgid) ROW(145, setreuid) ROW(146, setuid)
    ROW(147, setresuid) ROW(148, getresuid) ROW(149, setresgid) ROW(150, getresgid) ROW(151, setfsuid)
    ROW(152, setfsgid) ROW(153, times) ROW(154, setpgid) ROW(155, getpgid) ROW(156, getsid) ROW(157, setsid)
    ROW(158, getgroups) ROW(159, setgroups) ROW(160, uname) ROW(161, sethostname) ROW(162, setdomainname)
    ROW(163, getrlimit) ROW(164, setrlimit) ROW(165, getrusage) ROW(166, umask) ROW(167, prctl) ROW(168, getcpu)
    ROW(169, gettimeofday) ROW(170, settimeofday) ROW(171, adjtimex) ROW(172, getpid) ROW(173, getppid)
    ROW(174, getuid) ROW(175, geteuid) ROW(176, getgid) ROW(177, getegid) ROW(178, gettid) ROW(179, sysinfo)
    ROW(180, mq_open) ROW(181, mq_unlink) ROW(182, mq_timedsend) ROW(183, mq_timedreceive) ROW(184, mq_notify)
    ROW(185, mq_getsetattr) ROW(186, msgget) ROW(187, msgctl) ROW(188, msgrcv) ROW(189, msgsnd) ROW(190, semget)
    ROW(191, semctl) ROW(192, semtimedop) ROW(193, semop) ROW(194, shmget) ROW(195, shmctl) ROW(196, shmat)
    ROW(197, shmdt) ROW(198, socket) ROW(199, socketpair) ROW(200, bind) ROW(201, listen) ROW(202, accept)
    ROW(203, connect) ROW(204, getsockname) ROW(205, getpeername) ROW(206, sendto) ROW(207, recvfrom)
    ROW(208, setsockopt) ROW(209, getsockopt) ROW(210, shutdown) ROW(211, sendmsg) ROW(212, recvmsg)
    ROW(213, readahead) ROW(215, munmap) ROW(216, mremap) ROW(217, add_key) ROW(218, request_key) ROW(219, keyctl)
    ROW(221, execve) ROW(222, mmap) ROW(223, fadvise64) ROW(224, swapon) ROW(225, swapoff) ROW(226, mprotect)
    ROW(227, msync) ROW(228, mlock) ROW(229, munlock) ROW(230, mlockall) ROW(231, munlockall) ROW(232, mincore)
    ROW(233, madvise) ROW(235, mbind) ROW(236, get_mempolicy) ROW(237, set_mempolicy) ROW(238, migrate_pages)
    ROW(239, move_pages) ROW(240, rt_tgsigqueueinfo) ROW(242, accept4) ROW(243, recvmmsg) ROW(260, wait4)
    ROW(261, prlimit64) ROW(262, fanotify_init) ROW(263, fanotify_mark) ROW(264, name_to_handle_at)
    ROW(265, open_by_handle_at) ROW(266, clock_adjtime) ROW(267, syncfs) ROW(268, setns) ROW(269, sendmmsg)
    ROW(270, process_vm_readv) ROW(271, process_vm_writev) ROW(272, kcmp) ROW(274, sched_setattr)
    ROW(275, sched_getattr) ROW(276, renameat2) ROW(278, getrandom) ROW(279, memfd_create) ROW(281, execveat)
    ROW(283, membarrier) ROW(284, mlock2) ROW(285, copy_file_range) ROW(286, preadv2) ROW(287, pwritev2)
    ROW(291, statx) ROW(292, io_pgetevents)
#undef ROW
};

int nt_linux_host_number(uint32_t guest_number) {
    if (guest_number < sizeof host_numbers / sizeof host_numbers[0]) return (int)host_numbers[guest_number] - 1;
    return guest_number < NT_LINUX_SYSCALL_LIMIT ? (int)guest_number : -1;
}
#endif

// ---- raw calls -----------------------------------------------------------------------------------------------------

static int64_t raw_syscall(int64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                           uint64_t a5) {
#if defined(__x86_64__)
    int64_t result;
    register uint64_t r10 __asm__("r10") = a3;
    register uint64_t r8 __asm__("r8") = a4;
    register uint64_t r9 __asm__("r9") = a5;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a0), "S"(a1), "d"(a2), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#else
    register uint64_t x8 __asm__("x8") = (uint64_t)number;
    register uint64_t x0 __asm__("x0") = a0;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;
    register uint64_t x4 __asm__("x4") = a4;
    register uint64_t x5 __asm__("x5") = a5;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return (int64_t)x0;
#endif
}

int64_t nt_linux_syscall(uint32_t guest_number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                         uint64_t a5) {
    int number = nt_linux_host_number(guest_number);
    return number < 0 ? -ENOSYS : raw_syscall(number, a0, a1, a2, a3, a4, a5);
}

// The check of the pending word and the kernel entry are one region for the signal handler: interrupted anywhere inside
// it (or sent back to it by a kernel restart), the thread continues at the abort label, so no signal waits behind a
// call that blocks. Interrupted after it, the call's result stands.
int64_t nt_interruptible_asm(const volatile uint32_t *pending, int64_t number, const uint64_t *arguments);

#if defined(__x86_64__)
__asm__(".pushsection .text\n"
        ".type nt_interruptible_asm, @function\n"
        "nt_interruptible_asm:\n"
        ".cfi_startproc\n"
        "  push %rbx\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_offset rbx, -16\n"
        "  mov %rdi, %rbx\n"
        "  mov %rsi, %rax\n"
        "  mov %rdx, %r11\n"
        "  mov 0(%r11), %rdi\n"
        "  mov 8(%r11), %rsi\n"
        "  mov 16(%r11), %rdx\n"
        "  mov 24(%r11), %r10\n"
        "  mov 32(%r11), %r8\n"
        "  mov 40(%r11), %r9\n"
        ".globl nt_interruptible_start\n.hidden nt_interruptible_start\n"
        "nt_interruptible_start:\n"
        "  cmpl $0, (%rbx)\n"
        "  jne nt_interruptible_abort\n"
        "  syscall\n"
        ".globl nt_interruptible_end\n.hidden nt_interruptible_end\n"
        "nt_interruptible_end:\n"
        "  pop %rbx\n"
        ".cfi_remember_state\n"
        ".cfi_adjust_cfa_offset -8\n"
        "  ret\n"
        ".cfi_restore_state\n"
        ".globl nt_interruptible_abort\n.hidden nt_interruptible_abort\n"
        "nt_interruptible_abort:\n"
        "  mov $-512, %rax\n"
        "  pop %rbx\n"
        ".cfi_adjust_cfa_offset -8\n"
        "  ret\n"
        ".cfi_endproc\n"
        ".size nt_interruptible_asm, . - nt_interruptible_asm\n"
        ".popsection\n");
#else
__asm__(".pushsection .text\n"
        ".type nt_interruptible_asm, %function\n"
        "nt_interruptible_asm:\n"
        "  str x19, [sp, #-16]!\n"
        "  mov x19, x0\n"
        "  mov x8, x1\n"
        "  mov x9, x2\n"
        "  ldp x0, x1, [x9]\n"
        "  ldp x2, x3, [x9, #16]\n"
        "  ldp x4, x5, [x9, #32]\n"
        ".globl nt_interruptible_start\n.hidden nt_interruptible_start\n"
        "nt_interruptible_start:\n"
        "  ldr w10, [x19]\n"
        "  cbnz w10, nt_interruptible_abort\n"
        "  svc #0\n"
        ".globl nt_interruptible_end\n.hidden nt_interruptible_end\n"
        "nt_interruptible_end:\n"
        "  ldr x19, [sp], #16\n"
        "  ret\n"
        ".globl nt_interruptible_abort\n.hidden nt_interruptible_abort\n"
        "nt_interruptible_abort:\n"
        "  mov x0, #-512\n"
        "  ldr x19, [sp], #16\n"
        "  ret\n"
        ".size nt_interruptible_asm, . - nt_interruptible_asm\n"
        ".popsection\n");
#endif

int64_t nt_linux_interruptible(nt_signal_state *state, uint32_t guest_number, uint64_t a0, uint64_t a1, uint64_t a2,
                               uint64_t a3, uint64_t a4, uint64_t a5) {
    int number = nt_linux_host_number(guest_number);
    if (number < 0) return -ENOSYS;
    uint64_t arguments[6] = {a0, a1, a2, a3, a4, a5};
    state->disturbed = 0;
    int64_t result = nt_interruptible_asm(&state->pending, number, arguments);
    // Only a signal that the guest blocks has interrupted the call: the guest must not notice.
    if (result == -EINTR && state->disturbed && !state->pending) return -NT_ERESTARTSYS;
    return result;
}

bool nt_linux_auxiliary(uint64_t type, uint64_t *value) {
    errno = 0;
    *value = getauxval(type);
    return *value != 0 || errno == 0;
}

int nt_linux_fork(void) { return fork(); }

int64_t nt_linux_clone(uint64_t flags, uint64_t exit_signal, uint64_t pidfd, const int32_t *ids, uint64_t id_count,
                       uint64_t cgroup) {
    uint64_t arguments[11] = {
        [0] = flags, [1] = pidfd, [4] = exit_signal, [8] = id_count ? (uintptr_t)ids : 0, [9] = id_count, [10] = cgroup,
    };
    // libc notes the thread's id where the kernel clears it at the thread's end; the child's belongs there, too.
    int *tid_address = NULL;
    if (raw_syscall(SYS_prctl, PR_GET_TID_ADDRESS, (uintptr_t)&tid_address, 0, 0, 0, 0) == 0 && tid_address != NULL) {
        arguments[0] |= 0x01200000; // CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID
        arguments[2] = (uintptr_t)tid_address;
    }
    // The latest member only when it is used: older kernels know a shorter structure.
    return raw_syscall(SYS_clone3, (uintptr_t)arguments, flags >> 33 & 1 ? 88 : 80, 0, 0, 0, 0);
}

_Noreturn void nt_linux_exit_thread(void) {
    for (;;)
        raw_syscall(SYS_exit, 0, 0, 0, 0, 0, 0);
}

/// Through the file in which a process's memory lies by address. In one call, so that other threads find an instruction whole.
static bool access_protected(void *own, const void *address, size_t count, bool writes) {
    int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    if (fd < 0) return false;
    off_t at = (off_t)(uintptr_t)address;
    ssize_t done = writes ? pwrite(fd, own, count, at) : pread(fd, own, count, at);
    close(fd);
    return done == (ssize_t)count;
}
bool nt_linux_read_protected(void *to, const void *from, size_t count) { return access_protected(to, from, count, false); }
bool nt_linux_write_protected(void *to, const void *from, size_t count) {
    return access_protected((void *)from, to, count, true);
}

void nt_linux_die(int signal) {
    nt_signal_set(signal, NT_DISPOSITION_DEFAULT, false, false, false);
    nt_signal_mask(1, UINT64_C(1) << (signal - 1), NULL);
    raw_syscall(SYS_tgkill, (uint64_t)getpid(), (uint64_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0), (uint64_t)signal,
                0, 0, 0);
}
