/* Any bytes as what a destination answers: read as something bounded, in every form. */
#include <assert.h>

#include "ingest/export/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
    assert(strlen(text) < ANSWER_TEXT_MAX && !strchr(text, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str s = {(const char *)data, size};
    for (int f = 0; f < 2; f++) {
        struct answer_status st = answer_status_read(s, (enum payload_format)f);
        check_text(st.message);
        for (int signal = 0; signal < SIGNAL_COUNT; signal++) {
            struct answer_partial p =
                answer_partial_read(s, (enum payload_format)f, (enum signal_kind)signal);
            assert(p.rejected <= INT64_MAX);
            check_text(p.message);
        }
    }
    char text[ANSWER_TEXT_MAX];
    export_answer_message(s, text);
    check_text(text);
    check_text(export_answer_details(s).message);
    (void)answer_retry_after(s, 1700000000 * NANOS_S);
    return 0;
}
