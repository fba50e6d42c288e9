// A wall clock that jumps: for LD_PRELOAD, see ../README.md. Monotonic clocks go on as they do when an administrator or
// NTP sets the time.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "control.h"

static int (*_Atomic real_clock_gettime)(clockid_t, struct timespec *);
static int (*_Atomic real_sem_timedwait)(sem_t *, const struct timespec *);

__attribute__((constructor)) static void find_real_ones(void) {
  atomic_store(&real_clock_gettime, (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime"));
  atomic_store(&real_sem_timedwait, (int (*)(sem_t *, const struct timespec *))dlsym(RTLD_NEXT, "sem_timedwait"));
}

static int64_t offset(void) {
  struct control *control = shared_control();
  return control ? atomic_load(&control->clock_offset) : 0;
}

static void add(struct timespec *time, int64_t nanoseconds) {
  int64_t sum = time->tv_nsec + nanoseconds % 1000000000;
  time->tv_sec += nanoseconds / 1000000000 + (sum < 0 ? -1 : sum / 1000000000);
  time->tv_nsec = sum < 0 ? sum + 1000000000 : sum % 1000000000;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int (*real)(clockid_t, struct timespec *) = atomic_load(&real_clock_gettime);
  int result = real ? real(clock, time) : (int)syscall(SYS_clock_gettime, clock, time);
  if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) add(time, offset());
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t *result) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}

// Its moment was made from the clock that jumps, and the kernel waits by the one that does not.
int sem_timedwait(sem_t *semaphore, const struct timespec *until) {
  struct timespec moment = *until;
  int (*real)(sem_t *, const struct timespec *) = atomic_load(&real_sem_timedwait);
  add(&moment, -offset());
  if (real) return real(semaphore, &moment);
  errno = ENOSYS;
  return -1;
}
