/*
 * Stands in for a microVM on a network of krun's: a network namespace whose eth0 is a tap device, joined to a link
 * socket as libkrun's unixstream backend does it (4 bytes of length in network order, then the frame).
 *
 *     tap-guest LINK MAC ADDRESS/PREFIX GATEWAY COMMAND [ARG...]
 *
 * Runs COMMAND inside and ends with it. Needs root.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LARGEST_FRAME 65562

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void run(const char *format, ...) {
  char command[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(command, sizeof command, format, arguments);
  va_end(arguments);
  if (system(command) != 0) {
    fprintf(stderr, "tap-guest: failed: %s\n", command);
    exit(1);
  }
}

static int open_tap(void) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  int tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (tap < 0) die("/dev/net/tun");
  strcpy(request.ifr_name, "eth0");
  if (ioctl(tap, TUNSETIFF, &request) < 0) die("TUNSETIFF");
  return tap;
}

static int open_link(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int link = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (link < 0) die("socket");
  if (strlen(path) >= sizeof address.sun_path) {
    fprintf(stderr, "tap-guest: %s is too long\n", path);
    exit(1);
  }
  strcpy(address.sun_path, path);
  if (connect(link, (struct sockaddr *)&address, sizeof address) < 0) die(path);
  return link;
}

static void write_all(int fd, const uint8_t *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(fd, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) exit(2);
    bytes += written;
    count -= (size_t)written;
  }
}

static void read_all(int fd, uint8_t *bytes, size_t count) {
  while (count > 0) {
    ssize_t got = read(fd, bytes, count);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) exit(2);
    bytes += got;
    count -= (size_t)got;
  }
}

static void from_tap(int tap, int link) {
  static uint8_t buffer[4 + LARGEST_FRAME];
  ssize_t length = read(tap, buffer + 4, LARGEST_FRAME);
  if (length <= 0) return;
  uint32_t prefix = htonl((uint32_t)length);
  memcpy(buffer, &prefix, 4);
  write_all(link, buffer, 4 + (size_t)length);
}

static void from_link(int link, int tap) {
  static uint8_t buffer[LARGEST_FRAME];
  uint32_t prefix;
  read_all(link, (uint8_t *)&prefix, 4);
  uint32_t length = ntohl(prefix);
  if (length > sizeof buffer) exit(3);
  read_all(link, buffer, length);
  /* A frame that the kernel does not take is lost, as on any wire. */
  if (write(tap, buffer, length) < 0 && errno != EIO && errno != EINVAL) die("write to tap");
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: tap-guest LINK MAC ADDRESS/PREFIX GATEWAY COMMAND [ARG...]\n");
    return 1;
  }
  setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
  if (unshare(CLONE_NEWNET) < 0) die("unshare");
  int tap = open_tap();
  run("ip link set lo up");
  run("ip link set eth0 address %s", argv[2]);
  run("ip address add %s dev eth0", argv[3]);
  run("ip link set eth0 up");
  run("ip route add default via %s", argv[4]);
  int link = open_link(argv[1]);
  /* Once the command ends, so does this. */
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[5], argv + 5);
    die(argv[5]);
  }
  struct pollfd ready[2] = {{.fd = tap, .events = POLLIN}, {.fd = link, .events = POLLIN}};
  for (;;) {
    int status;
    if (waitpid(child, &status, WNOHANG) == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
    if (poll(ready, 2, 200) <= 0) continue;
    if (ready[0].revents) from_tap(tap, link);
    if (ready[1].revents) from_link(link, tap);
  }
}
