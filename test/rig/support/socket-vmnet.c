/*
 * A stand-in for socket_vmnet, which only macOS has: machines connect to its socket, every frame of one goes to all
 * others, and a gateway answers. Frames have their length before them, in four bytes, most significant first.
 *
 *     socket-vmnet [--vmnet-mode=shared|host] SOCKET
 */
#include "vmnet-gateway.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_CLIENTS 16

static struct client { int fd; size_t have; uint8_t buffer[4 + MAX_FRAME]; } clients[MAX_CLIENTS];
static int nclients;

static void give(struct client *client, const uint8_t *frame, size_t size) {
    uint8_t length[4] = { size >> 24, size >> 16, size >> 8, size };
    if (send(client->fd, length, 4, MSG_NOSIGNAL) != 4) return;
    for (size_t sent = 0; sent < size;) {
        ssize_t done = send(client->fd, frame + sent, size - sent, MSG_NOSIGNAL);
        if (done <= 0) return;
        sent += done;
    }
}

static void distribute(struct client *from, const uint8_t *frame, size_t size) {
    static uint8_t out[MAX_FRAME];
    size_t answer = gateway_answer(frame, size, out);
    if (answer > 0) give(from, out, answer);
    for (int i = 0; i < nclients; i++)
        if (&clients[i] != from) give(&clients[i], frame, size);
}

/* False when the client is gone. */
static bool take(struct client *client) {
    size_t wanted = 4;
    uint8_t *b = client->buffer;
    if (client->have >= 4) wanted += (size_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
    if (wanted > sizeof client->buffer) return false;
    ssize_t size = recv(client->fd, b + client->have, wanted - client->have, 0);
    if (size <= 0) return false;
    client->have += size;
    if (client->have < wanted || wanted == 4) return true;
    client->have = 0;
    distribute(client, b + 4, wanted - 4);
    return true;
}

static int serve(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 5)) perror(path), exit(1);
    return fd;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--vmnet-mode=shared") && strcmp(argv[1], "--vmnet-mode=host")) return 1;
    if (argc < 2 || argc > 3) return 1;
    int listener = serve(argv[argc - 1]);
    puts("INFO| Accepting connections");
    fflush(stdout);
    for (;;) {
        struct pollfd fds[MAX_CLIENTS + 1];
        for (int i = 0; i < nclients; i++) fds[i] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
        fds[nclients] = (struct pollfd){ .fd = nclients < MAX_CLIENTS ? listener : -1, .events = POLLIN };
        int polled = nclients;
        if (poll(fds, nclients + 1, -1) < 0) return 1;
        if (fds[polled].revents) clients[nclients++] = (struct client){ .fd = accept(listener, NULL, NULL) };
        for (int i = polled - 1; i >= 0; i--) {
            if (!fds[i].revents || take(&clients[i])) continue;
            close(clients[i].fd);
            memmove(&clients[i], &clients[i + 1], sizeof *clients * (--nclients - i));
        }
    }
}
