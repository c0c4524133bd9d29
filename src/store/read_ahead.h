/* read_ahead: what the engine reads while it loads its tables, read into the page cache before it
 * gets there (docs/decisions/0035).
 *
 * The engine opens a part's small files one after the other and waits for the disk each time. Here
 * a few threads walk through the folder and only ask for the same files, so that the disk has many
 * requests at once. Nothing depends on it: what cannot be opened is left to the engine, which says
 * why. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* Counts of a walk. */
struct read_ahead_found {
    uint64_t files;  /* looked at */
    uint64_t asked;  /* of those: whose bytes the disk was asked for */
    uint64_t warm;   /* parts that are in the page cache: passed by */
    uint64_t failed; /* files and folders that could not be opened: some disappear meanwhile */
};

/* Walks through the folder `store` below `dir`: DIR/store/abc/UUID/PART/PROJECTION. Of `shares`
 * walks over the same folder each takes its own share of the parts. It ends when *stop is set, or
 * after a quarter of a million files. thread: any. */
void read_ahead_walk(const char *dir, unsigned share, unsigned shares, atomic_bool *stop,
                     struct read_ahead_found *ret);

/* Begins walks over `dir` on threads of their own. */
struct read_ahead;
struct read_ahead *read_ahead_begin(const char *dir);

/* Stops those that are still under way and waits for them: a request to the disk each. May be NULL.
 */
void read_ahead_end(struct read_ahead *r);
