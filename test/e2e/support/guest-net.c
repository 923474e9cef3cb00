/*
 * What busybox cannot do in a guest of the network tests; linked statically.
 *
 *     guest-net udp-echo PORT           sends every datagram back, with "udp " before it
 *     guest-net flood IP PORT COUNT     sends COUNT large datagrams to wherever
 *     guest-net runts INTERFACE COUNT   sends COUNT frames that are shorter than any packet can be
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void udp_echo(const char *port) {
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  int s = socket(AF_INET, SOCK_DGRAM, 0);
  if (s < 0 || bind(s, (struct sockaddr *)&any, sizeof any) < 0) fail("udp-echo");
  for (;;) {
    char data[2048] = "udp ";
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    ssize_t length = recvfrom(s, data + 4, sizeof data - 4, 0, (struct sockaddr *)&peer, &size);
    if (length < 0) fail("recvfrom");
    if (sendto(s, data, length + 4, 0, (struct sockaddr *)&peer, size) < 0) perror("sendto");
  }
}

static int flood(const char *ip, const char *port, int count) {
  static const char data[1400];
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  int s = socket(AF_INET, SOCK_DGRAM, 0), sent = 0;
  if (s < 0 || inet_pton(AF_INET, ip, &to.sin_addr) != 1) fail(ip);
  for (int index = 0; index < count; index += 1) {
    if (sendto(s, data, sizeof data, 0, (struct sockaddr *)&to, sizeof to) >= 0) sent += 1;
  }
  printf("%d datagrams sent\n", sent);
  return sent == 0;
}

/* Linux refuses to send less than an Ethernet header; what is short beyond that goes out as it is. */
static int runts(const char *interface, int count) {
  static const unsigned char frame[20] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00, 0x45};
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(interface), .sll_halen = 6};
  int s = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), sent = 0;
  if (s < 0 || to.sll_ifindex == 0) fail(interface);
  for (int index = 0; index < count; index += 1) {
    if (sendto(s, frame, 1 + index % sizeof frame, 0, (struct sockaddr *)&to, sizeof to) >= 0) sent += 1;
    else if (errno != EINVAL && errno != ENOBUFS) fail("sendto");
  }
  printf("%d runts sent\n", sent);
  return sent == 0;
}

int main(int count, char **words) {
  if (count == 3 && !strcmp(words[1], "udp-echo")) udp_echo(words[2]);
  if (count == 5 && !strcmp(words[1], "flood")) return flood(words[2], words[3], atoi(words[4]));
  if (count == 4 && !strcmp(words[1], "runts")) return runts(words[2], atoi(words[3]));
  fputs("usage: guest-net udp-echo PORT | flood IP PORT COUNT | runts INTERFACE COUNT\n", stderr);
  return 2;
}
