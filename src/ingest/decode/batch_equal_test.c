/* check_equal_batches: two batches hold the same, whatever bytes they came from. */
#include <stdio.h>

#include "ingest/decode/sample_test.h"
#include "model/batch_compare.h"
#include "testing/test.h"

/* Made of everything the rows name, so that equal rows have equal ones. */
static void same_hashes(const struct telemetry_batch *a, const struct telemetry_batch *b)
{
    CHECK_INT(a->n_resources, b->n_resources);
    CHECK_INT(a->n_scopes, b->n_scopes);
    for (uint32_t i = 0; i < a->n_resources; i++)
        CHECK_INT(a->resources[i].hash, b->resources[i].hash);
    for (uint32_t i = 0; i < a->n_scopes; i++) CHECK_INT(a->scopes[i].hash, b->scopes[i].hash);
    if (a->signal != SIGNAL_METRICS) return;
    CHECK_INT(a->metrics.n_descs, b->metrics.n_descs);
    for (uint32_t i = 0; i < a->metrics.n; i++)
        CHECK_INT(a->metrics.series_id[i], b->metrics.series_id[i]);
}

void check_equal_batches(const struct telemetry_batch *a, const struct telemetry_batch *b)
{
    struct err err = {};
    if (batch_compare(a, b, &err) != ST_OK) fprintf(stderr, "%s\n", err.msg);
    CHECK_STR(str_of(err.msg), S(""));
    CHECK_INT(a->received, b->received);
    for (int i = 0; i < REJECT_REASONS; i++) CHECK_INT(a->rejected[i], b->rejected[i]);
    CHECK_STR(a->first_rejection, b->first_rejection);
    same_hashes(a, b);
}
