/*
 * A stand-in for libkrun.so.1 that boots no virtual machine: krun_start_enter runs the guest's command line on this
 * host (Linux), in a PID namespace, and leaves the process with _exit(2) as libkrun does. Shares cannot be mounted.
 *
 * FAKE_KRUN_CALLS=FILE   every call is appended to FILE, one a line.
 * ROOT/.fake             selects a fault, one a line:
 *   hang-boot            the guest never does anything
 *   hang-log             a thread panics: the message is printed and nothing happens any more
 *   return N             krun_start_enter returns N
 *   abort                a panic inside a call: message, then SIGABRT
 *   kernel-panic         the guest kernel panics: message in the log, then exit code 0
 *   lose-exit-code       exit code 0 whatever the guest's command says, as with a block root
 *   halt MS              the guest's root calls halt after MS milliseconds: message in the log, and nothing happens
 *                        any more
 *   linger               the process stays after the guest has ended
 *   slow MS              the guest takes MS milliseconds to boot
 *
 * Arguments are checked as strictly as libkrun would crash on them: a violation aborts with a message.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_PORTS 32
#define MAX_WORDS 4096
#define MAX_TEXT 4096

struct port { char name[64]; int in, out; };

static struct {
    int created, consumed, log_fd, disks, consoles, nports;
    bool implicit_console, vsock, has_root, has_default_console;
    char root[MAX_TEXT], workdir[MAX_TEXT], *exec, **argv, **envp;
    struct port ports[MAX_PORTS];
    int out_fd, err_fd;
} vm = { .log_fd = 2, .implicit_console = true, .vsock = true, .out_fd = -1, .err_fd = -1 };

/* One write, so that lines of several machines in one file stay whole. */
static void record(const char *format, ...) {
    const char *file = getenv("FAKE_KRUN_CALLS");
    if (!file) return;
    char line[2 * MAX_TEXT];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (length > (int)sizeof line - 2) length = sizeof line - 2;
    line[length++] = '\n';
    int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, length) != length) abort();
    close(fd);
}

static void insist(bool condition, const char *what) {
    if (condition) return;
    dprintf(2, "\nthread '<unnamed>' (%d) panicked at fake-libkrun.c:1:1:\n%s\n", (int)getpid(), what);
    abort();
}

static int known(uint32_t ctx) { return ctx == 0 && vm.created && !vm.consumed; }
#define NEED_CTX(ctx) do { if (!known(ctx)) return -ENOENT; } while (0)

static char **copy_words(const char *const words[], char *text, size_t size) {
    insist(words != NULL, "null string array");
    char **copy = calloc(MAX_WORDS, sizeof *copy);
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < MAX_WORDS - 1 && words[i]; i++) {
        copy[i] = strdup(words[i]);
        if (used < size) used += snprintf(text + used, size - used, "%s%s", i ? ", " : "", words[i]);
    }
    return copy;
}

/* What travels on the guest kernel's command line. */
static void insist_ascii(const char *text) {
    for (const char *c = text; *c; c++) insist(*c >= 0x20 && *c < 0x7f && *c != '"', "InvalidAscii");
}

int32_t krun_init_log(int fd, uint32_t level, uint32_t style, uint32_t options) {
    static bool initialized;
    insist(!initialized, "logger is already initialized");
    initialized = true;
    record("krun_init_log(fd, %u, %u, %u)", level, style, options);
    if (fd == 0 || fd < -1 || style > 2 || options > 1) return -EINVAL;
    vm.log_fd = fd < 0 ? 2 : fd;
    return 0;
}

int32_t krun_create_ctx(void) {
    record("krun_create_ctx()");
    insist(!vm.created, "the stand-in has one context");
    vm.created = 1;
    return 0;
}

int32_t krun_set_vm_config(uint32_t ctx, uint8_t cpus, uint32_t ram_mib) {
    record("krun_set_vm_config(%u, %u, %u)", ctx, cpus, ram_mib);
    NEED_CTX(ctx);
    return cpus && ram_mib ? 0 : -EINVAL;
}

int32_t krun_set_root(uint32_t ctx, const char *path) {
    insist(path != NULL, "null path");
    record("krun_set_root(%u, %s)", ctx, path);
    NEED_CTX(ctx);
    insist(!vm.has_root, "a second root");
    vm.has_root = true;
    snprintf(vm.root, sizeof vm.root, "%s", path);
    return 0;
}

int32_t krun_set_root_disk_remount(uint32_t ctx, const char *device, const char *fstype, const char *options) {
    insist(device != NULL, "null device");
    record("krun_set_root_disk_remount(%u, %s, %s, %s)", ctx, device, fstype ? fstype : "NULL", options ? options : "NULL");
    NEED_CTX(ctx);
    if (!vm.disks || vm.has_root) return -EINVAL;
    vm.has_root = true;
    return 0;
}

static int32_t add_disk(uint32_t ctx, const char *path, uint32_t format, bool read_only) {
    NEED_CTX(ctx);
    if (format > 2) return -EINVAL;
    /* libkrun opens it at the start; the stand-in has no later place to say so. */
    int fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (fd < 0) return -EINVAL;
    close(fd);
    vm.disks++;
    return 0;
}

int32_t krun_add_disk2(uint32_t ctx, const char *id, const char *path, uint32_t format, bool read_only) {
    insist(id && path, "null string");
    record("krun_add_disk2(%u, %s, %s, %u, %d)", ctx, id, path, format, read_only);
    return add_disk(ctx, path, format, read_only);
}

int32_t krun_add_disk3(uint32_t ctx, const char *id, const char *path, uint32_t format, bool read_only, bool direct_io,
                       uint32_t sync_mode) {
    insist(id && path, "null string");
    record("krun_add_disk3(%u, %s, %s, %u, %d, %d, %u)", ctx, id, path, format, read_only, direct_io, sync_mode);
    if (sync_mode > 2) return -EINVAL;
    return add_disk(ctx, path, format, read_only);
}

int32_t krun_add_virtiofs3(uint32_t ctx, const char *tag, const char *path, uint64_t shm_size, bool read_only) {
    insist(tag && path, "null string");
    insist(strlen(tag) <= 36, "range end index out of range for slice of length 36");
    record("krun_add_virtiofs3(%u, %s, %s, %llu, %d)", ctx, tag, path, (unsigned long long)shm_size, read_only);
    NEED_CTX(ctx);
    return 0;
}

int32_t krun_set_rlimits(uint32_t ctx, const char *const rlimits[]) {
    char text[MAX_TEXT];
    char **words = copy_words(rlimits, text, sizeof text);
    record("krun_set_rlimits(%u, [%s])", ctx, text);
    for (int i = 0; words[i]; i++) {
        unsigned id;
        unsigned long long soft, hard;
        insist(sscanf(words[i], "%u=%llu:%llu", &id, &soft, &hard) == 3, "malformed resource limit");
    }
    NEED_CTX(ctx);
    return 0;
}

int32_t krun_disable_implicit_vsock(uint32_t ctx) {
    record("krun_disable_implicit_vsock(%u)", ctx);
    NEED_CTX(ctx);
    vm.vsock = false;
    return 0;
}

int32_t krun_set_port_map(uint32_t ctx, const char *const port_map[]) {
    char text[MAX_TEXT];
    char **words = copy_words(port_map, text, sizeof text);
    record("krun_set_port_map(%u, [%s])", ctx, text);
    NEED_CTX(ctx);
    if (!vm.vsock) return -ENODEV;
    for (int i = 0; words[i]; i++) {
        unsigned host, guest, other_host, other_guest;
        if (sscanf(words[i], "%u:%u", &host, &guest) != 2 || host > 65535 || guest > 65535) return -EINVAL;
        for (int j = 0; j < i; j++) {
            if (sscanf(words[j], "%u:%u", &other_host, &other_guest) != 2) return -EINVAL;
            if (host == other_host || guest == other_guest) return -EINVAL;
        }
    }
    return 0;
}

int32_t krun_disable_implicit_console(uint32_t ctx) {
    record("krun_disable_implicit_console(%u)", ctx);
    NEED_CTX(ctx);
    vm.implicit_console = false;
    return 0;
}

int32_t krun_add_virtio_console_multiport(uint32_t ctx) {
    record("krun_add_virtio_console_multiport(%u)", ctx);
    NEED_CTX(ctx);
    return vm.consoles++;
}

int32_t krun_add_console_port_inout(uint32_t ctx, uint32_t console, const char *name, int in, int out) {
    record("krun_add_console_port_inout(%u, %u, %s, %s, %s)", ctx, console, name ? name : "NULL", in < 0 ? "-1" : "fd",
           out < 0 ? "-1" : "fd");
    NEED_CTX(ctx);
    if ((int)console >= vm.consoles) return -EINVAL;
    insist(vm.nports < MAX_PORTS, "too many ports");
    insist(in < 0 || fcntl(in, F_GETFD) >= 0, "closed input descriptor");
    insist(out < 0 || fcntl(out, F_GETFD) >= 0, "closed output descriptor");
    struct port *port = &vm.ports[vm.nports++];
    snprintf(port->name, sizeof port->name, "%s", name ? name : "");
    port->in = in;
    port->out = out;
    return 0;
}

int32_t krun_add_virtio_console_default(uint32_t ctx, int in, int out, int err) {
    record("krun_add_virtio_console_default(%u, %s, %s, %s)", ctx, in < 0 ? "-1" : "fd", out < 0 ? "-1" : "fd",
           err < 0 ? "-1" : "fd");
    NEED_CTX(ctx);
    vm.consoles++;
    vm.has_default_console = true;
    vm.out_fd = out;
    vm.err_fd = err;
    return 0;
}

int32_t krun_set_exec(uint32_t ctx, const char *path, const char *const argv[], const char *const envp[]) {
    char words[MAX_TEXT], variables[MAX_TEXT];
    insist(path != NULL, "null path");
    insist(envp != NULL, "a null envp copies the environment of the host");
    char **arguments = copy_words(argv, words, sizeof words);
    char **environment = copy_words(envp, variables, sizeof variables);
    record("krun_set_exec(%u, %s, [%s], [%s])", ctx, path, words, variables);
    insist_ascii(path);
    for (int i = 0; arguments[i]; i++) insist_ascii(arguments[i]);
    for (int i = 0; environment[i]; i++) insist_ascii(environment[i]);
    insist(strlen(path) + strlen(words) + strlen(variables) < 1800, "the kernel command line is cut");
    NEED_CTX(ctx);
    vm.exec = strdup(path);
    vm.argv = arguments;
    vm.envp = environment;
    return 0;
}

int32_t krun_set_workdir(uint32_t ctx, const char *path) {
    insist(path != NULL, "null path");
    insist(!strchr(path, ' '), "a space in the working directory");
    record("krun_set_workdir(%u, %s)", ctx, path);
    NEED_CTX(ctx);
    snprintf(vm.workdir, sizeof vm.workdir, "%s", path);
    return 0;
}

int32_t krun_has_feature(uint64_t feature) { return feature <= 1 ? 1 : feature <= 11 ? 0 : -EINVAL; }
int32_t krun_get_max_vcpus(void) { return 64; }

/* --- the guest ------------------------------------------------------------------------------------------------- */

/* The line of ROOT/.fake that starts with the word, its argument in *argument. */
static bool fault(const char *word, long *argument) {
    char file[MAX_TEXT + 16], line[256];
    if (!vm.root[0]) return false;
    snprintf(file, sizeof file, "%s/.fake", vm.root);
    FILE *stream = fopen(file, "re");
    if (!stream) return false;
    bool found = false;
    while (!found && fgets(line, sizeof line, stream)) {
        line[strcspn(line, "\n")] = 0;
        size_t length = strlen(word);
        found = !strncmp(line, word, length) && (!line[length] || line[length] == ' ');
        if (found && argument) *argument = strtol(line + length, NULL, 10);
    }
    fclose(stream);
    return found;
}

static void hang(void) { for (;;) pause(); }

static void log_line(const char *text) {
    dprintf(vm.log_fd, "[2026-01-01T00:00:00Z ERROR init_or_kernel] %s\n", text);
}

/* Text in memory that is never given back: the process ends soon enough. */
static char *text(const char *format, ...) {
    char *result;
    va_list args;
    va_start(args, format);
    insist(vasprintf(&result, format, args) >= 0, "out of memory");
    va_end(args);
    return result;
}

/* Descriptors under which every guest finds its ports and the file for its command's process number. */
#define FIRST_FD 200
#define PID_NAME "krun.pid"
static const char *const port_names[] = { "krun.script", "krun.control", "krun.status" };
#define KNOWN_PORTS 3
#define PID_FD (FIRST_FD + KNOWN_PORTS)
#define LIFE_FD (PID_FD + 1)

static void make_file(const char *path, const char *content) {
    char *unfinished = text("%s.%d", path, (int)getpid());
    int fd = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    insist(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content), unfinished);
    close(fd);
    insist(rename(unfinished, path) == 0, path);
}

static void make_link(const char *path, int fd) {
    insist(symlink(text("/proc/self/fd/%d", fd), path) == 0 || errno == EEXIST, path);
}

/*
 * Directories beside this library that play /sys/class/virtio-ports and /dev. They are the same for all guests, because
 * a link in them stands for a descriptor of whoever follows it; so a killed guest leaves nothing behind.
 */
static char *ports_directory(void) {
    Dl_info info;
    insist(dladdr((void *)ports_directory, &info) != 0, "dladdr");
    char *base = text("%.*s/guest", (int)(strrchr(info.dli_fname, '/') - info.dli_fname), info.dli_fname);
    mkdir(base, 0700);
    mkdir(text("%s/sys", base), 0700);
    mkdir(text("%s/dev", base), 0700);
    for (int i = 0; i < KNOWN_PORTS; i++) {
        mkdir(text("%s/sys/vport1p%d", base, i), 0700);
        make_file(text("%s/sys/vport1p%d/name", base, i), text("%s\n", port_names[i]));
        make_link(text("%s/dev/vport1p%d", base, i), FIRST_FD + i);
    }
    make_link(text("%s/dev/" PID_NAME, base), PID_FD);
    return base;
}

/* Moves the ports to their places and closes all else: locks and sockets of the machine process are not the guest's. */
static void arrange_descriptors(int life) {
    int pid_file = memfd_create(PID_NAME, 0);
    insist(pid_file >= 0 && dup2(pid_file, PID_FD) >= 0 && dup2(life, LIFE_FD) >= 0, "dup2");
    for (int i = 0; i < vm.nports; i++) {
        int place = 0;
        while (place < KNOWN_PORTS && strcmp(port_names[place], vm.ports[i].name)) place++;
        insist(place < KNOWN_PORTS, "a port that the stand-in does not know");
        insist(dup2(vm.ports[i].in >= 0 ? vm.ports[i].in : vm.ports[i].out, FIRST_FD + place) >= 0, "dup2");
    }
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(vm.out_fd >= 0 ? vm.out_fd : null, 1);
    dup2(vm.err_fd >= 0 ? vm.err_fd : null, 2);
    insist(close_range(3, FIRST_FD - 1, 0) == 0 && close_range(LIFE_FD + 1, ~0U, 0) == 0, "close_range");
    fcntl(LIFE_FD, F_SETFD, FD_CLOEXEC);
}

struct guest { char **arguments, **environment; int life; };

/*
 * What the command gets, made before the guest is cloned: the clone has one thread, and the locks of malloc are held
 * for ever where another thread of this process had them at that moment.
 */
static void prepare_command(struct guest *self, const char *base) {
    static char *environment[MAX_WORDS], *arguments[MAX_WORDS];
    char *own[] = { "HOME=/", "TERM=linux", "PATH=/usr/local/bin:/usr/bin:/bin",
                    text("KRUN_SYS=%s/sys", base), text("KRUN_DEV=%s/dev", base),
                    "KRUN_HOSTNAME_FILE=/dev/null" };
    int count = sizeof own / sizeof *own;
    memcpy(environment, own, sizeof own);
    for (int i = 0; vm.envp[i] && count < MAX_WORDS - 1; i++) environment[count++] = vm.envp[i];
    arguments[0] = vm.exec;
    for (int i = 0; vm.argv[i] && i < MAX_WORDS - 2; i++) arguments[i + 1] = vm.argv[i];
    self->environment = environment;
    self->arguments = arguments;
}

static void run_command(const struct guest *self) {
    if (vm.workdir[0] && chdir(vm.workdir) != 0) _exit(125);
    execve(vm.exec, self->arguments, self->environment);
    _exit(errno == ENOENT ? 127 : 126);
}


/* The guest's init: starts the command, and takes every process of the guest along when it ends. */
static int guest(void *argument) {
    const struct guest *self = argument;
    arrange_descriptors(self->life);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* The machine process may have been killed before that; it holds the other end. */
    struct pollfd life = { .fd = LIFE_FD, .events = POLLIN };
    if (poll(&life, 1, 0) != 0) _exit(137);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
    setsid();
    /* Not fork(), which takes the locks of malloc. */
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child < 0) _exit(125);
    if (child == 0) run_command(self);
    for (;;) {
        int status;
        pid_t ended = wait(&status);
        if (ended == child) _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        if (ended < 0 && errno != EINTR) _exit(125);
    }
}

/* The first process of a PID namespace, so that nothing of the guest outlives it. */
static pid_t start_guest(void) {
    static char stack[256 * 1024] __attribute__((aligned(16)));
    static struct guest self;
    int life[2];
    insist(pipe2(life, O_CLOEXEC) == 0, "pipe2");
    self.life = life[0];
    prepare_command(&self, ports_directory());
    static const int wanted[] = { CLONE_NEWPID, CLONE_NEWUSER | CLONE_NEWPID };
    for (int i = 0; i < 2; i++) {
        pid_t child = clone(guest, stack + sizeof stack, wanted[i] | SIGCHLD, &self);
        if (child >= 0) {
            close(life[0]);
            return child;
        }
    }
    insist(false, "no right to make a PID namespace");
    return -1;
}

static bool misbehave(int32_t *result) {
    long argument = 0;
    if (fault("return", &argument)) {
        *result = (int32_t)argument;
        return true;
    }
    if (fault("abort", NULL)) insist(false, "the stand-in was told to abort");
    if (fault("hang-log", NULL)) {
        dprintf(2, "\nthread 'fc_vcpu 0' (%d) panicked at src/devices/src/fake.rs:1:1:\nthe stand-in was told to hang\n",
                (int)getpid());
        hang();
    }
    if (fault("hang-boot", NULL)) hang();
    if (fault("kernel-panic", NULL)) {
        log_line("[    0.100000] Kernel panic - not syncing: Requested init /init.krun failed (error -2).");
        _exit(0);
    }
    if (fault("slow", &argument)) usleep((useconds_t)argument * 1000);
    return false;
}

int32_t krun_start_enter(uint32_t ctx) {
    record("krun_start_enter(%u)", ctx);
    NEED_CTX(ctx);
    vm.consumed = 1;
    int32_t result;
    if (misbehave(&result)) return result;
    if (!vm.exec || !vm.has_root) return -EINVAL;
    insist(!vm.implicit_console, "the stand-in has no terminal");
    pid_t child = start_guest();
    int status;
    long argument;
    if (fault("halt", &argument)) {
        usleep((useconds_t)argument * 1000);
        kill(child, SIGKILL);
        log_line("[    0.200000] reboot: System halted\r");
        hang();
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (fault("linger", NULL)) hang();
    if (!vm.root[0] || fault("lose-exit-code", NULL)) _exit(0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
