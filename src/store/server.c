/* The server driver. */
#include "store/driver.h"

status server_open(const struct store_options *opt, struct store **ret, struct err *err)
{
    (void)opt, (void)ret;
    return err_set(err, ST_UNSUPPORTED, ERR_NOPOS, "the server driver is not in this build yet");
}
