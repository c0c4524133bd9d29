#include "ingest/process/condition_paths.h"

static const struct {
    str name;
    uint8_t owner;
} owners[] = {
    {S("span"), OF_SPAN},       {S("spanevent"), OF_EVENT},
    {S("log"), OF_LOG},         {S("metric"), OF_METRIC},
    {S("datapoint"), OF_POINT}, {S("resource"), OF_RESOURCE},
    {S("scope"), OF_SCOPE},     {S("instrumentation_scope"), OF_SCOPE},
};

/* Owners by context: its own first. */
static const uint8_t owners_of[] = {
    [ON_SPAN] = 1 << OF_SPAN | 1 << OF_RESOURCE | 1 << OF_SCOPE,
    [ON_EVENT] = 1 << OF_EVENT | 1 << OF_SPAN | 1 << OF_RESOURCE | 1 << OF_SCOPE,
    [ON_METRIC] = 1 << OF_METRIC | 1 << OF_RESOURCE | 1 << OF_SCOPE,
    [ON_POINT] = 1 << OF_POINT | 1 << OF_METRIC | 1 << OF_RESOURCE | 1 << OF_SCOPE,
    [ON_LOG] = 1 << OF_LOG | 1 << OF_RESOURCE | 1 << OF_SCOPE,
    [ON_RESOURCE] = 1 << OF_RESOURCE,
};
static const uint8_t own_of[] = {
    [ON_SPAN] = OF_SPAN,   [ON_EVENT] = OF_EVENT, [ON_METRIC] = OF_METRIC,
    [ON_POINT] = OF_POINT, [ON_LOG] = OF_LOG,     [ON_RESOURCE] = OF_RESOURCE};

enum {
    SPAN = 1 << OF_SPAN,
    EVENT = 1 << OF_EVENT,
    LOG = 1 << OF_LOG,
    METRIC = 1 << OF_METRIC,
    POINT = 1 << OF_POINT,
    RESOURCE = 1 << OF_RESOURCE,
    SCOPE = 1 << OF_SCOPE,
};

static const struct {
    str name;
    uint8_t field, owners;
} fields[] = {
    {S("attributes"), FIELD_ATTRIBUTE, SPAN | EVENT | LOG | POINT | RESOURCE | SCOPE},
    {S("dropped_attributes_count"), FIELD_DROPPED_ATTRIBUTES,
     SPAN | EVENT | LOG | RESOURCE | SCOPE},
    {S("name"), FIELD_NAME, SPAN | EVENT | METRIC | SCOPE},
    {S("kind"), FIELD_KIND, SPAN},
    {S("kind.string"), FIELD_KIND_TEXT, SPAN},
    {S("status.code"), FIELD_STATUS_CODE, SPAN},
    {S("status.message"), FIELD_STATUS_MESSAGE, SPAN},
    {S("trace_state"), FIELD_TRACE_STATE, SPAN},
    {S("trace_id"), FIELD_TRACE_ID, SPAN | LOG},
    {S("trace_id.string"), FIELD_TRACE_ID_TEXT, SPAN | LOG},
    {S("span_id"), FIELD_SPAN_ID, SPAN | LOG},
    {S("span_id.string"), FIELD_SPAN_ID_TEXT, SPAN | LOG},
    {S("parent_span_id"), FIELD_PARENT_ID, SPAN},
    {S("parent_span_id.string"), FIELD_PARENT_ID_TEXT, SPAN},
    {S("start_time_unix_nano"), FIELD_START_TIME, SPAN | POINT},
    {S("end_time_unix_nano"), FIELD_END_TIME, SPAN},
    {S("time_unix_nano"), FIELD_TIME, EVENT | LOG | POINT},
    {S("observed_time_unix_nano"), FIELD_OBSERVED_TIME, LOG},
    {S("flags"), FIELD_FLAGS, SPAN | LOG | POINT},
    {S("dropped_events_count"), FIELD_DROPPED_EVENTS, SPAN},
    {S("dropped_links_count"), FIELD_DROPPED_LINKS, SPAN},
    {S("severity_number"), FIELD_SEVERITY_NUMBER, LOG},
    {S("severity_text"), FIELD_SEVERITY_TEXT, LOG},
    {S("body"), FIELD_BODY, LOG},
    {S("body.string"), FIELD_BODY_TEXT, LOG},
    {S("event_name"), FIELD_EVENT_NAME, LOG},
    {S("description"), FIELD_DESCRIPTION, METRIC},
    {S("unit"), FIELD_UNIT, METRIC},
    {S("type"), FIELD_TYPE, METRIC},
    {S("aggregation_temporality"), FIELD_TEMPORALITY, METRIC},
    {S("is_monotonic"), FIELD_MONOTONIC, METRIC},
    {S("value_int"), FIELD_VALUE_INT, POINT},
    {S("value_double"), FIELD_VALUE_DOUBLE, POINT},
    {S("count"), FIELD_COUNT, POINT},
    {S("sum"), FIELD_SUM, POINT},
    {S("version"), FIELD_VERSION, SCOPE},
    {S("schema_url"), FIELD_SCHEMA_URL, RESOURCE | SCOPE},
};

/* Cuts what the path belongs to off its front. False: it names nothing of the kind. */
static bool cut_owner(str *io, uint8_t *ret)
{
    const char *dot = memchr(io->ptr, '.', io->len);
    if (!dot) return false;
    str first = {io->ptr, (size_t)(dot - io->ptr)};
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
        if (str_eq(owners[i].name, first)) {
            *ret = owners[i].owner;
            *io = str_drop(*io, first.len + 1);
            return true;
        }
    return false;
}

const char *path_find(enum condition_context on, bool named, str name, struct node *ret)
{
    uint8_t owner = own_of[on];
    if (!cut_owner(&name, &owner) && named)
        return "a path begins with what it belongs to: span., spanevent., log., metric., "
               "datapoint., resource. or scope.";
    if (!(owners_of[on] >> owner & 1)) return "not of the items that are filtered here";
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_eq(fields[i].name, name) && fields[i].owners >> owner & 1) {
            ret->owner = owner;
            ret->field = fields[i].field;
            return NULL;
        }
    return "no such path here";
}

static bool severity_find(str name, int64_t *ret)
{
    static const str names[] = {S("TRACE"), S("DEBUG"), S("INFO"),
                                S("WARN"),  S("ERROR"), S("FATAL")};
    int64_t more = 0;
    if (name.len && name.ptr[name.len - 1] >= '2' && name.ptr[name.len - 1] <= '4')
        more = name.ptr[--name.len] - '1';
    for (int64_t i = 0; i < 6; i++)
        if (str_eq(names[i], name)) {
            *ret = 1 + 4 * i + more;
            return true;
        }
    return false;
}

bool enum_find(str name, int64_t *ret)
{
    static const struct {
        str name;
        int64_t value;
    } enums[] = {
        {S("SPAN_KIND_UNSPECIFIED"), 0},
        {S("SPAN_KIND_INTERNAL"), 1},
        {S("SPAN_KIND_SERVER"), 2},
        {S("SPAN_KIND_CLIENT"), 3},
        {S("SPAN_KIND_PRODUCER"), 4},
        {S("SPAN_KIND_CONSUMER"), 5},
        {S("STATUS_CODE_UNSET"), 0},
        {S("STATUS_CODE_OK"), 1},
        {S("STATUS_CODE_ERROR"), 2},
        {S("SEVERITY_NUMBER_UNSPECIFIED"), 0},
        {S("METRIC_DATA_TYPE_NONE"), METRIC_NONE},
        {S("METRIC_DATA_TYPE_GAUGE"), METRIC_GAUGE},
        {S("METRIC_DATA_TYPE_SUM"), METRIC_SUM},
        {S("METRIC_DATA_TYPE_HISTOGRAM"), METRIC_HISTOGRAM},
        {S("METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM"), METRIC_EXP_HISTOGRAM},
        {S("METRIC_DATA_TYPE_SUMMARY"), METRIC_SUMMARY},
        {S("AGGREGATION_TEMPORALITY_UNSPECIFIED"), TEMPORALITY_UNSPECIFIED},
        {S("AGGREGATION_TEMPORALITY_DELTA"), TEMPORALITY_DELTA},
        {S("AGGREGATION_TEMPORALITY_CUMULATIVE"), TEMPORALITY_CUMULATIVE},
        {S("FLAG_NONE"), 0},
        {S("FLAG_NO_RECORDED_VALUE"), 1},
    };
    for (size_t i = 0; i < sizeof enums / sizeof *enums; i++)
        if (str_eq(enums[i].name, name)) {
            *ret = enums[i].value;
            return true;
        }
    str severity = S("SEVERITY_NUMBER_");
    return name.len > severity.len && memcmp(name.ptr, severity.ptr, severity.len) == 0 &&
           severity_find(str_drop(name, severity.len), ret);
}

const struct function *function_find(str name)
{
    static const struct function functions[] = {
        {S("IsMatch"), CALL_IS_MATCH, 2, true},
        {S("HasPrefix"), CALL_HAS_PREFIX, 2, true},
        {S("HasSuffix"), CALL_HAS_SUFFIX, 2, true},
        {S("IsString"), CALL_IS_STRING, 1, true},
        {S("IsInt"), CALL_IS_INT, 1, true},
        {S("IsDouble"), CALL_IS_DOUBLE, 1, true},
        {S("IsBool"), CALL_IS_BOOL, 1, true},
        {S("IsRootSpan"), CALL_IS_ROOT_SPAN, 0, true},
        {S("Len"), CALL_LEN, 1, false},
        {S("Int"), CALL_INT, 1, false},
        {S("Double"), CALL_DOUBLE, 1, false},
        {S("String"), CALL_STRING, 1, false},
        {S("TraceID"), CALL_TRACE_ID, 1, false},
        {S("SpanID"), CALL_SPAN_ID, 1, false},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (str_eq(functions[i].name, name)) return &functions[i];
    return NULL;
}
