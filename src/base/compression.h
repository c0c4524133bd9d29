/* The compressions a payload may have. Journaled: append only. */
#pragma once

enum payload_compression { PAYLOAD_IDENTITY, PAYLOAD_GZIP, PAYLOAD_ZSTD, PAYLOAD_SNAPPY };
