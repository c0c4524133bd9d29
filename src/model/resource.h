/* resource and scope: what many rows of a batch share. A batch holds each distinct one once; rows
 * name it by index. Strings borrow from the body or the batch's arena. */
#pragma once

#include "model/attr.h"

struct resource {
    struct attr_range attrs;
    uint32_t dropped_attributes;
    str schema_url;
    str entity_refs;  /* JSON array of {schemaUrl,type,idKeys,descriptionKeys}; empty when none */
    str service_name; /* attribute service.name when it is a string; else empty */
    uint64_t
        hash; /* of the attributes (keys, types, values), independent of their order: stream_id */
};

struct scope {
    str name, version, schema_url;
    struct attr_range attrs;
    uint32_t dropped_attributes;
    uint64_t hash; /* of name, version, schema_url, attributes */
};
