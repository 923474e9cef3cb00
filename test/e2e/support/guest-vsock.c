/*
 * A guest's end of vsock: `say PORT TEXT` asks the host and prints what it answers, `send PORT` does so with its standard
 * input; `echo PORT` answers the host.
 */
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what) {
  perror(what);
  return 1;
}

static int say(const struct sockaddr_vm *peer, const char *text) {
  char answer[4096];
  int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr *)peer, sizeof *peer) < 0) return fail("connect");
  if (write(fd, text, strlen(text)) < 0 || write(fd, "\n", 1) < 0) return fail("write");
  ssize_t size = read(fd, answer, sizeof answer);
  if (size < 0) return fail("read");
  fwrite(answer, 1, size, stdout);
  return 0;
}

static int carry(int from, int to) {
  char bytes[16384];
  ssize_t size;
  while ((size = read(from, bytes, sizeof bytes)) > 0)
    for (ssize_t done = 0, more; done < size; done += more)
      if ((more = write(to, bytes + done, size - done)) < 0) return fail("write");
  return size < 0 ? fail("read") : 0;
}

static int send_input(const struct sockaddr_vm *peer) {
  int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr *)peer, sizeof *peer) < 0) return fail("connect");
  int code = carry(0, fd);
  return code ? code : carry(fd, 1);
}

static int echo(const struct sockaddr_vm *own) {
  char bytes[4096];
  int listener = socket(AF_VSOCK, SOCK_STREAM, 0);
  if (listener < 0 || bind(listener, (const struct sockaddr *)own, sizeof *own) < 0 || listen(listener, 4) < 0)
    return fail("listen");
  puts("listening");
  fflush(stdout);
  for (;;) {
    ssize_t size;
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) return fail("accept");
    while ((size = read(fd, bytes, sizeof bytes)) > 0)
      if (write(fd, bytes, size) != size) break;
    close(fd);
  }
}

int main(int count, char **words) {
  struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST };
  if (count >= 3) address.svm_port = (unsigned)atoi(words[2]);
  if (count == 4 && !strcmp(words[1], "say")) return say(&address, words[3]);
  if (count == 3 && !strcmp(words[1], "send")) return send_input(&address);
  address.svm_cid = VMADDR_CID_ANY;
  if (count == 3 && !strcmp(words[1], "echo")) return echo(&address);
  fputs("usage: guest-vsock say PORT TEXT | send PORT | echo PORT\n", stderr);
  return 2;
}
