/* What a process has: descriptors and memory. */
#ifndef RESOURCES_H
#define RESOURCES_H

#include "client.h"
#include <dirent.h>
#include <malloc.h>

/* The descriptors that the process has. */
static inline int descriptors(void)
{
	int count = 0;
	DIR *folder = opendir("/proc/self/fd");
	CHECK(folder != NULL, "/proc/self/fd");
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* The memory that is this process's own, in KiB. Counted from the page tables: the figures in statm are rough. */
static inline long memory(void)
{
	char line[256];
	long kib = -1;
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	CHECK(file != NULL, "/proc/self/smaps_rollup");
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "Anonymous: %ld kB", &kib) == 1)
			break;
	fclose(file);
	CHECK(kib > 0, "no Anonymous in /proc/self/smaps_rollup");
	return kib;
}

/* The bytes that were allocated and not freed. */
static inline long allocated(void)
{
#if __GLIBC_PREREQ(2, 33)
	struct mallinfo2 all = mallinfo2();
#else
	struct mallinfo all = mallinfo();
#endif
	return all.uordblks + all.hblkhd;
}

#endif
