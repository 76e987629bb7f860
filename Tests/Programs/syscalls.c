// Every system call number with arguments that make no sense, each in a process of its own: the emulator must not die of any.
//   syscalls             all numbers with all patterns; prints what was wrong
//   syscalls table       the errno of every call that has no effect, for comparison with another machine
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { last_number = 520, argument_count = 6 };

// Calls that would hurt the machine, whatever the privileges, or that end, stop or block the process by right.
static int hurts(int number) {
    switch (number) {
    case 29:                             // ioctl
    case 39: case 40: case 41: case 51:  // umount2, mount, pivot_root, chroot
    case 58: case 89:                    // vhangup, acct
    case 93: case 94:                    // exit, exit_group
    case 97:                             // unshare
    case 104: case 105: case 106:        // kexec_load, init_module, delete_module
    case 112: case 116: case 142:        // clock_settime, syslog, reboot
    case 129: case 130: case 131:        // kill, tkill, tgkill
    case 133:                            // rt_sigsuspend waits
    case 138: case 140: case 154:        // rt_sigqueueinfo, setpriority, setpgid
    case 118: case 119: case 122: case 274: // sched_set*: real-time spinning
    case 139:                            // rt_sigreturn
    case 161: case 162: case 170: case 171: case 266: // sethostname, setdomainname, settimeofday, adjtimex, clock_adjtime
    case 220: case 435:                  // clone, clone3
    case 224: case 225: case 240:        // swapon, swapoff, rt_tgsigqueueinfo
    case 260: case 95:                   // wait4, waitid wait
    case 238: case 239:                  // migrate_pages, move_pages of everybody
    case 81: case 267: case 227:         // sync, syncfs, msync take time
    case 261: case 164:                  // prlimit64, setrlimit of the parent
    case 268: case 273: case 294: case 424: // setns, finit_module, kexec_file_load, pidfd_send_signal
    case 428: case 429: case 430: case 431: case 432: case 433: case 442: case 467: // mount calls
    case 101: case 115:                  // nanosleep, clock_nanosleep
        return 1;
    }
    return 0;
}

static unsigned long page;   // readable, writable
static unsigned long edge;   // its last four bytes; nothing behind
static unsigned long closed; // no access

static unsigned long value(int pattern, int index) {
    switch (pattern) {
    case 0: return 0;
    case 1: return ~0UL;
    case 2: return closed;
    case 3: return edge;
    case 4: return page;
    case 5: return 0x0000800000000000 + (unsigned)index;
    case 6: return 0xdead000000000000 + (unsigned)index;
    case 7: return index == 0 ? 0xffffff9c : page + 8 * (unsigned)index; // AT_FDCWD
    case 8: return index == 0 ? 1 : 0x7fffffffffffffff;
    case 9: return index % 2 ? page : 8;
    case 10: return index == 0 ? page : 0x80000000;
    default: return (unsigned long)rand() << 33 ^ (unsigned long)rand();
    }
}
enum { pattern_count = 14 };

// 0: it returned; otherwise what waitpid says of the process.
static int attempt(int number, int pattern, long *result) {
    static long *shared;
    if (!shared) shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *shared = 12345;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct rlimit limit = {1, 1};
        setrlimit(RLIMIT_CPU, &limit);
        struct itimerval soon = {{0, 0}, {0, 50000}};
        setitimer(ITIMER_REAL, &soon, NULL);
        srand((unsigned)(number * 100 + pattern));
        unsigned long a[argument_count];
        for (int i = 0; i < argument_count; i++) a[i] = value(pattern, i);
        long r = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        // What it did to itself is its own affair; that it came here is what counts.
        *shared = r == -1 ? -errno : r;
        kill(getpid(), SIGKILL);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    kill(-pid, SIGKILL);
    *result = *shared;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : status;
}

int main(int argc, char **argv) {
    (void)argv;
    char *memory = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(memory, 4096, PROT_NONE);
    mprotect(memory + 8192, 4096, PROT_NONE);
    page = (unsigned long)memory + 4096, edge = (unsigned long)memory + 8188, closed = (unsigned long)memory;
    close(0);
    open("/dev/null", O_RDWR);
    int wrong = 0;
    for (int number = 0; number < last_number; number++) {
        if (hurts(number)) continue;
        for (int pattern = 0; pattern < pattern_count; pattern++) {
            long result;
            int status = attempt(number, pattern, &result);
            // An alarm ends what waits; a guest may well be hit by a signal when it unmaps itself.
            if (status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)) {
                if (argc > 1) printf("%d %d %ld\n", number, pattern, result);
                continue;
            }
            printf("call %d, pattern %d: status %x\n", number, pattern, status);
            wrong++;
        }
    }
    printf("%d wrong\n", wrong);
    return 0;
}
