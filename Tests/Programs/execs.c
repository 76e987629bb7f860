// More of execve: what it refuses, what it keeps, and programs that have no path. Expected output is in the test.
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wstringop-overread"
#include "check.h"
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char self[4096], folder[] = "/tmp/needletail-XXXXXX";

static const char *name_of(int error) { return error ? strerrorname_np(error) : "0"; }

// Runs `call` in a child; prints how it ended. A call that returns prints its errno.
#define IN_CHILD(what, call)                                                                                           \
    do {                                                                                                               \
        fflush(stdout);                                                                                                \
        pid_t pid_ = fork();                                                                                           \
        if (pid_ == 0) {                                                                                               \
            call;                                                                                                      \
            printf("%s: %s\n", what, name_of(errno));                                                                  \
            fflush(stdout);                                                                                            \
            _exit(0);                                                                                                  \
        }                                                                                                              \
        int status_;                                                                                                   \
        CHECK(waitpid(pid_, &status_, 0) == pid_);                                                                     \
        if (!WIFEXITED(status_) || WEXITSTATUS(status_)) printf("%s: ended with %x\n", what, status_);                 \
    } while (0)

static const char *make(const char *name, const void *content, size_t size, int mode) {
    static char path[8][4200];
    static int next;
    char *at = path[next++ % 8];
    snprintf(at, sizeof path[0], "%s/%s", folder, name);
    unlink(at);
    int file = open(at, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    CHECK(file >= 0 && write(file, content, size) == (long)size && close(file) == 0);
    return at;
}

static void copy_to(int target) {
    char buffer[65536];
    int file = open(self, O_RDONLY | O_CLOEXEC);
    long n;
    while ((n = read(file, buffer, sizeof buffer)) > 0) CHECK(write(target, buffer, (size_t)n) == n);
    close(file);
}

static int count_descriptors(void) {
    int count = 0;
    for (int i = 0; i < 65536; i++) count += fcntl(i, F_GETFD) >= 0;
    return count;
}
static int list_descriptors(void) {
    int count = 0;
    DIR *list = opendir("/proc/self/fd");
    CHECK(list);
    for (struct dirent *entry; (entry = readdir(list));)
        if (entry->d_name[0] != '.') {
            CHECK(fcntl(atoi(entry->d_name), F_GETFD) >= 0);
            count++;
        }
    closedir(list);
    return count - 1; // the directory itself
}

static int child(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "thread") == 0) {
        char line[200], threads[200] = "";
        FILE *status = fopen("/proc/self/status", "r");
        while (fgets(line, sizeof line, status))
            if (strncmp(line, "Threads:", 8) == 0) strcpy(threads, line + 9);
        printf("thread: pid %s, main thread %d, threads %s", atoi(argv[2]) == getpid() ? "kept" : "changed",
               getpid() == (int)syscall(SYS_gettid), threads);
    } else if (strcmp(what, "exe") == 0) {
        char link[4096] = "";
        CHECK(readlink("/proc/self/exe", link, sizeof link - 1) > 0);
        printf("exe: %s, argv[0] %s\n", strncmp(link, "/memfd:", 7) == 0 ? "in memory" : strcmp(link, self) == 0 ? "self" : link,
               argv[0]);
        printf("descriptors %d\n", count_descriptors() == list_descriptors());
    } else if (strcmp(what, "limits") == 0) {
        struct rlimit limit;
        getrlimit(RLIMIT_NOFILE, &limit);
        sigset_t pending;
        sigpending(&pending);
        printf("limits: files %d, nice %d, pending %d, umask %o\n", (int)limit.rlim_cur, getpriority(PRIO_PROCESS, 0),
               sigismember(&pending, SIGUSR1), umask(0));
    } else {
        for (int i = 0; i < argc; i++) printf("%s[%s]", i ? " " : "child: ", strcmp(argv[i], self) == 0 ? "self" : strstr(argv[i], "needletail-") ? "path" : argv[i]);
        printf("\n");
    }
    return 0;
}

static void *execute_in_thread(void *pid) {
    execl(self, "x", "thread", (char *)pid, NULL);
    return NULL;
}
static void *sleep_in_thread(void *unused) {
    for (;;) pause();
    return unused;
}

static void programs_without_path(void) {
    int file = memfd_create("program", MFD_CLOEXEC);
    copy_to(file);
    IN_CHILD("memfd", fexecve(file, (char *[]){"in memory", "exe", NULL}, environ));
    IN_CHILD("memfd kept", (fcntl(file, F_SETFD, 0), fexecve(file, (char *[]){"in memory", "exe", NULL}, environ)));
    int path = open(self, O_PATH | O_CLOEXEC);
    IN_CHILD("O_PATH", syscall(SYS_execveat, path, "", (char *[]){"by path", "exe", NULL}, environ, AT_EMPTY_PATH));
    char directory[4096];
    strcpy(directory, self);
    *strrchr(directory, '/') = 0;
    int parent = open(directory, O_DIRECTORY | O_CLOEXEC);
    IN_CHILD("execveat", syscall(SYS_execveat, parent, strrchr(self, '/') + 1, (char *[]){"at", "exe", NULL}, environ, 0));
    IN_CHILD("execveat flags", syscall(SYS_execveat, parent, "x", (char *[]){"at", NULL}, environ, 7));
    char text[4200];
    int length = snprintf(text, sizeof text, "#!%s script\n", self);
    int script = open(make("script", text, (size_t)length, 0755), O_RDONLY);
    CHECK(dup2(script, 40) == 40 && close(script) == 0);
    IN_CHILD("script", syscall(SYS_execveat, 40, "", (char *[]){"a", "b", NULL}, environ, AT_EMPTY_PATH));
    fcntl(40, F_SETFD, FD_CLOEXEC);
    IN_CHILD("script closed", syscall(SYS_execveat, 40, "", (char *[]){"a", "b", NULL}, environ, AT_EMPTY_PATH));
    close(40);
    close(file), close(path), close(parent);
}

static void refusals(void) {
    char *const argv[] = {"x", "y", NULL};
    IN_CHILD("script without interpreter", execve(make("a", "#!/nonexistent x\n", 17, 0755), argv, environ));
    IN_CHILD("empty file", execve(make("b", "", 0, 0755), argv, environ));
    IN_CHILD("no permission", execve(make("c", "#!/bin/sh\n", 10, 0644), argv, environ));
    IN_CHILD("folder", execve(folder, argv, environ));
    IN_CHILD("below a file", execve(strcat(strcpy((char[5000]){0}, self), "/x"), argv, environ));
    IN_CHILD("no path", execve("", argv, environ));
    IN_CHILD("bad path", execve((char *)8, argv, environ));
    IN_CHILD("bad arguments", execve(self, (char **)8, environ));
    IN_CHILD("bad argument", execve(self, (char *[]){"x", (char *)16, NULL}, environ));
    IN_CHILD("bad environment", execve(self, argv, (char **)24));
    char loop[4200];
    snprintf(loop, sizeof loop, "%s/loop", folder);
    CHECK(symlink(loop, loop) == 0);
    IN_CHILD("link to itself", execve(loop, argv, environ));
    CHECK(unlink(loop) == 0);

    // Scripts that are each other's interpreter: five are allowed.
    const char *before = self;
    for (int i = 0; i < 7; i++) {
        char name[8], text[4300];
        snprintf(name, sizeof name, "s%d", i);
        int length = snprintf(text, sizeof text, "#!%s\n", before);
        before = make(name, text, (size_t)length, 0755);
        if (i == 4) IN_CHILD("five scripts", execve(before, (char *[]){"x", "deep", NULL}, environ));
    }
    IN_CHILD("seven scripts", execve(before, argv, environ));

    char *large = malloc(300000);
    memset(large, 'x', 299999), large[299999] = 0;
    IN_CHILD("long argument", execve(self, (char *[]){"x", large, NULL}, environ));
    large[100000] = 0;
    char *many[200];
    for (int i = 0; i < 199; i++) many[i] = large;
    many[199] = NULL;
    IN_CHILD("long arguments", execve(self, many, environ));
    free(large);

    // ELF images whose interpreter is missing, is not executable, is none; and one cut short.
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr program[2];
        char interpreter[64];
    } image = {0};
    memcpy(image.header.e_ident, ELFMAG "\2\1\1", 7);
    image.header.e_type = ET_DYN, image.header.e_machine = EM_AARCH64, image.header.e_version = 1;
    image.header.e_phoff = sizeof image.header, image.header.e_phnum = 2;
    image.header.e_ehsize = sizeof image.header, image.header.e_phentsize = sizeof image.program[0];
    image.program[0] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = (char *)image.interpreter - (char *)&image};
    image.program[1] = (Elf64_Phdr){
        .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = sizeof image, .p_memsz = sizeof image, .p_align = 4096};
    const char *interpreters[] = {"/nonexistent", make("d", "x", 1, 0644), make("e", "text", 4, 0755)};
    for (int i = 0; i < 3; i++) {
        strcpy(image.interpreter, interpreters[i]);
        image.program[0].p_filesz = image.program[0].p_memsz = strlen(image.interpreter) + 1;
        IN_CHILD("ELF interpreter", execve(make("elf", &image, sizeof image, 0755), argv, environ));
    }
    IN_CHILD("ELF cut short", execve(make("elf", &image, 100, 0755), argv, environ));

    // A program that somebody writes to. The kernel tells us from 6.14 on.
    const char *busy = make("busy", "", 0, 0755);
    int writer = open(busy, O_WRONLY | O_CLOEXEC);
    copy_to(writer);
    struct utsname names;
    uname(&names);
    int major = 0, minor = 0;
    sscanf(names.release, "%d.%d", &major, &minor);
    if (major > 6 || (major == 6 && minor >= 14)) IN_CHILD("written to", execve(busy, argv, environ));
    else printf("written to: ETXTBSY\n");
    close(writer);
    IN_CHILD("not any more", execve(busy, argv, environ));
}

// What daemons do before anything else, and shells with numbers they like.
static void own_descriptors(void) {
    printf("listed as open: %d\n", list_descriptors() == count_descriptors());
    IN_CHILD("closing all", (close_range(3, ~0u, 0), execl(self, "x", "closed", NULL)));
    IN_CHILD("closing each", ({
                 for (int i = 3; i < 65536; i++) close(i);
                 execl(self, "x", "closed", NULL);
             }));
    IN_CHILD("using all", ({
                 struct rlimit limit;
                 getrlimit(RLIMIT_NOFILE, &limit);
                 int end = limit.rlim_cur < 1024 ? (int)limit.rlim_cur : 1024;
                 for (int i = 3; i < end; i++) CHECK(dup2(1, i) == i);
                 for (int i = 3; i < end; i++) CHECK(fcntl(i, F_SETFD, FD_CLOEXEC) == 0);
                 execl(self, "x", "used", NULL);
             }));
    fflush(stdout);
    pid_t pid = vfork();
    if (pid == 0) {
        close_range(3, ~0u, 0);
        execl("/nonexistent", "x", NULL);
        _exit(errno);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    printf("vfork: %s\n", name_of(WEXITSTATUS(status)));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    printf("spawn: %s\n", name_of(posix_spawn(&pid, "/nonexistent", &actions, NULL, (char *[]){"x", NULL}, environ)));
    fflush(stdout);
    CHECK(posix_spawn(&pid, self, &actions, NULL, (char *[]){"x", "spawned", NULL}, environ) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(int argc, char **argv) {
    if (argc == 0) return 50;
    CHECK(realpath("/proc/self/exe", self) || strcpy(self, "?"));
    if (argc > 1 && strcmp(argv[1], "all") != 0) return child(argc, argv);
    if (argc == 1) {
        printf("no arguments: argc %d, argv[0] '%s'\n", argc, argv[0]);
        return 0;
    }
    CHECK(mkdtemp(folder));
    IN_CHILD("empty", execve(self, (char *[]){NULL}, environ));
    programs_without_path();
    refusals();
    own_descriptors();
    IN_CHILD("limits", ({
                 struct rlimit limit = {77, 77};
                 setrlimit(RLIMIT_NOFILE, &limit);
                 nice(3), umask(027);
                 sigset_t set;
                 sigemptyset(&set), sigaddset(&set, SIGUSR1);
                 sigprocmask(SIG_BLOCK, &set, NULL);
                 raise(SIGUSR1);
                 execl(self, "x", "limits", NULL);
             }));
    char command[4300];
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
    printf("from a thread\n");
    fflush(stdout);
    char pid[20];
    snprintf(pid, sizeof pid, "%d", getpid());
    pthread_t threads[3];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, sleep_in_thread, NULL);
    pthread_create(&threads[2], NULL, execute_in_thread, pid);
    for (;;) pause();
}
