#include "store/door_input.h"

#include <stdlib.h>

/* Content-Encoding outside, ClickHouse's frames inside. */
enum { STAGES = 2 };

struct door_input {
    struct door_exchange *e;
    uint64_t left, max_bytes;
    struct {
        struct door_decoder *decoder;
        str in; /* not yet decoded */
    } stage[STAGES];
};

struct door_input *door_input_new(struct door_exchange *e, uint64_t max_bytes)
{
    struct door_input *in = calloc(1, sizeof *in);
    if (!in) abort();
    const struct door_request *r = door_exchange_request(e);
    in->e = e;
    in->left = in->max_bytes = max_bytes;
    in->stage[0].decoder = door_decoder_new(r->encoding);
    in->stage[1].decoder = door_decoder_new(r->frames_in ? DOOR_FRAMES : DOOR_IDENTITY);
    return in;
}

void door_input_free(struct door_input *in)
{
    if (!in) return;
    for (int i = 0; i < STAGES; i++) door_decoder_free(in->stage[i].decoder);
    free(in);
}

static status at_end(struct door_input *in, struct err *err)
{
    if (!door_exchange_complete(in->e))
        return err_set(err, ST_CANCELLED, ERR_NOPOS, "the request's body broke off");
    for (int i = 0; i < STAGES; i++)
        if (!door_decoder_whole(in->stage[i].decoder))
            return err_set(err, ST_INVALID, ERR_NOPOS, "the compressed body is cut off");
    return ST_OK;
}

/* The next piece out of stage `i`; empty at the end. */
static status next(struct door_input *in, int i, str *ret, struct err *err)
{
    for (;;) {
        TRY(door_decode(in->stage[i].decoder, &in->stage[i].in, ret, err));
        if (ret->len) return ST_OK;
        str more = {0};
        if (i > 0)
            TRY(next(in, i - 1, &more, err));
        else if (!door_exchange_read(in->e, &more))
            return at_end(in, err);
        if (!more.len) return ST_OK;
        in->stage[i].in = more;
    }
}

status door_input_next(struct door_input *in, str *ret, struct err *err)
{
    str piece = {0};
    TRY(next(in, STAGES - 1, &piece, err));
    if (piece.len > in->left)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "a body of more than %llu bytes",
                       (unsigned long long)in->max_bytes);
    in->left -= piece.len;
    *ret = piece;
    return ST_OK;
}
