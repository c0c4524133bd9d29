#include "store/door_users.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/yaml.h"

enum { FILE_BYTES = 1 << 20, NAME_MAX_BYTES = 256 };

struct door_users {
    struct arena arena;
    struct door_user *list;
    size_t n;
};

static status read_password(const struct tree *t, struct door_user *u, struct err *err)
{
    str hash = {0};
    TRY(tree_text(t, S("password_sha256"), &hash, err));
    if (!tree_get(t, S("password_sha256"))) return tree_fail_key(t, err, "no password_sha256");
    u->has_password = hash.len > 0;
    if (hash.len && !hex_decode(hash, u->password, sizeof u->password))
        return tree_fail(tree_get(t, S("password_sha256")), err,
                         "not 64 hexadecimal digits: printf %%s PASSWORD | sha256sum");
    return ST_OK;
}

static status read_user(const struct tree *t, struct door_user *u, struct err *err)
{
    u->name = t->key;
    if (!t->key.len || t->key.len > NAME_MAX_BYTES)
        return tree_fail_key(t, err, "a user's name has 1 to %d bytes", NAME_MAX_BYTES);
    TRY(TREE_ONLY(t, err, S("password_sha256"), S("readonly"), S("max_concurrent_queries"),
                  S("max_memory"), S("max_execution_time"), S("max_rows_to_read"),
                  S("max_result_rows")));
    TRY(read_password(t, u, err));
    TRY(tree_flag(t, S("readonly"), &u->read_only, err));
    TRY(tree_u64(t, S("max_concurrent_queries"), 0, 1u << 20, &u->concurrent, err));
    TRY(tree_size(t, S("max_memory"), &u->memory, err));
    TRY(tree_time(t, S("max_execution_time"), 0, &u->time, err));
    TRY(tree_u64(t, S("max_rows_to_read"), 0, INT64_MAX, &u->rows, err));
    return tree_u64(t, S("max_result_rows"), 0, INT64_MAX, &u->result_rows, err);
}

static status read_all(struct door_users *u, str text, const char *path, struct err *err)
{
    const struct tree *root = NULL;
    TRY(yaml_parse(&u->arena, text, path, yaml_environment, NULL, &root, err));
    TRY(TREE_ONLY(root, err, S("users")));
    const struct tree *users = tree_get(root, S("users"));
    if (!users || users->kind != TREE_MAP || !users->n)
        return err_set(err, ST_INVALID, ERR_NOPOS, "%s: no users: nobody could ask", path);
    u->list = arena_array(&u->arena, struct door_user, users->n);
    memset(u->list, 0, users->n * sizeof *u->list);
    for (const struct tree *t = users->first; t; t = t->next)
        TRY(read_user(t, &u->list[u->n++], err));
    return ST_OK;
}

static status read_file(struct door_users *u, const char *path, struct err *err)
{
    FILE *f = fopen(path, "re");
    if (!f) return err_set(err, ST_INVALID, ERR_NOPOS, "%s: %m", path);
    char *text = arena_alloc(&u->arena, FILE_BYTES, 1);
    size_t n = fread(text, 1, FILE_BYTES, f);
    bool failed = ferror(f);
    fclose(f);
    if (failed) return err_set(err, ST_INVALID, ERR_NOPOS, "%s: cannot be read", path);
    if (n == FILE_BYTES)
        return err_set(err, ST_INVALID, ERR_NOPOS, "%s: more than %d bytes", path, FILE_BYTES);
    str name = arena_str(&u->arena, (str){path, strlen(path) + 1}); /* the tree keeps it */
    return read_all(u, (str){text, n}, name.ptr, err);
}

status door_users_open(const char *path, struct door_users **ret, struct err *err)
{
    struct door_users *u = calloc(1, sizeof *u);
    if (!u) abort();
    arena_init(&u->arena, 64 << 20);
    status s = ST_OK;
    if (path) {
        s = read_file(u, path, err);
    } else {
        u->list = arena_new(&u->arena, struct door_user);
        u->list->name = S("default");
        u->n = 1;
    }
    if (s != ST_OK)
        door_users_close(u);
    else
        *ret = u;
    return s;
}

void door_users_close(struct door_users *u)
{
    if (!u) return;
    arena_done(&u->arena);
    free(u);
}

/* Every user is compared, whoever it is. */
const struct door_user *door_users_find(const struct door_users *u, str name, str password)
{
    unsigned char sent[SHA256_DIGEST_LENGTH];
    const struct door_user *found = NULL;
    SHA256((const unsigned char *)(password.len ? password.ptr : ""), password.len, sent);
    for (size_t i = 0; i < u->n; i++) {
        const struct door_user *one = &u->list[i];
        bool same = CRYPTO_memcmp(one->password, sent, sizeof sent) == 0;
        bool right = one->has_password ? same : password.len == 0;
        if (str_eq(one->name, name) && right) found = one;
    }
    return found;
}
