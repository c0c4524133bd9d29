#include "ingest/outage.h"

#include <stdbool.h>

#define AGAIN_AFTER (10 * NANOS_S)
#define REMIND_AFTER (60 * NANOS_S)

static bool was_told(const struct outage *o) { return o->said && o->said >= o->began; }

enum outage_news outage_failed(struct outage *o, nanos now)
{
    if (o->tries++ == 0) o->began = now;
    bool told = was_told(o);
    if (o->said && now - o->said < (told ? REMIND_AFTER : AGAIN_AFTER)) return OUTAGE_NOTHING;
    o->said = now;
    return told ? OUTAGE_LASTS : OUTAGE_BEGINS;
}

enum outage_news outage_worked(struct outage *o, struct outage *ret)
{
    if (o->tries == 0) return OUTAGE_NOTHING;
    *ret = *o;
    o->tries = 0;
    return was_told(o) ? OUTAGE_OVER : OUTAGE_NOTHING;
}
