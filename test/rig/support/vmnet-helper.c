/*
 * A stand-in for vmnet-helper, which only macOS has: the same arguments, as strictly, the same line of JSON on its
 * standard output, and a gateway on the socket that it is given.
 *
 * FAKE_VMNET_CALLS=FILE      arguments are appended to FILE, one call a line
 * FAKE_VMNET_VERSION=X       what --version says; 0.13.0
 * FAKE_VMNET=fail            macOS refuses the interface
 * FAKE_VMNET=silent          nothing is announced
 * FAKE_VMNET=garbage         the line is something else
 * FAKE_VMNET=die             it is killed when the guest sends its first frame
 */
#include "vmnet-gateway.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void refuse(const char *what) {
    fprintf(stderr, "vmnet-helper: %s\nTry 'vmnet-helper --help'\n", what);
    exit(1);
}

static struct {
    int fd;
    const char *socket, *id, *mode, *interface, *start, *end, *mask;
    bool tso, checksum, isolation;
} options = { .fd = -1, .mode = "shared" };

enum { FD = 1, SOCKET, ID, MODE, INTERFACE, START, END, MASK, TSO, CHECKSUM, ISOLATION, VERSION };

static void parse(int argc, char **argv) {
    static const struct option known[] = {
        { "fd", required_argument, NULL, FD }, { "socket", required_argument, NULL, SOCKET },
        { "interface-id", required_argument, NULL, ID }, { "operation-mode", required_argument, NULL, MODE },
        { "shared-interface", required_argument, NULL, INTERFACE }, { "start-address", required_argument, NULL, START },
        { "end-address", required_argument, NULL, END }, { "subnet-mask", required_argument, NULL, MASK },
        { "enable-tso", no_argument, NULL, TSO }, { "enable-checksum-offload", no_argument, NULL, CHECKSUM },
        { "enable-isolation", no_argument, NULL, ISOLATION }, { "version", no_argument, NULL, VERSION }, { 0 },
    };
    const char *version = getenv("FAKE_VMNET_VERSION");
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case FD: options.fd = atoi(optarg); break;
        case SOCKET: options.socket = optarg; break;
        case ID: options.id = optarg; break;
        case MODE: options.mode = optarg; break;
        case INTERFACE: options.interface = optarg; break;
        case START: options.start = optarg; break;
        case END: options.end = optarg; break;
        case MASK: options.mask = optarg; break;
        case TSO: options.tso = true; break;
        case CHECKSUM: options.checksum = true; break;
        case ISOLATION: options.isolation = true; break;
        case VERSION:
            printf("version: v%s\ncommit: 0123456\n", version ? version : "0.13.0");
            exit(0);
        default: exit(1);
        }
    }
    if (optind != argc) refuse("unexpected argument");
}

static bool is_uuid(const char *text) {
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !text[i] || !strchr("0123456789abcdefABCDEF", text[i])) return false;
    }
    return text[36] == 0;
}

static void check(void) {
    struct in_addr address;
    bool bridged = !strcmp(options.mode, "bridged");
    if ((options.fd >= 0) == (options.socket != NULL)) refuse("exactly one of --fd and --socket");
    if (!bridged && strcmp(options.mode, "shared") && strcmp(options.mode, "host")) refuse("unknown operation mode");
    if (bridged != (options.interface != NULL)) refuse("--shared-interface is for bridged mode, which requires it");
    if (bridged && (options.start || options.isolation)) refuse("not in bridged mode");
    if (!options.start != !options.end || !options.start != !options.mask) refuse("addresses: all or none");
    if (options.start && inet_pton(AF_INET, options.start, &address) != 1) refuse("bad address");
    if (options.start) memcpy(gateway_ip, &address, 4);
    if (options.id && !is_uuid(options.id)) refuse("bad interface id");
    int type = 0, size = 0;
    socklen_t length = sizeof type;
    if (options.fd < 3 || getsockopt(options.fd, SOL_SOCKET, SO_TYPE, &type, &length) || type != SOCK_DGRAM)
        refuse("--fd is no datagram socket");
    /* The kernel may allow less than what was asked for, but more than its default of some 200 KiB. */
    if (getsockopt(options.fd, SOL_SOCKET, SO_RCVBUF, &size, &length) || size < 400 * 1024) refuse("small buffers");
}

static void record(int argc, char **argv) {
    const char *file = getenv("FAKE_VMNET_CALLS");
    FILE *stream = file ? fopen(file, "a") : NULL;
    if (!stream) return;
    for (int i = 1; i < argc; i++) fprintf(stream, "%s%c", argv[i], i == argc - 1 ? '\n' : ' ');
    fclose(stream);
}

static void announce(void) {
    char start[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, gateway_ip, start, sizeof start);
    printf("{\"vmnet_write_max_packets\":256,\"vmnet_read_max_packets\":256,\"vmnet_subnet_mask\":\"255.255.255.0\","
           "\"vmnet_mtu\":1500,\"vmnet_end_address\":\"%s\",\"vmnet_start_address\":\"%s\","
           "\"vmnet_interface_id\":\"%s\",\"vmnet_max_packet_size\":1514,\"vmnet_nat66_prefix\":\"fd00::\","
           "\"vmnet_mac_address\":\"0a:00:00:00:00:01\"}\n",
           options.end ? options.end : "192.168.105.254", start, options.id ? options.id : "");
    fflush(stdout);
}

int main(int argc, char **argv) {
    const char *fault = getenv("FAKE_VMNET") ? getenv("FAKE_VMNET") : "";
    static uint8_t in[MAX_FRAME], out[MAX_FRAME];
    parse(argc, argv);
    record(argc, argv);
    check();
    fprintf(stderr, "INFO  [main] running vmnet-helper\n");
    if (!strcmp(fault, "fail")) {
        fprintf(stderr, "ERROR [main] vmnet_start_interface: VMNET_FAILURE\n");
        return 1;
    }
    if (!strcmp(fault, "silent")) for (;;) pause();
    if (!strcmp(fault, "garbage")) puts("hello"), fflush(stdout), pause();
    announce();
    /* It does not notice that its machine is gone: nor does the real one, always. */
    for (;;) {
        ssize_t size = recv(options.fd, in, sizeof in, 0);
        if (size <= 0) {
            pause();
            continue;
        }
        if (!strcmp(fault, "die")) raise(SIGKILL);
        size_t answer = gateway_answer(in, size, out);
        if (answer > 0 && send(options.fd, out, answer, 0) < 0 && errno != ECONNREFUSED && errno != ENOTCONN) return 1;
    }
}
