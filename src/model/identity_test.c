#include "model/identity.h"

#include "testing/test.h"

static const struct attr attrs[] = {
    {S("service.name"), {ATTR_STRING, {S("checkout")}}},
    {S("replicas"), {ATTR_INT, {.i = -3}}},
    {S("ratio"), {ATTR_DOUBLE, {.d = 0.5}}},
    {S("none"), {.type = ATTR_EMPTY}},
};

TEST(identity_hashes_are_stored_and_never_change)
{
    struct resource r = {.attrs = {0, 4}};
    resource_identify(&r, attrs);
    CHECK_INT(r.hash, -2204839937410040953);
    struct scope s = {.name = S("lib"), .version = S("1"), .attrs = {1, 2}};
    scope_identify(&s, attrs);
    CHECK_INT(s.hash, 3171370343038606789);
    struct metric_desc d = {.name = S("requests"), .unit = S("s"), .type = METRIC_HISTOGRAM};
    static const double bounds[] = {1, 2.5};
    uint64_t of_metric = metric_hash(&d, r.hash, s.hash);
    CHECK_INT(metric_series_id(of_metric, d.type, bounds, 2, attrs_hash(attrs, 2)),
              3787362971822793809);
    CHECK_INT(metric_series_id(of_metric, METRIC_SUM, NULL, 0, attrs_hash(attrs, 2)),
              1972101310648777880);
}

TEST(identity_of_attributes_does_not_depend_on_their_order)
{
    struct attr turned[4];
    for (int i = 0; i < 4; i++) turned[i] = attrs[3 - i];
    CHECK(attrs_hash(attrs, 4) == attrs_hash(turned, 4));
    CHECK(attrs_hash(attrs, 4) != attrs_hash(attrs, 3));
}

TEST(identity_of_a_resource_takes_its_service_name_from_a_text_only)
{
    struct attr number = {S("service.name"), {ATTR_INT, {.i = 1}}};
    struct resource r = {.attrs = {0, 1}, .service_name = S("before")};
    resource_identify(&r, &number);
    CHECK_STR(r.service_name, S(""));
    resource_identify(&r, attrs);
    CHECK_STR(r.service_name, S("checkout"));
}
