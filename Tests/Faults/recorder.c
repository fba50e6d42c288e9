// Disks that remember: `recorder FOLDER LOG CONTROL IMAGE...` shows each image as a file of FOLDER, `0`, `1` and so on, for
// loop devices to lie on, and appends each write, with its bytes, and each flush to LOG before it is answered. By CONTROL,
// a file, the driver makes writes fail that have certain bytes: then the system forgets what it could not write.
//
// Speaks the kernel's FUSE protocol by itself (linux/fuse.h): a library would be one more thing to install, and one thread
// that answers one request after the other is what gives the log its order. Ends when FOLDER is unmounted.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { largest_write = 1 << 20, disk_limit = 8, first_node = 2 };
enum kind { written = 1, flushed = 2, zeroed = 3 };

// As in `recording.py`.
struct record {
  uint32_t kind;
  uint32_t disk;
  uint64_t offset;
  uint64_t count;
};

// As in `recording.py`.
struct control {
  _Atomic uint32_t failing;  // so many of the next writes with these bytes
  _Atomic uint32_t failed;
  unsigned char bytes[8];
};

static struct control *control;
static int device, log_file, disks;
static int images[disk_limit];
static uint64_t sizes[disk_limit];

static void give_up(const char *what) {
  perror(what);
  exit(1);
}

static void answer(const struct fuse_in_header *request, int error, const void *body, size_t count) {
  struct fuse_out_header head = {sizeof head + count, error, request->unique};
  struct iovec parts[] = {{&head, sizeof head}, {(void *)body, count}};
  // ENOENT: the request was interrupted meanwhile.
  if (writev(device, parts, count ? 2 : 1) < 0 && errno != ENOENT) give_up("answering");
}

// Before the answer: what a client is told later has a later place in the log.
static void note(enum kind kind, uint32_t disk, uint64_t offset, uint64_t count, const void *bytes) {
  struct record record = {kind, disk, offset, count};
  struct iovec parts[] = {{&record, sizeof record}, {(void *)bytes, bytes ? count : 0}};
  if (writev(log_file, parts, bytes ? 2 : 1) != (ssize_t)(sizeof record + (bytes ? count : 0))) give_up("the log");
}

static struct fuse_attr attributes(uint64_t node) {
  int is_disk = node >= first_node;
  struct fuse_attr attr = {.ino = node, .nlink = 1, .blksize = 4096};
  attr.mode = is_disk ? S_IFREG | 0600 : S_IFDIR | 0700;
  if (is_disk) attr.size = sizes[node - first_node], attr.blocks = attr.size / 512;
  return attr;
}

static void look_up(const struct fuse_in_header *request, const char *name) {
  char *end;
  unsigned long number = strtoul(name, &end, 10);
  if (end == name || *end || number >= (unsigned long)disks) return answer(request, -ENOENT, NULL, 0);
  struct fuse_entry_out entry = {.nodeid = number + first_node, .entry_valid = 3600, .attr_valid = 3600};
  entry.attr = attributes(entry.nodeid);
  answer(request, 0, &entry, sizeof entry);
}

static void begin(const struct fuse_in_header *request, const struct fuse_init_in *offered) {
  struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION};
  out.max_readahead = offered->max_readahead;
  out.flags = offered->flags & (FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_ASYNC_READ);
  out.max_write = largest_write, out.max_pages = largest_write / 4096;
  out.max_background = 64, out.congestion_threshold = 48, out.time_gran = 1;
  answer(request, 0, &out, sizeof out);
}

static void read_disk(const struct fuse_in_header *request, const struct fuse_read_in *wanted) {
  static char bytes[largest_write];
  size_t count = wanted->size < sizeof bytes ? wanted->size : sizeof bytes;
  ssize_t got = pread(images[request->nodeid - first_node], bytes, count, wanted->offset);
  if (got < 0) return answer(request, -errno, NULL, 0);
  answer(request, 0, bytes, got);
}

static void write_disk(const struct fuse_in_header *request, const struct fuse_write_in *write) {
  uint32_t disk = request->nodeid - first_node;
  const char *bytes = (const char *)(write + 1);
  if (atomic_load(&control->failing) && memmem(bytes, write->size, control->bytes, sizeof control->bytes)) {
    atomic_fetch_sub(&control->failing, 1);
    atomic_fetch_add(&control->failed, 1);
    return answer(request, -EIO, NULL, 0);
  }
  if (pwrite(images[disk], bytes, write->size, write->offset) != write->size) give_up("the image");
  note(written, disk, write->offset, write->size, bytes);
  struct fuse_write_out out = {.size = write->size};
  answer(request, 0, &out, sizeof out);
}

// What a loop device makes of a discard, and of zeros.
static void zero_disk(const struct fuse_in_header *request, const struct fuse_fallocate_in *range) {
  uint32_t disk = request->nodeid - first_node;
  if (!(range->mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))) return answer(request, -EOPNOTSUPP, NULL, 0);
  if (fallocate(images[disk], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, range->offset, range->length))
    return answer(request, -errno, NULL, 0);
  note(zeroed, disk, range->offset, range->length, NULL);
  answer(request, 0, NULL, 0);
}

static void serve(const struct fuse_in_header *request) {
  const void *body = request + 1;
  switch (request->opcode) {
    case FUSE_INIT: return begin(request, body);
    case FUSE_LOOKUP: return look_up(request, body);
    case FUSE_READ: return read_disk(request, body);
    case FUSE_WRITE: return write_disk(request, body);
    case FUSE_FALLOCATE: return zero_disk(request, body);
    case FUSE_FSYNC:
      note(flushed, request->nodeid - first_node, 0, 0, NULL);
      return answer(request, 0, NULL, 0);
    case FUSE_GETATTR:
    case FUSE_SETATTR: {
      struct fuse_attr_out out = {.attr_valid = 3600, .attr = attributes(request->nodeid)};
      return answer(request, 0, &out, sizeof out);
    }
    case FUSE_OPEN:
    case FUSE_OPENDIR: {
      struct fuse_open_out out = {.open_flags = request->opcode == FUSE_OPEN ? FOPEN_DIRECT_IO : 0};
      return answer(request, 0, &out, sizeof out);
    }
    case FUSE_STATFS: {
      struct fuse_statfs_out out = {.st = {.bsize = 4096, .namelen = 255}};
      return answer(request, 0, &out, sizeof out);
    }
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_DESTROY: return answer(request, 0, NULL, 0);
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: return;
    default: return answer(request, -ENOSYS, NULL, 0);
  }
}

int main(int count, char **arguments) {
  if (count < 5 || count - 4 > disk_limit) {
    fprintf(stderr, "usage: recorder FOLDER LOG CONTROL IMAGE...\n");
    return 64;
  }
  log_file = open(arguments[2], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (log_file < 0) give_up(arguments[2]);
  int control_file = open(arguments[3], O_RDWR | O_CLOEXEC);
  control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, control_file, 0);
  if (control_file < 0 || control == MAP_FAILED) give_up(arguments[3]);
  for (disks = 0; disks < count - 4; disks++) {
    struct stat status;
    images[disks] = open(arguments[disks + 4], O_RDWR | O_CLOEXEC);
    if (images[disks] < 0 || fstat(images[disks], &status)) give_up(arguments[disks + 4]);
    sizes[disks] = status.st_size;
  }
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) give_up("/dev/fuse");
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40700,user_id=0,group_id=0,max_read=%d", device, largest_write);
  if (mount("sluice-faults", arguments[1], "fuse", MS_NOSUID | MS_NODEV, options)) give_up(arguments[1]);
  // The driver of the run waits for this line.
  puts("ready");
  fflush(stdout);
  static _Alignas(8) char request[largest_write + 65536];
  for (;;) {
    ssize_t size = read(device, request, sizeof request);
    if (size >= 0) serve((const struct fuse_in_header *)request);
    else if (errno == ENODEV) return 0;
    else if (errno != EINTR && errno != ENOENT) give_up("the kernel's requests");
  }
}
