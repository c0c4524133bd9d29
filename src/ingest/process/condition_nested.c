/* Values inside of arrays and lists, which a batch holds as JSON. */
#include "base/json_in.h"
#include "base/num.h"
#include "ingest/process/condition_node.h"

#define NIL ((struct attr_value){.type = ATTR_EMPTY})

/* The value that begins with the current token. */
static struct attr_value current(struct json_in *j)
{
    struct attr_value v = NIL;
    size_t from = j->at - 1; /* of the bracket, when it is one */
    switch (j->token) {
    case JSON_STRING: return (struct attr_value){ATTR_STRING, {j->text}};
    case JSON_TRUE:
    case JSON_FALSE: return (struct attr_value){ATTR_BOOL, {.i = j->token == JSON_TRUE}};
    case JSON_NUMBER:
        v.type = ATTR_INT;
        if (num_parse_i64(j->text, &v.i)) return v;
        v.type = ATTR_DOUBLE;
        return num_parse_f64(j->text, &v.d) ? v : NIL;
    case JSON_OBJECT:
    case JSON_ARRAY:
        v.type = j->token == JSON_ARRAY ? ATTR_ARRAY : ATTR_KVLIST;
        json_skip(j);
        v.text = (str){j->in.ptr + from, j->at - from};
        return j->bad ? NIL : v;
    default: return NIL;
    }
}

static struct attr_value of_list(struct json_in *j, str name)
{
    while (json_next(j) == JSON_KEY) {
        bool found = str_eq(j->text, name);
        if (!found) {
            json_skip(j);
            continue;
        }
        (void)json_next(j);
        return current(j);
    }
    return NIL;
}

static struct attr_value of_array(struct json_in *j, int64_t number)
{
    for (int64_t i = 0;; i++) {
        enum json_token t = json_next(j);
        if (t == JSON_ARRAY_END || t == JSON_END) return NIL;
        if (i == number) return current(j);
        json_skip(j);
    }
}

struct attr_value nested_value(struct arena *a, struct attr_value v, const struct path_key *keys)
{
    for (const struct path_key *k = keys; k; k = k->next) {
        if (v.type != (k->is_number ? ATTR_ARRAY : ATTR_KVLIST)) return NIL;
        struct json_in j = json_read(v.text, a);
        (void)json_next(&j);
        v = k->is_number ? of_array(&j, k->number) : of_list(&j, k->name);
    }
    return v;
}
