/* A library to be preloaded: while it is armed, allocations fail. The client finds failing_arm and failing_disarm in it. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc's own. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

enum { ONCE = 1, FROM_THEN_ON = 2, MAPPINGS = 3 };

static int armed;
static long at, seen;

void failing_arm(long k, int mode);
long failing_disarm(void);

/* Makes the k-th allocation fail from now on: that one only (1), each from then on (2), or the k-th mmap only (3). */
void failing_arm(long k, int mode)
{
	__atomic_store_n(&seen, 0, __ATOMIC_SEQ_CST);
	at = k;
	__atomic_store_n(&armed, mode, __ATOMIC_SEQ_CST);
}

/* Ends it. Returns how many allocations were asked for. */
long failing_disarm(void)
{
	__atomic_store_n(&armed, 0, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&seen, __ATOMIC_SEQ_CST);
}

static int fails(int mapping)
{
	int mode = __atomic_load_n(&armed, __ATOMIC_SEQ_CST);
	if (mode == 0 || (mode == MAPPINGS) != mapping)
		return 0;
	long number = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
	if (number != at && !(mode == FROM_THEN_ON && number > at))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size) { return fails(0) ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return fails(0) ? NULL : __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { return fails(0) ? NULL : __libc_realloc(old, size); }
void *memalign(size_t alignment, size_t size) { return fails(0) ? NULL : __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return fails(0) ? NULL : __libc_memalign(alignment, size); }

int posix_memalign(void **to, size_t alignment, size_t size)
{
	void *memory = fails(0) ? NULL : __libc_memalign(alignment, size);
	if (memory == NULL)
		return ENOMEM;
	*to = memory;
	return 0;
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset)
{
	if (fails(1))
		return MAP_FAILED;
#ifdef SYS_mmap2 /* 32-bit: the offset is in units of 4096 bytes, whatever a page has */
	return (void *)syscall(SYS_mmap2, address, length, protection, flags, fd, (unsigned long)(offset >> 12));
#else
	return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
#endif
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	return mmap64(address, length, protection, flags, fd, offset);
}
