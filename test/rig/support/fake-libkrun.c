/*
 * A stand-in for libkrun.so.1 that boots no virtual machine: krun_start_enter runs the guest's command line on this
 * host (Linux), in a PID namespace, and leaves the process with _exit(2) as libkrun does. Shares cannot be mounted.
 *
 * FAKE_KRUN_CALLS=FILE   every call is appended to FILE, one a line.
 * ROOT/.fake             selects a fault, one a line; IMAGE.fake where the root is on the first disk, and IMAGE.init is then
 *                        what the guest finds as its init:
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
 *   net-close MS         the guest's links are closed after MS milliseconds
 *   hide PATH            the guest does not see a file or directory of the host, whose root is its own as well
 *   put FILE PATH        it sees another file in its place
 *   no-tty               programs of the guest that ask the C library do not take a port for a terminal: bash reads ahead
 *                        from what it takes for one
 *   net-runt             a frame of 4 bytes goes out on each link before anything else
 *
 * A console port may be opened once in a guest's life, as in libkrun, which serves it wrongly or panics afterwards: a
 * second time aborts. Ports that carry both ways, and terminals, are pseudo terminals whose other end this process
 * carries to and from what it was given.
 *
 * What a guest would do at a vsock port where it listens, and at its serial port, this process does itself: it sends back
 * what comes, and says "serial port ready" first.
 *
 * A guest that boots by itself is a shell script in the place of its initrd, or else of its kernel: what it prints goes out
 * of the serial port, its command line is KRUN_CMDLINE, and its end is a reboot, after which libkrun ends with 0.
 *
 * A guest with interfaces gets network, mount and host name namespaces of its own. Each interface is a tap device named
 * eth0, eth1, ... whose frames this process carries to the link that it was given and back: to stop the process with
 * SIGSTOP is to pause the guest. That needs root or user namespaces, and a /dev/net/tun that one may open.
 *
 * Arguments are checked as strictly as libkrun would crash on them: a violation aborts with a message.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define MAX_PORTS 128
#define MAX_WORDS 4096
#define MAX_TEXT 4096

#define MAX_LINKS 8
#define MAX_ECHOES 16
#define MAX_FRAME 65562

struct port {
    char name[64];
    int in, out;
    bool tty;
    /* Of a port that carries both ways, or a terminal: the guest's end is the slave. */
    int master, slave;
    char path[64];
    uint8_t to_guest[4096], from_guest[16384];
    size_t to_have, to_sent, from_have, from_sent;
    /* inotify's watch for openings of it. */
    int watch, opened;
};

/* One interface of the guest: a socket or path that libkrun was given, and the tap device that plays the guest's end. */
struct link {
    enum { STREAM, DATAGRAM, TAP } kind;
    char path[MAX_TEXT];
    uint8_t mac[6];
    bool vfkit;
    int fd, tap;
    /* A frame of a stream that has not come, or gone, as a whole. */
    uint8_t in[4 + MAX_FRAME], out[4 + MAX_FRAME];
    size_t have, left, sent;
};

/* Something of the guest that sends back what comes: a vsock port where it listens, or a serial port. */
struct echo {
    char path[108];
    int in, out;
};

static struct {
    int nechoes;
    struct echo echoes[MAX_ECHOES];
    int created, consumed, log_fd, disks, consoles, nports;
    bool implicit_console, vsock, has_root, has_default_console;
    char root[MAX_TEXT], disk[MAX_TEXT], console_file[MAX_TEXT], workdir[MAX_TEXT], *exec, **argv, **envp;
    struct port ports[MAX_PORTS];
    int out_fd, err_fd, nlinks;
    bool explicit_vsock;
    struct link links[MAX_LINKS];
    /* The script of a guest that boots by itself. */
    char boots[MAX_TEXT], cmdline[MAX_TEXT];
    long uid, gid;
} vm = { .log_fd = 2, .implicit_console = true, .vsock = true, .out_fd = -1, .err_fd = -1, .uid = -1, .gid = -1 };

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

static void insist_kernel_line(const char *text) {
    for (const char *c = text; *c; c++) insist(*c >= 0x20 && *c < 0x7f, "InvalidAscii");
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
    if (vm.disks++ == 0) snprintf(vm.disk, sizeof vm.disk, "%s", path);
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
    if (strcmp(tag, "/dev/root") != 0) return 0;
    insist(!vm.has_root, "a second root");
    vm.has_root = true;
    snprintf(vm.root, sizeof vm.root, "%s", path);
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

int32_t krun_set_firmware(uint32_t ctx, const char *path) {
    insist(path != NULL, "null path");
    record("krun_set_firmware(%u, %s)", ctx, path);
    NEED_CTX(ctx);
    return 0;
}

int32_t krun_set_kernel(uint32_t ctx, const char *path, uint32_t format, const char *initrd, const char *cmdline) {
    insist(path != NULL, "null path");
    record("krun_set_kernel(%u, %s, %u, %s, %s)", ctx, path, format, initrd ? initrd : "NULL", cmdline ? cmdline : "NULL");
    NEED_CTX(ctx);
    insist(format != 0, "a raw kernel that is mapped as a bundle");
    if (format > 5 || (initrd && access(initrd, R_OK) != 0)) return -EINVAL;
    if (cmdline) insist_kernel_line(cmdline);
    snprintf(vm.boots, sizeof vm.boots, "%s", initrd ? initrd : path);
    snprintf(vm.cmdline, sizeof vm.cmdline, "%s", cmdline ? cmdline : "init=/init.krun");
    return 0;
}

/* Linux without nested virtualization, which libkrun looks for from 1.18 on. */
int32_t krun_check_nested_virt(void) {
    record("krun_check_nested_virt()");
    return getenv("FAKE_KRUN_NESTED") ? atoi(getenv("FAKE_KRUN_NESTED")) : -EOPNOTSUPP;
}

int32_t krun_set_nested_virt(uint32_t ctx, bool enabled) {
    record("krun_set_nested_virt(%u, %d)", ctx, enabled);
    NEED_CTX(ctx);
    return 0;
}

int32_t krun_split_irqchip(uint32_t ctx, bool enable) {
    record("krun_split_irqchip(%u, %d)", ctx, enable);
    NEED_CTX(ctx);
    return 0;
}

int32_t krun_set_smbios_oem_strings(uint32_t ctx, const char *const strings[]) {
    char text[MAX_TEXT];
    copy_words(strings, text, sizeof text);
    record("krun_set_smbios_oem_strings(%u, [%s])", ctx, text);
    NEED_CTX(ctx);
    return 0;
}

int32_t krun_setuid(uint32_t ctx, uint32_t uid) {
    record("krun_setuid(%u, %u)", ctx, uid);
    NEED_CTX(ctx);
    vm.uid = uid;
    return 0;
}

int32_t krun_setgid(uint32_t ctx, uint32_t gid) {
    record("krun_setgid(%u, %u)", ctx, gid);
    NEED_CTX(ctx);
    vm.gid = gid;
    return 0;
}

int32_t krun_set_console_output(uint32_t ctx, const char *path) {
    insist(path != NULL, "null path");
    record("krun_set_console_output(%u, %s)", ctx, path);
    NEED_CTX(ctx);
    if (vm.console_file[0]) return -EINVAL;
    snprintf(vm.console_file, sizeof vm.console_file, "%s", path);
    return 0;
}

int32_t krun_disable_implicit_vsock(uint32_t ctx) {
    record("krun_disable_implicit_vsock(%u)", ctx);
    NEED_CTX(ctx);
    vm.vsock = false;
    return 0;
}

int32_t krun_add_vsock(uint32_t ctx, uint32_t tsi_features) {
    record("krun_add_vsock(%u, %u)", ctx, tsi_features);
    NEED_CTX(ctx);
    if (tsi_features & ~3U) return -EINVAL;
    if (vm.vsock) return -EEXIST;
    vm.vsock = vm.explicit_vsock = true;
    return 0;
}

static struct echo *add_echo(void) {
    insist(vm.nechoes < MAX_ECHOES, "too many vsock ports and serial ports");
    return &vm.echoes[vm.nechoes++];
}

int32_t krun_add_vsock_port2(uint32_t ctx, uint32_t port, const char *path, bool listen) {
    insist(path != NULL, "null path");
    record("krun_add_vsock_port2(%u, %u, %s, %d)", ctx, port, path, listen);
    NEED_CTX(ctx);
    insist(strlen(path) < sizeof vm.echoes[0].path, "a path that does not end in sun_path");
    if (listen && access(path, F_OK) == 0) return -EEXIST;
    if (!vm.vsock) return -ENODEV;
    if (listen) strcpy(add_echo()->path, path);
    return 0;
}

#define NET_FEATURES 0x5D83U
#define GUEST_CSUM (1U << 1)
#define GUEST_SEGMENTS (1U << 7 | 1U << 8 | 1U << 10)

static const char *mac_text(const uint8_t *mac) {
    static char buffer[18];
    snprintf(buffer, sizeof buffer, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    return buffer;
}

static struct link *add_link(const char *path, int fd, const uint8_t *mac) {
    insist(vm.nlinks < MAX_LINKS, "too many interfaces");
    struct link *link = &vm.links[vm.nlinks++];
    snprintf(link->path, sizeof link->path, "%s", path ? path : "");
    memcpy(link->mac, mac, sizeof link->mac);
    link->fd = fd;
    link->tap = -1;
    return link;
}

/* libkrun 1.17: exactly one of path and descriptor, and no flag but vfkit's, for datagrams. */
static int32_t add_socket(uint32_t ctx, const char *path, int fd, const uint8_t *mac, uint32_t features, uint32_t flags,
                          int type) {
    insist(mac != NULL, "null mac");
    record("krun_add_net_unix%s(%u, %s, %s, %s, 0x%x, %u)", type == SOCK_STREAM ? "stream" : "gram", ctx,
           path ? path : "NULL", fd < 0 ? "-1" : "fd", mac_text(mac), features, flags);
    NEED_CTX(ctx);
    if ((path != NULL) == (fd >= 0)) return -EINVAL;
    if (features & ~NET_FEATURES) return -EINVAL;
    if (flags & ~(type == SOCK_STREAM ? 0U : 1U)) return -EINVAL;
    if (fd >= 0) {
        int found = 0;
        socklen_t size = sizeof found;
        insist(getsockopt(fd, SOL_SOCKET, SO_TYPE, &found, &size) == 0 && found == type, "not such a socket");
        insist(type != SOCK_STREAM || !(fcntl(fd, F_GETFL) & O_NONBLOCK), "a stream that does not block");
    }
    struct link *link = add_link(path, fd, mac);
    link->kind = type == SOCK_STREAM ? STREAM : DATAGRAM;
    link->vfkit = flags & 1;
    return 0;
}

int32_t krun_add_net_unixstream(uint32_t ctx, const char *path, int fd, uint8_t *const mac, uint32_t features,
                                uint32_t flags) {
    return add_socket(ctx, path, fd, mac, features, flags, SOCK_STREAM);
}

int32_t krun_add_net_unixgram(uint32_t ctx, const char *path, int fd, uint8_t *const mac, uint32_t features,
                              uint32_t flags) {
    return add_socket(ctx, path, fd, mac, features, flags, SOCK_DGRAM);
}

int32_t krun_add_net_tap(uint32_t ctx, char *name, uint8_t *const mac, uint32_t features, uint32_t flags) {
    insist(name && mac, "null name or mac");
    insist(strlen(name) < IFNAMSIZ, "a name that does not end in ifr_name");
    record("krun_add_net_tap(%u, %s, %s, 0x%x, %u)", ctx, name, mac_text(mac), features, flags);
    NEED_CTX(ctx);
    if ((features & ~NET_FEATURES) || flags) return -EINVAL;
    if ((features & GUEST_SEGMENTS) && !(features & GUEST_CSUM)) return -EINVAL;
    add_link(name, -1, mac)->kind = TAP;
    return 0;
}

int32_t krun_set_port_map(uint32_t ctx, const char *const port_map[]) {
    char text[MAX_TEXT];
    char **words = copy_words(port_map, text, sizeof text);
    record("krun_set_port_map(%u, [%s])", ctx, text);
    NEED_CTX(ctx);
    if (!vm.vsock) return -ENODEV;
    if (vm.nlinks) return -EINVAL;
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

static struct port *add_port(const char *name, int in, int out) {
    insist(vm.nports < MAX_PORTS, "too many ports");
    struct port *port = &vm.ports[vm.nports++];
    snprintf(port->name, sizeof port->name, "%s", name ? name : "");
    port->in = in;
    port->out = out;
    port->master = port->slave = port->watch = -1;
    return port;
}

int32_t krun_add_console_port_inout(uint32_t ctx, uint32_t console, const char *name, int in, int out) {
    record("krun_add_console_port_inout(%u, %u, %s, %s, %s)", ctx, console, name ? name : "NULL", in < 0 ? "-1" : "fd",
           out < 0 ? "-1" : "fd");
    NEED_CTX(ctx);
    if ((int)console >= vm.consoles) return -EINVAL;
    insist(in < 0 || fcntl(in, F_GETFD) >= 0, "closed input descriptor");
    insist(out < 0 || fcntl(out, F_GETFD) >= 0, "closed output descriptor");
    add_port(name, in, out);
    return 0;
}

int32_t krun_add_console_port_tty(uint32_t ctx, uint32_t console, const char *name, int tty) {
    record("krun_add_console_port_tty(%u, %u, %s, %s)", ctx, console, name ? name : "NULL", tty < 0 ? "-1" : "fd");
    NEED_CTX(ctx);
    if (tty < 0 || (int)console >= vm.consoles) return -EINVAL;
    if (!isatty(tty)) return -ENOTTY;
    insist(tty != 0, "a terminal that is descriptor 0");
    add_port(name, tty, tty)->tty = true;
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

int32_t krun_add_serial_console_default(uint32_t ctx, int in, int out) {
    record("krun_add_serial_console_default(%u, %s, %s)", ctx, in < 0 ? "-1" : "fd", out < 0 ? "-1" : "fd");
    NEED_CTX(ctx);
    insist(in >= 0 && out >= 0, "fd != -1");
    struct echo *echo = add_echo();
    echo->in = in;
    echo->out = out;
    return 0;
}

int32_t krun_set_kernel_console(uint32_t ctx, const char *console) {
    insist(console != NULL, "null console");
    record("krun_set_kernel_console(%u, %s)", ctx, console);
    NEED_CTX(ctx);
    return 0;
}

int32_t krun_set_gpu_options(uint32_t ctx, uint32_t flags) {
    record("krun_set_gpu_options(%u, %u)", ctx, flags);
    NEED_CTX(ctx);
    return 0;
}

int32_t krun_add_input_device_fd(uint32_t ctx, int fd) {
    record("krun_add_input_device_fd(%u, %s)", ctx, fd < 0 ? "-1" : "fd");
    NEED_CTX(ctx);
    return -ENOTSUP;
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
    if (!vm.root[0] && !vm.disk[0]) return false;
    snprintf(file, sizeof file, vm.root[0] ? "%s/.fake" : "%s.fake", vm.root[0] ? vm.root : vm.disk);
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

/* Descriptors under which a guest finds its ports of one direction. */
#define FIRST_FD 200
#define LIFE_FD (FIRST_FD + MAX_PORTS)

static bool carries_both(const struct port *port) { return port->in >= 0 && port->out >= 0; }

static void write_file(const char *path, const char *content) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, content, strlen(content)) != (ssize_t)strlen(content)) _exit(122);
    close(fd);
}

/* The directory beside this library over which every guest has a file system of its own. */
static char *guest_directory(void) {
    Dl_info info;
    insist(dladdr((void *)guest_directory, &info) != 0, "dladdr");
    char *base = text("%.*s/guest", (int)(strrchr(info.dli_fname, '/') - info.dli_fname), info.dli_fname);
    mkdir(base, 0700);
    return base;
}

/* In the guest: what plays /sys/class/virtio-ports and /dev. The first terminal is that of libkrun's own console. */
static void make_ports(const char *base) {
    static const char *const directories[] = { "sys", "dev", "run" };
    char path[MAX_TEXT], content[80];
    int terminals = 1;
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", base, directories[i]);
        if (mkdir(path, 0755) < 0) _exit(122);
    }
    snprintf(path, sizeof path, "%s/dev/hvc0", base);
    if (symlink("/dev/null", path) < 0) _exit(122);
    for (int i = 0; i < vm.nports; i++) {
        const struct port *port = &vm.ports[i];
        snprintf(path, sizeof path, "%s/sys/vport1p%d", base, i);
        if (mkdir(path, 0755) < 0) _exit(122);
        snprintf(path, sizeof path, "%s/sys/vport1p%d/name", base, i);
        snprintf(content, sizeof content, "%s\n", port->name);
        write_file(path, content);
        if (port->tty) snprintf(path, sizeof path, "%s/dev/hvc%d", base, terminals++);
        else snprintf(path, sizeof path, "%s/dev/vport1p%d", base, i);
        if (carries_both(port)) snprintf(content, sizeof content, "%s", port->path);
        else snprintf(content, sizeof content, "/proc/self/fd/%d", FIRST_FD + i);
        if (symlink(content, path) < 0) _exit(122);
    }
}

/* Moves the ports to their places and closes all else: locks and sockets of the machine process are not the guest's. */
static void arrange_descriptors(int life) {
    insist(dup2(life, LIFE_FD) >= 0, "dup2");
    for (int i = 0; i < vm.nports; i++) {
        const struct port *port = &vm.ports[i];
        if (carries_both(port)) close(FIRST_FD + i);
        else insist(dup2(port->in >= 0 ? port->in : port->out, FIRST_FD + i) >= 0, "dup2");
    }
    for (int i = vm.nports; i < MAX_PORTS; i++) close(FIRST_FD + i);
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(vm.out_fd >= 0 ? vm.out_fd : null, 1);
    dup2(vm.err_fd >= 0 ? vm.err_fd : null, 2);
    insist(close_range(3, FIRST_FD - 1, 0) == 0 && close_range(LIFE_FD + 1, ~0U, 0) == 0, "close_range");
    fcntl(LIFE_FD, F_SETFD, FD_CLOEXEC);
}

static void do_not_wait(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

static void open_slave(struct port *port) {
    port->slave = open(port->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    insist(port->slave >= 0, port->path);
}

/* Marks a pseudo terminal that plays another device. */
#define NO_TTY_PIXELS 0x6b72

/* For programs of the guest that load this library before the C library. */
int isatty(int fd) {
    struct winsize size;
    struct termios modes;
    if (tcgetattr(fd, &modes) < 0) return 0;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_xpixel != NO_TTY_PIXELS) return 1;
    errno = ENOTTY;
    return 0;
}

/* The guest's end of a port: a terminal with the size of what the machine process gave, or one that is no terminal. */
static void make_pty(struct port *port) {
    struct winsize size = { .ws_xpixel = NO_TTY_PIXELS };
    struct termios modes;
    port->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    insist(port->master >= 0 && grantpt(port->master) == 0 && unlockpt(port->master) == 0, "posix_openpt");
    insist(ptsname_r(port->master, port->path, sizeof port->path) == 0, "ptsname");
    open_slave(port);
    if (port->tty) insist(ioctl(port->in, TIOCGWINSZ, &size) == 0 && ioctl(port->slave, TIOCSWINSZ, &size) == 0, "size");
    else {
        insist(tcgetattr(port->slave, &modes) == 0, "tcgetattr");
        cfmakeraw(&modes);
        insist(tcsetattr(port->slave, TCSANOW, &modes) == 0, "tcsetattr");
        insist(ioctl(port->slave, TIOCSWINSZ, &size) == 0, "size");
    }
    do_not_wait(port->in);
    do_not_wait(port->out);
}

static int openings = -1;

static void watch_openings(struct port *port, int index) {
    char path[80];
    /* The supervisor reads the status file as well. */
    if (openings < 0 || port->tty || !strcmp(port->name, "krun.status")) return;
    if (carries_both(port)) snprintf(path, sizeof path, "%s", port->path);
    else snprintf(path, sizeof path, "/proc/self/fd/%d", port->in >= 0 ? port->in : port->out);
    port->watch = inotify_add_watch(openings, path, IN_OPEN);
    insist(port->watch >= 0, text("inotify_add_watch for port %d", index));
}

static void count_openings(void) {
    char buffer[16384] __attribute__((aligned(8)));
    ssize_t size = read(openings, buffer, sizeof buffer);
    for (char *at = buffer; size > 0 && at < buffer + size; at += sizeof(struct inotify_event)) {
        const struct inotify_event *event = (struct inotify_event *)at;
        at += event->len;
        for (int i = 0; i < vm.nports; i++) {
            struct port *port = &vm.ports[i];
            if (port->watch == event->wd && ++port->opened > 1)
                insist(false, text("port %s was opened a second time", port->name));
        }
    }
}

/* Moves what waits in a buffer, and what can be read into it when it is empty. */
static void move_bytes(int from, int to, uint8_t *buffer, size_t size, size_t *have, size_t *sent) {
    if (*have == 0) {
        ssize_t count = read(from, buffer, size);
        if (count <= 0) return;
        *have = count;
        *sent = 0;
    }
    ssize_t count = write(to, buffer + *sent, *have - *sent);
    if (count > 0) *sent += count;
    if (*sent == *have) *have = 0;
}

static void poll_port(const struct port *port, struct pollfd *fds) {
    fds[0] = (struct pollfd){ .fd = port->to_have ? -1 : port->in, .events = POLLIN };
    fds[1] = (struct pollfd){ .fd = port->master,
                              .events = (port->to_have ? POLLOUT : 0) | (port->from_have ? 0 : POLLIN) };
    fds[2] = (struct pollfd){ .fd = port->from_have ? port->out : -1, .events = POLLOUT };
}

/* Serves the ports for the life of the process, on a thread of its own. */
static void *carry_ports(void *unused) {
    static struct pollfd fds[3 * MAX_PORTS + 1];
    (void)unused;
    for (;;) {
        int count = 1;
        fds[0] = (struct pollfd){ .fd = openings, .events = POLLIN };
        for (int i = 0; i < vm.nports; i++)
            if (vm.ports[i].master >= 0) poll_port(&vm.ports[i], &fds[count]), count += 3;
        if (poll(fds, count, -1) < 0) continue;
        if (fds[0].revents) count_openings();
        count = 1;
        for (int i = 0; i < vm.nports; i++) {
            struct port *port = &vm.ports[i];
            if (port->master < 0) continue;
            const struct pollfd *ready = &fds[count];
            count += 3;
            if (ready[0].revents || (ready[1].revents & POLLOUT))
                move_bytes(port->in, port->master, port->to_guest, sizeof port->to_guest, &port->to_have, &port->to_sent);
            if ((ready[1].revents & POLLIN) || ready[2].revents)
                move_bytes(port->master, port->out, port->from_guest, sizeof port->from_guest, &port->from_have,
                           &port->from_sent);
            /* The end of a session has hung it up for all who had it open. */
            if ((ready[1].revents & POLLHUP) && !(ready[1].revents & POLLIN)) {
                close(port->slave);
                open_slave(port);
            }
        }
    }
    return NULL;
}

static struct termios console_modes;
static int console_terminal = -1;

static void take_sigint(int number) { (void)number; }

/*
 * libkrun's own console, on a file or on the standard streams: those no longer block, for all who share them; a terminal
 * is in raw mode; and where there is none to type at, SIGINT is a key of the guest.
 */
static void open_implicit_console(void) {
    if (!vm.implicit_console) return;
    if (vm.console_file[0]) {
        vm.out_fd = vm.err_fd = open(vm.console_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        return;
    }
    for (int fd = 2; fd >= 0; fd--) {
        if (isatty(fd)) console_terminal = fd;
        do_not_wait(fd);
    }
    /* Node closes its own for programs that are started. */
    vm.out_fd = dup(1);
    vm.err_fd = dup(2);
    if (!isatty(0)) signal(SIGINT, take_sigint);
    if (console_terminal < 0 || tcgetattr(console_terminal, &console_modes) < 0) return;
    struct termios raw = console_modes;
    cfmakeraw(&raw);
    tcsetattr(console_terminal, TCSANOW, &raw);
}

static void close_implicit_console(void) {
    if (console_terminal >= 0) tcsetattr(console_terminal, TCSANOW, &console_modes);
}

/* Before the guest is cloned. */
static void open_ports(void) {
    pthread_t thread;
    openings = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    /* A user has few of them; what is missed then is that an agent opens a port twice. */
    insist(openings >= 0 || errno == EMFILE, "inotify_init1");
    for (int i = 0; i < vm.nports; i++) {
        if (carries_both(&vm.ports[i])) make_pty(&vm.ports[i]);
        watch_openings(&vm.ports[i], i);
    }
    insist(pthread_create(&thread, NULL, carry_ports, NULL) == 0, "pthread_create");
}

static void echo_bytes(int in, int out) {
    uint8_t bytes[4096];
    for (ssize_t size; (size = read(in, bytes, sizeof bytes)) > 0;)
        for (ssize_t done = 0, more; done < size; done += more)
            if ((more = write(out, bytes + done, size - done)) <= 0) return;
}

static void *serve_echo(void *argument) {
    const struct echo *echo = argument;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat input;
    if (!echo->path[0]) {
        dprintf(echo->out, "serial port ready\n");
        /* libkrun waits with epoll, which takes no regular file. */
        if (fstat(echo->in, &input) == 0 && !S_ISREG(input.st_mode)) echo_bytes(echo->in, echo->out);
        return NULL;
    }
    strcpy(address.sun_path, echo->path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    insist(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 5) == 0, "bind");
    for (int client; (client = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0; close(client))
        echo_bytes(client, client);
    return NULL;
}

static mode_t guest_umask;

/* Before the guest is cloned; its shares leave the process without a umask, as libkrun's do. */
static void start_echoes(void) {
    pthread_t thread;
    /* Its serial port is its own. */
    if (vm.boots[0] && !vm.exec) return;
    guest_umask = umask(0);
    for (int i = 0; i < vm.nechoes; i++)
        insist(pthread_create(&thread, NULL, serve_echo, &vm.echoes[i]) == 0, "pthread_create");
}

/* --- the guest's interfaces ------------------------------------------------------------------------------------ */

static void copy_name(struct ifreq *request, const char *name) {
    memset(request, 0, sizeof *request);
    snprintf(request->ifr_name, IFNAMSIZ, "%s", name);
}

/* A tap device in the network namespace of whoever calls; it goes with its descriptor. */
static int make_tap(const char *name, const uint8_t *mac, int flags) {
    struct ifreq request;
    int tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (tap < 0) return -1;
    copy_name(&request, name);
    request.ifr_flags = IFF_TAP | IFF_NO_PI | flags;
    if (ioctl(tap, TUNSETIFF, &request) < 0) return -1;
    if (!mac) return tap;
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(request.ifr_hwaddr.sa_data, mac, 6);
    return ioctl(tap, SIOCSIFHWADDR, &request) < 0 ? -1 : tap;
}

/* What libkrun prints when the guest's driver starts and there is nobody; a thread of it then panics. */
static void no_backend(int index, const char *what) {
    dprintf(vm.log_fd, "[2026-01-01T00:00:00Z ERROR devices] Error activating virtio-net (eth%d) backend: %s\n", index, what);
    dprintf(2, "\nthread 'fc_vcpu 0' (%d) panicked at src/devices/src/virtio/mmio.rs:1:1:\nFailed to activate device: "
            "BadActivate\n", (int)getpid());
    hang();
}

static int connect_path(const struct link *link) {
    struct sockaddr_un own = { .sun_family = AF_UNIX }, peer = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, (link->kind == STREAM ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    snprintf(peer.sun_path, sizeof peer.sun_path, "%s", link->path);
    if (link->kind == DATAGRAM) {
        int length = snprintf(own.sun_path, sizeof own.sun_path, "%s-krun.sock", link->path);
        if (length >= (int)sizeof own.sun_path) return -1;
        unlink(own.sun_path);
        if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0) return -1;
    }
    if (connect(fd, (struct sockaddr *)&peer, sizeof peer) < 0) return -1;
    if (link->vfkit && send(fd, "VFKT", 4, 0) != 4) return -1;
    return fd;
}

/* Before the guest is cloned, where libkrun does it when the guest's driver starts. */
static void open_links(void) {
    for (int i = 0; i < vm.nlinks; i++) {
        struct link *link = &vm.links[i];
        if (link->kind == TAP) link->fd = make_tap(link->path, NULL, IFF_VNET_HDR);
        else if (link->fd < 0) link->fd = connect_path(link);
        if (link->fd < 0) no_backend(i, errno == ENOENT ? "Binding(ENOENT)" : strerror(errno));
    }
}

static void send_descriptors(int socket, const int *fds, int count) {
    char control[CMSG_SPACE(sizeof(int) * MAX_LINKS)] = { 0 };
    struct iovec data = { .iov_base = "t", .iov_len = 1 };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control,
                              .msg_controllen = CMSG_SPACE(sizeof(int) * count) };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
                                .cmsg_len = CMSG_LEN(sizeof(int) * count) };
    memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
    if (sendmsg(socket, &message, 0) != 1) _exit(125);
}

static bool receive_descriptors(int socket, int *fds, int count) {
    char control[CMSG_SPACE(sizeof(int) * MAX_LINKS)] = { 0 }, byte;
    struct iovec data = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return false;
    memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int) * count);
    return true;
}

static void write_proc(const char *path, const char *content) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, content, strlen(content)) != (ssize_t)strlen(content)) _exit(124);
    close(fd);
}

/* A user and a group of the namespace that files can belong to, where this process is not root. */
static void map_user(uid_t uid, gid_t gid) {
    char line[64];
    snprintf(line, sizeof line, "0 %u 1", uid);
    write_proc("/proc/self/uid_map", line);
    write_proc("/proc/self/setgroups", "deny");
    snprintf(line, sizeof line, "0 %u 1", gid);
    write_proc("/proc/self/gid_map", line);
}

/* In the guest: its devices, and places of its own for what its bootstrap mounts and writes. */
static void make_devices(int socket) {
    int taps[MAX_LINKS];
    for (int i = 0; i < vm.nlinks; i++) {
        char name[IFNAMSIZ];
        snprintf(name, sizeof name, "eth%d", i);
        taps[i] = make_tap(name, vm.links[i].mac, 0);
        if (taps[i] < 0) _exit(124);
    }
    send_descriptors(socket, taps, vm.nlinks);
}

/* The guest's root is the host's; what another root would lack is hidden from it. */
static void change_root(void) {
    char file[MAX_TEXT + 16], line[MAX_TEXT], from[MAX_TEXT], to[MAX_TEXT];
    struct stat found;
    snprintf(file, sizeof file, "%s/.fake", vm.root);
    FILE *stream = vm.root[0] ? fopen(file, "re") : NULL;
    while (stream && fgets(line, sizeof line, stream)) {
        int done = 0;
        if (sscanf(line, "put %4095s %4095s", from, to) == 2) done = mount(from, to, NULL, MS_BIND, NULL);
        else if (sscanf(line, "hide %4095s", to) == 1 && stat(to, &found) == 0)
            done = S_ISDIR(found.st_mode) ? mount("hidden", to, "tmpfs", 0, NULL)
                                          : mount("/dev/null", to, NULL, MS_BIND, NULL);
        if (done < 0) _exit(123);
    }
    if (stream) fclose(stream);
}

/* What the guest mounts over files of its root is not the host's to see: here the two have one root. */
static void keep_mounts(const char *base) {
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) _exit(124);
    if (mount("guest", base, "tmpfs", 0, NULL) < 0) _exit(124);
    /* The process numbers of the guest. */
    if (mount("proc", "/proc", "proc", 0, NULL) < 0) _exit(121);
    make_ports(base);
    change_root();
}

/* From the guest to its link. A stream takes as much of a frame as fits, and the rest before the next one. */
static void carry_out(struct link *link) {
    if (link->left == 0) {
        ssize_t size = read(link->tap, link->out + 4, MAX_FRAME);
        if (size <= 0) return;
        uint8_t length[4] = { size >> 24, size >> 16, size >> 8, size };
        memcpy(link->out, length, 4);
        link->left = 4 + size;
        link->sent = 0;
    }
    size_t skip = link->kind == STREAM ? 0 : 4;
    const uint8_t *data = link->out + (link->sent ? link->sent : skip);
    ssize_t done = send(link->fd, data, link->left - (link->sent ? 0 : skip), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (done < 0 && errno != EAGAIN) link->left = 0;
    if (done < 0) return;
    if (link->kind != STREAM) {
        link->left = 0;
        return;
    }
    link->sent += done;
    link->left -= done;
}

/* From the link to the guest. False at the end of the link. */
static bool carry_in(struct link *link) {
    if (link->kind != STREAM) {
        ssize_t size = recv(link->fd, link->in, MAX_FRAME, MSG_DONTWAIT);
        if (size > 0 && write(link->tap, link->in, size) < 0) return true;
        return size > 0 || errno == EAGAIN;
    }
    size_t wanted = 4;
    if (link->have >= 4) wanted += (size_t)link->in[0] << 24 | link->in[1] << 16 | link->in[2] << 8 | link->in[3];
    insist(wanted <= sizeof link->in, "a frame that is too long");
    ssize_t size = recv(link->fd, link->in + link->have, wanted - link->have, MSG_DONTWAIT);
    if (size <= 0) return size < 0 && errno == EAGAIN;
    link->have += size;
    if (link->have < wanted || wanted == 4) return true;
    link->have = 0;
    return write(link->tap, link->in + 4, wanted - 4) > 0 || true;
}

/* A tap on both sides: frames with a header of ten bytes that the guest's device does not have. */
static void carry_tap(struct link *link, bool out) {
    uint8_t *frame = out ? link->out : link->in;
    memset(frame, 0, 10);
    ssize_t size = out ? read(link->tap, frame + 10, MAX_FRAME - 10) : read(link->fd, frame, MAX_FRAME);
    if (size <= 0) return;
    if (out ? write(link->fd, frame, size + 10) < 0 : write(link->tap, frame + 10, size - 10) < 0) return;
}

static void say_fatal(void) {
    dprintf(2, "LIBKRUN VIRTIO-NET FATAL: Backend process seems to have quit or crashed! Networking is now disabled!\n");
}

static void poll_link(struct link *link, struct pollfd *of_tap, struct pollfd *of_link) {
    bool waits = link->left > 0;
    *of_tap = (struct pollfd){ .fd = link->fd < 0 || waits ? -1 : link->tap, .events = POLLIN };
    *of_link = (struct pollfd){ .fd = link->fd, .events = POLLIN | (waits ? POLLOUT : 0) };
}

static void carry(struct link *link, short from_tap, short from_link) {
    if (link->kind == TAP) {
        if (from_tap) carry_tap(link, true);
        if (from_link) carry_tap(link, false);
        return;
    }
    if (from_tap || (from_link & POLLOUT)) carry_out(link);
    if (!(from_link & (POLLIN | POLLHUP | POLLERR)) || carry_in(link)) return;
    say_fatal();
    close(link->fd);
    link->fd = -1;
}

/* Carries frames until the guest has ended. */
static void carry_frames(pid_t child) {
    struct pollfd fds[2 * MAX_LINKS + 1];
    long close_ms = -1;
    if (!fault("net-close", &close_ms)) close_ms = -1;
    for (int i = 0; i < vm.nlinks; i++) {
        if (vm.links[i].kind != STREAM || !fault("net-runt", NULL)) continue;
        insist(write(vm.links[i].fd, "\0\0\0\4runt", 8) == 8, "write");
    }
    int ended = (int)syscall(SYS_pidfd_open, child, 0);
    insist(ended >= 0, "pidfd_open");
    for (;;) {
        for (int i = 0; i < vm.nlinks; i++) poll_link(&vm.links[i], &fds[2 * i], &fds[2 * i + 1]);
        fds[2 * vm.nlinks] = (struct pollfd){ .fd = ended, .events = POLLIN };
        int ready = poll(fds, 2 * vm.nlinks + 1, (int)close_ms);
        if (ready == 0) {
            for (int i = 0; i < vm.nlinks; i++) close(vm.links[i].fd), vm.links[i].fd = -1;
            close_ms = -1;
        }
        if (fds[2 * vm.nlinks].revents) break;
        for (int i = 0; i < vm.nlinks && ready > 0; i++)
            carry(&vm.links[i], fds[2 * i].revents, fds[2 * i + 1].revents);
    }
    close(ended);
}

struct guest { char **arguments, **environment; char *base; int life, devices; uid_t uid; gid_t gid; };

/*
 * What the command gets, made before the guest is cloned: the clone has one thread, and the locks of malloc are held
 * for ever where another thread of this process had them at that moment.
 */
static void prepare_command(struct guest *self, char *base) {
    static char *environment[MAX_WORDS], *arguments[MAX_WORDS];
    char *own[] = { "HOME=/", "TERM=linux", "PATH=/usr/local/bin:/usr/bin:/bin",
                    text("KRUN_SYS=%s/sys", base), text("KRUN_DEV=%s/dev", base),
                    "KRUN_HOSTNAME_FILE=/dev/null", text("KRUN_RUN=%s/run", base) };
    int count = sizeof own / sizeof *own;
    memcpy(environment, own, sizeof own);
    static char init[MAX_TEXT + 32];
    snprintf(init, sizeof init, "KRUN_INITS=%s.init", vm.disk);
    if (!vm.root[0]) environment[count++] = init;
    Dl_info info;
    if (fault("no-tty", NULL) && dladdr((void *)guest_directory, &info)) environment[count++] = text("LD_PRELOAD=%s", info.dli_fname);
    for (int i = 0; vm.envp[i] && count < MAX_WORDS - 1; i++) environment[count++] = vm.envp[i];
    arguments[0] = vm.exec;
    for (int i = 0; vm.argv[i] && i < MAX_WORDS - 2; i++) arguments[i + 1] = vm.argv[i];
    self->environment = environment;
    self->arguments = arguments;
    self->base = base;
}

static void run_command(const struct guest *self) {
    if (vm.workdir[0] && chdir(vm.workdir) != 0) _exit(125);
    execve(vm.exec, self->arguments, self->environment);
    _exit(errno == ENOENT ? 127 : 126);
}


/* The guest's init: starts the command, and takes every process of the guest along when it ends. */
static int guest(void *argument) {
    const struct guest *self = argument;
    if (self->uid != 0) map_user(self->uid, self->gid);
    if (vm.nlinks) make_devices(self->devices);
    keep_mounts(self->base);
    arrange_descriptors(self->life);
    umask(guest_umask);
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
    int life[2], devices[2], taps[MAX_LINKS];
    insist(pipe2(life, O_CLOEXEC) == 0, "pipe2");
    insist(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, devices) == 0, "socketpair");
    self.life = life[0];
    self.devices = devices[1];
    self.uid = geteuid();
    self.gid = getegid();
    prepare_command(&self, guest_directory());
    static const int wanted[] = { CLONE_NEWPID, CLONE_NEWUSER | CLONE_NEWPID };
    int others = CLONE_NEWNS | (vm.nlinks ? CLONE_NEWNET | CLONE_NEWUTS : 0);
    for (int i = 0; i < 2; i++) {
        pid_t child = clone(guest, stack + sizeof stack, wanted[i] | others | SIGCHLD, &self);
        if (child < 0) continue;
        close(life[0]);
        close(devices[1]);
        insist(!vm.nlinks || receive_descriptors(devices[0], taps, vm.nlinks), "no right to make a tap device");
        for (int j = 0; j < vm.nlinks; j++) vm.links[j].tap = taps[j];
        close(devices[0]);
        return child;
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

static void boot_itself(void) {
    int in = vm.nechoes ? vm.echoes[0].in : -1, out = vm.nechoes ? vm.echoes[0].out : -1, status;
    if (in < 0) in = open("/dev/null", O_RDONLY);
    if (out < 0) out = open("/dev/null", O_WRONLY);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("KRUN_CMDLINE", vm.cmdline, 1);
        if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(1);
        execl("/bin/sh", "sh", vm.boots, NULL);
        _exit(1);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    _exit(0);
}

int32_t krun_start_enter(uint32_t ctx) {
    record("krun_start_enter(%u)", ctx);
    NEED_CTX(ctx);
    vm.consumed = 1;
    int32_t result;
    if (misbehave(&result)) return result;
    bool is_self = vm.boots[0] && !vm.exec;
    if (!is_self && (!vm.exec || !vm.has_root)) return -EINVAL;
    if (vm.gid >= 0 && setgid((gid_t)vm.gid) < 0) return -errno;
    if (vm.uid >= 0 && setuid((uid_t)vm.uid) < 0) return -errno;
    if (is_self) boot_itself();
    open_implicit_console();
    open_links();
    open_ports();
    start_echoes();
    pid_t child = start_guest();
    int status;
    long argument;
    if (fault("halt", &argument)) {
        usleep((useconds_t)argument * 1000);
        kill(child, SIGKILL);
        log_line("[    0.200000] reboot: System halted\r");
        hang();
    }
    if (vm.nlinks) carry_frames(child);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (fault("linger", NULL)) hang();
    close_implicit_console();
    if (!vm.root[0] || fault("lose-exit-code", NULL)) _exit(0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
