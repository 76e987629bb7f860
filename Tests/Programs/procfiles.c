// What /proc shows of this process: the guest's values, by all the names it has.
#define _GNU_SOURCE
#include "check.h"
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static char text[1 << 20];
static int variable = 7;
extern char **environ;

static long read_at(int directory, const char *path) {
    int file = openat(directory, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    long have = 0, n;
    while ((n = read(file, text + have, sizeof text - 1 - (size_t)have)) > 0) have += n;
    text[have] = 0;
    close(file);
    return have;
}

// The line of maps around an address; NULL without one.
static const char *mapping(const void *address, char *rights) {
    static char line[5000];
    for (char *at = text; *at; at = strchr(at, '\n') + 1) {
        unsigned long start, end;
        if (sscanf(at, "%lx-%lx %4s", &start, &end, rights) != 3) continue;
        if ((unsigned long)address < start || (unsigned long)address >= end) continue;
        snprintf(line, sizeof line, "%.*s", (int)(strchr(at, '\n') - at), at);
        return line;
    }
    return NULL;
}

static void handler(int signal) { (void)signal; }

int main(int argc, char **argv) {
    char self[4096] = "", path[4096], rights[8];
    CHECK(argc == 2 && readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    const char *name = strrchr(self, '/') + 1;

    // The same by number, by thread, and relative to a descriptor.
    snprintf(path, sizeof path, "/proc/%d", getpid());
    int directory = open(path, O_DIRECTORY | O_RDONLY), other;
    CHECK(directory >= 0);
    const char *files[] = {"exe", "cmdline", "auxv", "environ"};
    for (int i = 0; i < 4; i++) {
        char names[6][200];
        snprintf(names[0], 200, "/proc/self/%s", files[i]);
        snprintf(names[1], 200, "/proc/%d/%s", getpid(), files[i]);
        snprintf(names[2], 200, "/proc/thread-self/%s", files[i]);
        snprintf(names[3], 200, "/proc/self/task/%d/%s", getpid(), files[i]);
        snprintf(names[4], 200, "//proc//%d/task/%d/%s", getpid(), getpid(), files[i]);
        snprintf(names[5], 200, "%s", files[i]);
        static char first[1 << 20];
        long size = read_at(AT_FDCWD, names[0]);
        CHECK(size > 0);
        memcpy(first, text, sizeof text);
        for (int k = 1; k < 6; k++) CHECK(read_at(directory, names[k]) == size && memcmp(first, text, (size_t)size) == 0);
    }
    char link[4096] = "";
    CHECK(readlinkat(directory, "exe", link, sizeof link) > 0 && strcmp(link, self) == 0);
    CHECK(readlink("/proc/self/exe", link, 3) == 3);
    CHECK((other = open("/proc/self/exe", O_RDONLY)) >= 0 && read(other, text, 20) == 20 && text[18] == (char)EM_AARCH64);
    close(other);
    CHECK(open("/proc/self/maps", O_WRONLY) < 0 && errno == EACCES);
    CHECK(chdir("/proc/self") == 0 && read_at(AT_FDCWD, "cmdline") > 0 && strcmp(text, argv[0]) == 0 && chdir("/") == 0);

    CHECK(read_at(AT_FDCWD, "/proc/self/cmdline") == (long)(strlen(argv[0]) + strlen(argv[1]) + 2));
    CHECK(strcmp(text, argv[0]) == 0 && strcmp(text + strlen(argv[0]) + 1, argv[1]) == 0);
    CHECK(read_at(AT_FDCWD, "/proc/self/environ") > 0 && memmem(text, sizeof text, "PROC_TEST=1", 12));
    CHECK(read_at(AT_FDCWD, "/proc/self/auxv") % 16 == 0);
    int entries = 0;
    for (Elf64_auxv_t *entry = (void *)text; entry->a_type != AT_NULL; entry++, entries++)
        CHECK(getauxval(entry->a_type) == entry->a_un.a_val);
    CHECK(entries > 10 && getauxval(AT_PAGESZ) == 4096 && getauxval(AT_FLAGS) == 0 && getauxval(AT_SECURE) == 0);
    argv[1][0] = 'A';
    CHECK(read_at(AT_FDCWD, "/proc/self/cmdline") > 0 && memmem(text, 8192, "Argument", 9));

    void *heap = sbrk(8192);
    CHECK(read_at(AT_FDCWD, "/proc/self/maps") > 0);
    CHECK(strstr(mapping((void *)main, rights), name) && strcmp(rights, "r-xp") == 0);
    CHECK(strstr(mapping(&variable, rights), name) && strcmp(rights, "rw-p") == 0);
    CHECK(strstr(mapping(&argc, rights), "[stack]") && strcmp(rights, "rw-p") == 0);
    CHECK(strstr(mapping(heap, rights), "[heap]"));
    CHECK(!strstr(text, "needletail\n") && !strstr(text, "libstdc++"));
    CHECK(read_at(AT_FDCWD, "/proc/self/smaps") > 0 && strstr(mapping((void *)main, rights), name) && strstr(text, "\nRss:"));
    int memory = open("/proc/self/mem", O_RDWR);
    int value = 9;
    CHECK(pwrite(memory, &value, sizeof value, (long)&variable) == 4 && *(volatile int *)&variable == 9);

    char comm[64] = "";
    CHECK(prctl(PR_GET_NAME, comm) == 0 && strncmp(comm, name, 15) == 0);
    CHECK(read_at(AT_FDCWD, "/proc/self/comm") > 0 && strncmp(text, comm, strlen(comm)) == 0);
    CHECK(prctl(PR_SET_NAME, "a) name (b") == 0);
    CHECK(read_at(AT_FDCWD, "/proc/self/stat") > 0);
    int pid, parent, group, session;
    char state;
    CHECK(sscanf(text, "%d (a) name (b) %c %d %d %d", &pid, &state, &parent, &group, &session) == 5);
    CHECK(pid == getpid() && state == 'R' && parent == getppid() && group == getpgrp() && session == getsid(0));
    unsigned long field[60] = {0};
    char *at = strrchr(text, ')') + 4;
    int count = 3;
    while (*at && *at != '\n') field[++count] = strtoul(at, &at, 10);
    CHECK(count == 52 && field[20] == 1);
    CHECK(field[26] <= (unsigned long)main && (unsigned long)main < field[27]);
    CHECK(field[28] % 16 == 0 && field[28] > (unsigned long)&argc && *(long *)field[28] == argc);
    CHECK(field[45] <= (unsigned long)&variable && (unsigned long)&variable < field[46] + 65536);
    CHECK(field[48] == (unsigned long)argv[0] && field[50] == (unsigned long)environ[0] && field[51] > field[50]);

    signal(SIGUSR1, SIG_IGN), signal(SIGUSR2, handler);
    CHECK(read_at(AT_FDCWD, "/proc/self/status") > 0);
    unsigned long ignored = 0, caught = 0;
    CHECK(strstr(text, "Name:\ta) name (b\n") && strstr(text, "\nThreads:\t1\n"));
    CHECK(sscanf(strstr(text, "SigIgn:"), "SigIgn: %lx", &ignored) == 1 && ignored >> (SIGUSR1 - 1) & 1);
    CHECK(sscanf(strstr(text, "SigCgt:"), "SigCgt: %lx", &caught) == 1 && caught == 1ul << (SIGUSR2 - 1));

    CHECK(read_at(AT_FDCWD, "/proc/cpuinfo") > 0 && strstr(text, "CPU architecture: 8\n") && strstr(text, " fp asimd "));
    CHECK(read_at(open("/proc", O_DIRECTORY), "cpuinfo") > 0 && strstr(text, "CPU implementer"));
    struct utsname names;
    CHECK(uname(&names) == 0 && strcmp(names.machine, "aarch64") == 0);

    // Options of prctl that are the machine's or would hit the emulator.
    static const int refused[] = {5, 6, 9, 10, 11, 12, 19, 20, 21, 22, 25, 26, 35, 43, 44, 45, 46, 50, 51, 59, 63, 64, 65, 66, 9999};
    for (unsigned i = 0; i < sizeof refused / sizeof refused[0]; i++)
        CHECK(prctl(refused[i], 1, 0, 0, 0) == -1 && errno == EINVAL);
    CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
    static const int absent[] = {117, 241, 277, 280, 282, 293, 425};
    for (unsigned i = 0; i < sizeof absent / sizeof absent[0]; i++)
        CHECK(syscall(absent[i], 0, 0, 0, 0, 0, 0) == -1 && errno == ENOSYS);
    CHECK(syscall(92, 0xffffffff) == 0 && syscall(92, 8) == -1 && errno == EINVAL);
    printf("all as it should be\n");
    return 0;
}
