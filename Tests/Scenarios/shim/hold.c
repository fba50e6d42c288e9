// Holds threads of a gateway up for as long as a file is there: for LD_PRELOAD. A disk that answers no more and a program's
// endless loop look like this from outside.
//
// HOLD_STORE: the file that holds `fsync`, `fdatasync` and `syncfs` below the folder HOLD_BELOW.
// HOLD_LOOP: the file that holds whoever accepts a connection.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_for(const char *variable) {
  const char *path = getenv(variable);
  while (path && !access(path, F_OK)) nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
}

static int is_below(int file) {
  char link[32], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = 0;
  const char *folder = getenv("HOLD_BELOW");
  return folder && length > 0 && !strncmp(path, folder, strlen(folder));
}

int fdatasync(int file) {
  if (is_below(file)) wait_for("HOLD_STORE");
  return syscall(SYS_fdatasync, file);
}

int fsync(int file) {
  if (is_below(file)) wait_for("HOLD_STORE");
  return syscall(SYS_fsync, file);
}

int syncfs(int file) {
  if (is_below(file)) wait_for("HOLD_STORE");
  return syscall(SYS_syncfs, file);
}

int accept4(int socket, struct sockaddr *restrict address, socklen_t *restrict length, int flags) {
  wait_for("HOLD_LOOP");
  return syscall(SYS_accept4, socket, address, length, flags);
}
