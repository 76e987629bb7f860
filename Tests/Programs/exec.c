// Executes itself and others; QEMU needs binfmt_misc for that, so what is expected is written here as CHECKs and in the test.
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static const char *self;

static int run(const char *path, char *const argv[], char *const env[]) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        execve(path, argv, env);
        printf("execve: %s\n", strerror(errno));
        fflush(stdout);
        _exit(90);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int child(int argc, char **argv) {
    for (int i = 0; i < argc; i++) printf("%s%s", i ? " | " : "child: ", argv[i]);
    printf("\n");
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "EXEC_", 5) == 0) printf("env: %s\n", *e);
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    struct sigaction usr1, usr2;
    sigaction(SIGUSR1, NULL, &usr1);
    sigaction(SIGUSR2, NULL, &usr2);
    printf("blocked %d ignored %d default %d descriptor %d\n", sigismember(&mask, SIGHUP), usr1.sa_handler == SIG_IGN,
           usr2.sa_handler == SIG_DFL, fcntl(50, F_GETFD) >= 0);
    fflush(stdout);
    if (argc > 2 && strcmp(argv[2], "die") == 0) kill(getpid(), SIGTERM);
    return argc > 3 ? atoi(argv[3]) : 0;
}
static void handler(int signal) { (void)signal; }

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "child") == 0) return child(argc, argv);
    self = argv[0];
    char *const env[] = {"EXEC_A=one two", "EXEC_B=", NULL};
    int status = run(self, (char *[]){"other name", "child", "x", "42", "with space", "", NULL}, env);
    printf("status %d\n", status);
    status = run("/proc/self/exe", (char *[]){"proc", "child", NULL}, environ);
    printf("status %d\n", status);
    status = run(self, (char *[]){"-d", "child", "die", NULL}, env);
    printf("status %d\n", status);

    // What survives: mask, ignored signals, descriptors without close-on-exec; what does not: handlers.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, handler);
    CHECK(dup2(1, 50) == 50);
    status = run(self, (char *[]){"kept", "child", NULL}, env);
    CHECK(fcntl(50, F_SETFD, FD_CLOEXEC) == 0);
    status = run(self, (char *[]){"closed", "child", NULL}, env);

    // A script whose interpreter is this program; a file that is none; a missing one; a host program.
    char directory[] = "/tmp/needletail-XXXXXX", path[4096], full[4096];
    CHECK(mkdtemp(directory) != NULL && realpath(self, full) != NULL);
    snprintf(path, sizeof path, "%s/script", directory);
    FILE *file = fopen(path, "w");
    fprintf(file, "#! %s child\nwhatever\n", full);
    fclose(file);
    chmod(path, 0755);
    fflush(stdout);
    pid_t pid;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    int ends[2];
    CHECK(pipe(ends) == 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    CHECK(posix_spawn(&pid, path, &actions, NULL, (char *[]){"script", "die", NULL}, env) == 0);
    close(ends[1]);
    char output[500] = {0};
    size_t have = 0;
    long n;
    while ((n = read(ends[0], output + have, sizeof output - 1 - have)) > 0) have += (size_t)n;
    CHECK(waitpid(pid, &status, 0) == pid);
    char *at = strstr(output, full);
    CHECK(at != NULL || strstr(output, "child: ") == output);
    printf("script: %s die %d, signal %d\n", strstr(output, "child") ? "ran" : "did not run", strstr(output, "| die") != NULL,
           WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    file = fopen(path, "w");
    fprintf(file, "not a program\n");
    fclose(file);
    printf("status %d\n", run(path, (char *[]){"none", NULL}, env));
    chmod(path, 0644);
    printf("status %d\n", run(path, (char *[]){"none", NULL}, env));
    CHECK(unlink(path) == 0);
    printf("status %d\n", run(path, (char *[]){"none", NULL}, env));
    printf("status %d\n", run(directory, (char *[]){"none", NULL}, env));
    printf("spawn of a missing file: %s\n", strerror(posix_spawn(&pid, path, NULL, NULL, (char *[]){"x", NULL}, env)));
    CHECK(rmdir(directory) == 0);
    printf("host program: %d\n", run("/bin/sh", (char *[]){"sh", "-c", "exit 12", NULL}, env));
    fflush(stdout);
    printf("system: %d\n", WEXITSTATUS(system("exit 5")));
    fflush(stdout);

    // Without fork: this program is replaced although another thread may exist and output is pending nowhere.
    execl(self, "last", "child", "y", "77", NULL);
    return 91;
}
