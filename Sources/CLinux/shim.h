#ifndef SLUICE_CLINUX_SHIM_H
#define SLUICE_CLINUX_SHIM_H

#include <linux/sockios.h>
#include <linux/stat.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

// glibc declares these under _GNU_SOURCE alone, which Swift's Glibc module is built without.
int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned int flags);
int sync_file_range(int file, int64_t offset, int64_t count, unsigned int flags);
int fallocate64(int file, int mode, int64_t offset, int64_t count);
ssize_t copy_file_range(int from, int64_t *from_offset, int to, int64_t *to_offset, size_t count, unsigned int flags);

// linux/fs.h: RENAME_NOREPLACE and SYNC_FILE_RANGE_WRITE.
static inline int sluice_rename_new(int from_directory, const char *from, int to_directory, const char *to) {
  return renameat2(from_directory, from, to_directory, to, 1);
}

// Copies bytes between two files within the kernel, or has both share them where the file system can. Returns how many.
static inline ssize_t sluice_copy_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t count) {
  return copy_file_range(from, &from_offset, to, &to_offset, count, 0);
}

static inline int sluice_begin_write_back(int file, int64_t offset, int64_t count) {
  return sync_file_range(file, offset, count, 2);
}

// SYNC_FILE_RANGE_WAIT_BEFORE: fails where writing any of the file's bytes has failed since it was opened.
static inline int sluice_await_write_back(int file) { return sync_file_range(file, 0, 0, 1); }

// Lets threads that want this core go first: what they bring can share a commit or a flush with what is there already.
// Yields `turns` times at most, and not again after a millisecond: where the core is free it takes no time, and where
// strangers want it too not much more than their one turn. Of two threads that yield to each other the one with more
// turns goes last.
static inline void sluice_let_others_go_first(int turns) {
  struct timespec begin, now;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (int turn = 0; turn < turns; turn++) {
    sched_yield();
    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec > 1000000) return;
  }
}

// Whether the file system with this open folder is one whose syncfs(2) writes everything and flushes the disk, as a
// sync of each file would: ext2 to 4, XFS, Btrfs, F2FS. FUSE, for one, does not tell its program.
static inline int sluice_syncs_wholly(int folder) {
  struct statfs system;
  if (fstatfs(folder, &system) != 0) return 0;
  switch ((unsigned long)system.f_type) {
    case 0xef53: case 0x58465342: case 0x9123683e: case 0xf2f52010: return 1;
    default: return 0;
  }
}
int syncfs(int file);

// When the open file was made, in nanoseconds since 1970; 0 where its file system does not say. AT_EMPTY_PATH is 0x1000.
static inline int64_t sluice_birth(int file) {
  struct statx status = {0};
  if (syscall(SYS_statx, file, "", 0x1000, STATX_BTIME, &status) != 0) return 0;
  if (!(status.stx_mask & STATX_BTIME)) return 0;
  return (int64_t)status.stx_btime.tv_sec * 1000000000 + status.stx_btime.tv_nsec;
}

// Whether the file system at the path is in memory alone: tmpfs or ramfs.
static inline int sluice_is_in_memory(const char *path) {
  struct statfs system;
  if (statfs(path, &system) != 0) return 0;
  return (unsigned long)system.f_type == 0x01021994 || (unsigned long)system.f_type == 0x858458f6;
}

// linux/falloc.h: FALLOC_FL_KEEP_SIZE.
static inline int sluice_set_aside(int file, int64_t offset, int64_t count) {
  return fallocate64(file, 1, offset, count);
}

// Freed memory of a few megabytes stays with the process: what is allocated for each read would else be mapped, and
// its pages zeroed, again and again.
static inline void sluice_keep_freed_memory(void) {
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

// Gives back what of it is free, also between what is in use: of that a free alone gives back nothing.
static inline void sluice_give_back_freed_memory(void) { malloc_trim(16 << 20); }

// Bytes that were written to the socket and that its other end has not acknowledged (TCP) or read (unix, where the
// kernel's own overhead counts too); a FIN counts as one. -1 where that cannot be found out.
static inline int sluice_unacknowledged(int socket) {
  int count = 0;
  return ioctl(socket, SIOCOUTQ, &count) == 0 ? count : -1;
}

// A new non-blocking socket that is connected to a loopback address of TCP, which takes no time: the other end has
// answered before connect(2) returns. -1 for other addresses, and where there is no connection at once.
static inline int sluice_connect_loopback(const struct sockaddr *address, socklen_t size) {
  switch (address->sa_family) {
    case AF_INET:
      if (ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET) return -1;
      break;
    case AF_INET6:
      if (!IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr)) return -1;
      break;
    default: return -1;
  }
  int stream = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (stream < 0) return -1;
  // Of a first call the kernel says no more than that it is under way.
  if (connect(stream, address, size) == 0 || connect(stream, address, size) == 0) return stream;
  close(stream);
  return -1;
}

// Whether closing the socket resets the connection rather than ends it.
static inline int sluice_reset_on_close(int socket, int is_on) {
  struct linger linger = {.l_onoff = is_on, .l_linger = 0};
  return setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

// Processors that this process may run on: fewer than the machine has under taskset or a cpuset. 0 where the kernel
// does not tell, which with more than 4096 of them it does not.
static inline int sluice_processors(void) {
  unsigned long mask[4096 / (8 * sizeof(unsigned long))] = {0};
  long size = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  int count = 0;
  for (long word = 0; word < size / (long)sizeof(unsigned long); word++) count += __builtin_popcountl(mask[word]);
  return count;
}

// What does not fill a segment of TCP waits for more, at most 200 ms: the end of the output sends it.
static inline int sluice_hold_segment(int socket) {
  int is_on = 1;
  return setsockopt(socket, IPPROTO_TCP, TCP_CORK, &is_on, sizeof is_on);
}

static inline int sluice_end_output(int socket) {
  return shutdown(socket, SHUT_WR);
}

// Sends a byte with open descriptors, at most SLUICE_MOST_DESCRIPTORS, over a socket of the unix domain (SCM_RIGHTS).
#define SLUICE_MOST_DESCRIPTORS 64
static inline int sluice_send_descriptors(int socket, const int *descriptors, int count) {
  if (count < 0 || count > SLUICE_MOST_DESCRIPTORS) return -1;
  char byte = 'D';
  struct iovec part = {&byte, 1};
  union {
    struct cmsghdr head;
    char space[CMSG_SPACE(sizeof(int) * SLUICE_MOST_DESCRIPTORS)];
  } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > 0) {
    message.msg_control = control.space;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
    memcpy(CMSG_DATA(head), descriptors, sizeof(int) * (size_t)count);
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

// Receives what was sent so: how many descriptors came, -1 where something else did. `descriptors` has room for all.
static inline int sluice_receive_descriptors(int socket, int *descriptors) {
  char byte = 0;
  struct iovec part = {&byte, 1};
  union {
    struct cmsghdr head;
    char space[CMSG_SPACE(sizeof(int) * SLUICE_MOST_DESCRIPTORS)];
  } control;
  struct msghdr message = {
    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1 || byte != 'D' || message.msg_flags & MSG_CTRUNC) return -1;
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (!head) return 0;
  if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) return -1;
  size_t size = head->cmsg_len - CMSG_LEN(0);
  memcpy(descriptors, CMSG_DATA(head), size);
  return (int)(size / sizeof(int));
}

// The user of the process at the other end of a socket of the unix domain; -1 where the kernel does not tell. SO_PEERCRED and
// its structure are hidden from programs that do not ask for all of GNU.
static inline int64_t sluice_peer_user(int socket) {
  struct { int32_t process; uint32_t user, group; } other;
  socklen_t size = sizeof other;
  return getsockopt(socket, SOL_SOCKET, 17, &other, &size) == 0 ? (int64_t)other.user : -1;
}

// linux/landlock.h, of which older kernels' headers have a part only. The kernel takes a shorter structure for an older
// version of its interface.
struct sluice_landlock_ruleset {
  uint64_t files;
  uint64_t network;
  uint64_t scopes;
};
struct sluice_landlock_beneath {
  uint64_t allowed;
  int32_t parent;
} __attribute__((packed));
struct sluice_landlock_port {
  uint64_t allowed;
  uint64_t port;
};

// The version of the kernel's interface; -1 where it has none, or it is turned off. 444 is the call's number everywhere.
static inline int sluice_landlock_version(void) { return (int)syscall(444, (void *)0, 0, 1); }

static inline int sluice_landlock_make(const struct sluice_landlock_ruleset *rules, size_t size) {
  return (int)syscall(444, rules, size, 0);
}

static inline int sluice_landlock_allow_beneath(int rules, const struct sluice_landlock_beneath *rule) {
  return (int)syscall(445, rules, 1, rule, 0);
}

static inline int sluice_landlock_allow_port(int rules, const struct sluice_landlock_port *rule) {
  return (int)syscall(445, rules, 2, rule, 0);
}

// Of the calling thread, and of all that it starts from now on.
static inline int sluice_landlock_restrict(int rules) { return (int)syscall(446, rules, 0); }

// No program that this process starts has more rights than it has itself. Of the calling thread, as above.
static inline int sluice_gain_no_rights(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

// No core dump, and nobody with the same user's rights attaches to the process or reads its memory.
static inline int sluice_keep_memory_private(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

// linux/capability.h: the process keeps what is permitted when it becomes another user, then keeps of that the right to
// listen on ports below 1024 (CAP_NET_BIND_SERVICE, 10) or nothing.
static inline int sluice_keep_rights(int is_on) { return prctl(PR_SET_KEEPCAPS, is_on, 0, 0, 0); }

static inline int sluice_reduce_rights(int may_listen_below_1024) {
  struct { uint32_t version; int process; } header = {0x20080522, 0};
  uint32_t rights = may_listen_below_1024 ? 1u << 10 : 0;
  struct { uint32_t effective, permitted, inheritable; } data[2] = {{rights, rights, 0}, {0, 0, 0}};
  return (int)syscall(SYS_capset, &header, data);
}

// glibc declares the first two under _GNU_SOURCE alone, and does each of them for all threads.
int setresuid(uid_t real, uid_t effective, uid_t saved);
int setresgid(gid_t real, gid_t effective, gid_t saved);
int initgroups(const char *user, gid_t group);

// linux/openat2.h: RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS. openat(2) where the kernel, or what
// filters its calls, does not know the call: names here have no slash, and what is a link is refused by O_NOFOLLOW.
int openat(int folder, const char *name, int flags, ...);

static inline int sluice_open_beneath(int folder, const char *name, int flags, mode_t mode) {
  // Without fcntl.h, which would make this module the one that defines `stat`. 0100 is O_CREAT.
  struct { uint64_t flags, mode, resolve; } how = {(uint64_t)(unsigned int)flags, flags & 0100 ? mode : 0, 0x08 | 0x04 | 0x02};
  int file = (int)syscall(437, folder, name, &how, sizeof how);
  if (file >= 0 || (errno != ENOSYS && errno != EPERM)) return file;
  return openat(folder, name, flags, mode);
}

// A file in memory alone, without a name. SYS_memfd_create's 1 is MFD_CLOEXEC.
static inline int sluice_make_memory_file(void) { return (int)syscall(SYS_memfd_create, "sluice", 1u); }

// Starts a program with these for its standard streams and no other open file, in a group of its own (so that whatever it
// starts can be ended with it), in the root folder, with no signal ignored or held back. Returns an errno, 0 for none.
// The last two are declared by spawn.h under _GNU_SOURCE alone.
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *folder);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

static inline int sluice_start_program(
    pid_t *child, char *const arguments[], char *const environment[], int input, int output, int errors) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  int code = posix_spawn_file_actions_init(&actions);
  if (code != 0) return code;
  code = posix_spawnattr_init(&attributes);
  if (code != 0) {
    posix_spawn_file_actions_destroy(&actions);
    return code;
  }
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  if (code == 0) code = posix_spawn_file_actions_addchdir_np(&actions, "/");
  if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, input, 0);
  if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, output, 1);
  if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, errors, 2);
  if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  if (code == 0) code = posix_spawn(child, arguments[0], &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

// A descriptor that can be read once the program has ended; the number of its process is its own until then.
// 434 is the call's number everywhere.
static inline int sluice_open_process(pid_t process) { return (int)syscall(434, process, 0); }

#endif
