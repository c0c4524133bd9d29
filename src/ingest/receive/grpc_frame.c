#include "ingest/receive/grpc_frame.h"

static status fail(struct grpc_frame *f, status st)
{
    f->bad = st;
    return st;
}

status grpc_frame_take(struct grpc_frame *f, str in, uint64_t max_bytes, str *ret_message,
                       struct err *err)
{
    *ret_message = (str){0};
    if (f->bad) return err_set(err, f->bad, ERR_NOPOS, "gRPC framing is broken");
    while (f->n_prefix < 5 && in.len) {
        f->prefix[f->n_prefix++] = (uint8_t)in.ptr[0];
        in = str_drop(in, 1);
        if (f->n_prefix < 5) continue;
        const uint8_t *p = f->prefix;
        f->length = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
        f->compressed = p[0] == 1;
        if (p[0] > 1)
            return err_set(err, fail(f, ST_INVALID), 0, "gRPC flag byte is %u, not 0 or 1", p[0]);
        if (f->length > max_bytes)
            return err_set(err, fail(f, ST_LIMIT), 1, "gRPC message is %u bytes, limit %llu",
                           f->length, (unsigned long long)max_bytes);
    }
    if (in.len > f->length - f->seen)
        return err_set(err, fail(f, ST_INVALID), ERR_NOPOS,
                       "bytes behind the gRPC message: a unary call has exactly one");
    f->seen += (uint32_t)in.len;
    *ret_message = in;
    return ST_OK;
}

status grpc_frame_end(const struct grpc_frame *f, bool may_compress, struct err *err)
{
    if (f->bad) return err_set(err, f->bad, ERR_NOPOS, "gRPC framing is broken");
    if (f->n_prefix == 0) return err_set(err, ST_INVALID, 0, "no gRPC message");
    if (f->n_prefix < 5 || f->seen < f->length)
        return err_set(err, ST_INVALID, f->seen, "gRPC message is cut off after %u of %u bytes",
                       f->seen, f->length);
    if (f->compressed && !may_compress)
        return err_set(err, ST_INVALID, 0, "compressed gRPC message without grpc-encoding");
    return ST_OK;
}
