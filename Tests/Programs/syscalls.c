// Every system call number with arguments that make no sense, each in a process of its own: the emulator must not die of any.
//   syscalls             all numbers with all patterns; prints what was wrong
//   syscalls table       also what each call came to, for comparison with another machine
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
    case 215:                            // munmap takes the program's own memory away
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

static int host_number(int number) {
#ifdef HOST_NUMBERS // for a comparison with the machine that emulates: arm64's numbers to its own, -1 for none
    static const int numbers[] = {HOST_NUMBERS};
    return number < (int)(sizeof numbers / sizeof numbers[0]) ? numbers[number] : -1;
#else
    return number;
#endif
}

struct progress {
    int pattern; // the one whose call is under way
    long results[pattern_count];
};
static struct progress *progress;
enum { pending = 123456789 };

static void child(int number) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (; progress->pattern < pattern_count; progress->pattern++) {
        // Ends calls that wait, with the process.
        struct itimerval soon = {{0, 0}, {0, 50000}};
        setitimer(ITIMER_REAL, &soon, NULL);
        srand((unsigned)(number * 100 + progress->pattern));
        unsigned long a[argument_count];
        for (int i = 0; i < argument_count; i++) a[i] = value(progress->pattern, i);
        memset((void *)page, 0, 4096);
        long result = syscall(host_number(number), a[0], a[1], a[2], a[3], a[4], a[5]);
        progress->results[progress->pattern] = result == -1 ? -errno : result;
    }
    kill(getpid(), SIGKILL);
}

// Runs all patterns of one number, in as many processes as it takes. Returns how many ended in a way they should not.
static int attempt(int number) {
    int wrong = 0;
    progress->pattern = 0;
    for (int i = 0; i < pattern_count; i++) progress->results[i] = pending;
    while (progress->pattern < pattern_count) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) child(number);
        int status;
        CHECK(waitpid(pid, &status, 0) == pid);
        kill(-pid, SIGKILL);
        if (progress->pattern == pattern_count) break;
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGALRM) {
            printf("call %d, pattern %d: status %x\n", number, progress->pattern, status);
            wrong++;
        }
        progress->pattern++;
    }
    return wrong;
}

int main(int argc, char **argv) {
    (void)argv;
    char *memory = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(memory, 4096, PROT_NONE);
    mprotect(memory + 8192, 4096, PROT_NONE);
    page = (unsigned long)memory + 4096, edge = (unsigned long)memory + 8188, closed = (unsigned long)memory;
    close(0);
    open("/dev/null", O_RDWR);
    progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int wrong = 0;
    for (int number = 0; number < last_number; number++) {
        if (hurts(number)) continue;
        wrong += attempt(number);
        for (int pattern = 0; argc > 1 && pattern < pattern_count; pattern++) {
            long result = progress->results[pattern];
            if (result == pending) printf("%d %d waits\n", number, pattern);
            else printf("%d %d %s\n", number, pattern, result < 0 ? strerrorname_np((int)-result) : "succeeds");
        }
    }
    printf("%d wrong\n", wrong);
    return 0;
}
