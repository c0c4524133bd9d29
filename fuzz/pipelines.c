/* Any bytes as a configuration file with pipelines: an error with a place, or a graph whose parts
 * can be made. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cmd/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_graph(const struct graph *g)
{
    assert(g->n_pipelines > 0 && g->n_exporters > 0);
    for (size_t i = 0; i < g->n_pipelines; i++) {
        const struct graph_pipeline *p = &g->pipelines[i];
        assert(p->n_exporters > 0 && p->batch.send_batch_size > 0);
        assert(p->batch.max_rows >= p->batch.send_batch_size);
        for (size_t k = 0; k < p->n_exporters; k++) assert(p->exporters[k] < g->n_exporters);
    }
    for (size_t i = 0; i < g->n_warnings; i++) assert(memcmp(g->warnings[i].ptr, "f:", 2) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    struct config c;
    struct graph g;
    struct err err = {};
    config_defaults(&c, &a);
    if (config_read_yaml(&c, (str){(const char *)data, size}, "f", &err) == ST_OK) {
        if (graph_read(&a, &c, &g, &err) != ST_OK) {
            assert(strncmp(err.msg, "f:", 2) == 0);
        } else {
            check_graph(&g);
            struct buf out;
            buf_init(&out, 1 << 22);
            graph_print(&g, &out);
            buf_done(&out);
            (void)parts_check(&c, &g, &err);
        }
    }
    arena_done(&a);
    return 0;
}
