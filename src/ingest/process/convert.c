#include "ingest/process/convert.h"

#include <math.h>

#include "base/num.h"

bool attr_to_double(const struct attr_value *v, double *ret)
{
    switch (v->type) {
    case ATTR_INT:
    case ATTR_BOOL: *ret = (double)v->i; return true;
    case ATTR_DOUBLE: *ret = v->d; return true;
    case ATTR_STRING: return num_parse_f64(v->text, ret);
    default: return false;
    }
}

bool attr_to_int(const struct attr_value *v, int64_t *ret)
{
    switch (v->type) {
    case ATTR_INT:
    case ATTR_BOOL: *ret = v->i; return true;
    case ATTR_DOUBLE:
        if (!(v->d > -0x1p63 && v->d < 0x1p63)) return false;
        *ret = (int64_t)v->d;
        return true;
    case ATTR_STRING: return num_parse_i64(v->text, ret);
    default: return false;
    }
}

bool attr_to_bool(const struct attr_value *v, int64_t *ret)
{
    if (v->type == ATTR_STRING) {
        *ret = str_eq(v->text, S("true"));
        return *ret || str_eq(v->text, S("false"));
    }
    double d;
    if (!attr_to_double(v, &d) || isnan(d)) return false;
    *ret = d != 0;
    return true;
}
