// Attacks of a vendor's library on the machine it runs on. Built as a library, which answers with what it achieved, and
// with -DALONE as a program of its own, which nothing confines. -DWHAT names the attack, -DWHEN when it is made:
// 0 while the library is loaded, 1 in the first block.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <unistd.h>

static char report[1 << 16];
static size_t used;

static void harm(const char *format, ...) {
    va_list list;
    va_start(list, format);
    if (used < sizeof report - 256) used += vsnprintf(report + used, 255, format, list);
    if (used < sizeof report - 256) report[used++] = '\n';
    va_end(list);
}

static void reads(const char *path) {
    char bytes[64];
    int file = open(path, O_RDONLY);
    if (file < 0) return;
    if (read(file, bytes, sizeof bytes) > 0) harm("reads %s", path);
    else harm("opens %s", path);
}

static void secrets(void) {
    extern char **environ;
    char path[64];
    for (char **variable = environ; variable && *variable; variable++)
        if (strncmp(*variable, "HARMONY4_", 9)) harm("has %.40s", *variable);
    const char *names[] = {"environ", "mem", "maps", "cmdline", "auxv", "root/etc/passwd", "fd/0"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)getppid(), names[i]);
        reads(path);
    }
    reads("/proc/self/environ");
    reads("/proc/self/mem");
    reads("/proc/1/environ");
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
    errno = 0;
    if (process_vm_readv(getppid(), &here, 1, &there, 1, 0) >= 0 || errno == EFAULT) harm("process_vm_readv");
    if (ptrace(PTRACE_SEIZE, getppid(), 0, 0) == 0) harm("ptrace");
    if (syscall(SYS_pidfd_open, getppid(), 0) >= 0) harm("pidfd_open");
    if (prctl(PR_SET_DUMPABLE, 1) == 0) harm("dumpable");
}

static void descriptors(void) {
    char bytes[64];
    for (int file = 3; file < 1024; file++)
        if (pread(file, bytes, sizeof bytes, 0) > 0 && !memcmp(bytes, "leaked", 6)) harm("reads descriptor %d", file);
    reads(LEAK);
}

static void files(void) {
    reads("/etc/passwd");
    reads("/etc/hostname");
    reads(CONTAINER);
    DIR *folder = opendir("/");
    if (folder && readdir(folder)) harm("lists /");
    if (open("/", O_PATH) >= 0) harm("holds /");
}

static void writes(void) {
    const char *places[] = {FOLDER "/made", "/tmp/" NAME "-made", "/dev/shm/" NAME "-made"};
    for (size_t i = 0; i < 3; i++) {
        int file = open(places[i], O_WRONLY | O_CREAT, 0666);
        if (file >= 0) harm("makes %s", places[i]);
        if (file >= 0 && write(file, "x", 1) == 1) unlink(places[i]);
    }
    if (open(FOLDER, O_TMPFILE | O_RDWR, 0600) >= 0) harm("makes a file without a name");
    if (open(CONTAINER, O_RDWR) >= 0) harm("opens the container to write");
    if (truncate(FOLDER "/victim", 0) == 0) harm("truncates");
    if (rename(FOLDER "/victim", FOLDER "/victim2") == 0 && rename(FOLDER "/victim2", FOLDER "/victim") == 0) harm("renames");
    if (link(FOLDER "/victim", FOLDER "/linked") == 0 && unlink(FOLDER "/linked") == 0) harm("links");
    if (symlink("/", FOLDER "/link") == 0 && unlink(FOLDER "/link") == 0) harm("symlinks");
    if (mkdir(FOLDER "/folder", 0700) == 0 && rmdir(FOLDER "/folder") == 0) harm("makes a folder");
    if (chmod(FOLDER "/victim", 0644) == 0) harm("chmods");
    if (syscall(SYS_io_uring_setup, 8, calloc(1, 256)) >= 0) harm("io_uring");
}

static void network(void) {
    int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};
    for (int i = 0; i < 4; i++)
        if (socket(families[i], i == 3 ? SOCK_RAW : SOCK_STREAM, 0) >= 0) harm("socket of family %d", families[i]);
    if (socket(AF_INET, SOCK_DGRAM, 0) >= 0) harm("datagram socket");
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) harm("socketpair");
}

// A process that is started hides: it leaves the session and closes all files.
static void hide(void) {
    setsid();
    for (int file = 0; file < 256; file++) close(file);
    for (int second = 0; second < LIFE; second++) sleep(1);
    _exit(0);
}

static void processes(void) {
    pid_t child = fork();
    if (child == 0) hide();
    if (child > 0) harm("forks");
    long cloned = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (cloned == 0) hide();
    if (cloned > 0) harm("clones");
    char *args[] = {"/bin/sleep", "1", NULL};
    if (posix_spawn(&child, args[0], NULL, NULL, args, NULL) == 0) harm("spawns");
    int ended = system("exit 3");
    if (WIFEXITED(ended) && WEXITSTATUS(ended) == 3) harm("runs a shell");
    if (kill(getppid(), 0) == 0) harm("may signal its parent");
    if (kill(-1, 0) == 0) harm("may signal everyone");
    if (unshare(CLONE_NEWUSER) == 0) harm("makes a user namespace");
    struct rlimit most;
    getrlimit(RLIMIT_CORE, &most);
    if (most.rlim_max) harm("may leave a core file");
    most.rlim_cur = most.rlim_max = 1;
    if (setrlimit(RLIMIT_STACK, &most) == 0) harm("sets limits");
}

static void executes(void) {
    char *args[] = {"/bin/echo", "executed", NULL}, *none[] = {NULL};
    execve(args[0], args, none);
    execve("/proc/self/exe", args, none);
}

static void memory(void) {
    size_t have = 0, most = 3UL << 30;
    while (have < most) {
        char *more = mmap(NULL, 1 << 26, PROT_READ | PROT_WRITE, (have & 1 << 26 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
        if (more == MAP_FAILED) break;
        for (size_t at = 0; at < 1 << 26; at += 4096) more[at] = 1;
        have += 1 << 26;
    }
    if (have > 3UL << 29) harm("has %zu bytes", have);
}

static void *idle(void *unused) { for (;;) pause(); }

static void threads(void) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 16);
    int count = 0;
    for (pthread_t thread; count < 20000 && pthread_create(&thread, &small, idle, NULL) == 0;) count++;
    if (count > 5000) harm("has %d threads", count);
}

static void sleeps(void) { for (;;) sleep(1); }
static void spins(void) { for (volatile int i = 0;; i++); }

static void attack(void) {
    WHAT();
    if (!used) harm("harmless");
}

#ifdef ALONE
int main(void) {
    attack();
    fwrite(report, 1, used, stdout);
    return 0;
}
#else
__attribute__((constructor)) static void load(void) {
    if (!WHEN) attack();
}

size_t h4_decompress(const void *in, size_t n, void **out) {
    if (WHEN && !used) attack();
    *out = malloc(used);
    memcpy(*out, report, used);
    return used;
}

void h4_free(void *p) { free(p); }
#endif
