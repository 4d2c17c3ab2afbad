#include "fcgi/handlers.h"
#include "fcgi/router.h"
#include "tests/unit/unit.h"

static const struct {
    const char *method, *path;
    handler *handle;
    const char *base, *id; /* ID NULL: the path has none */
} found[] = {
    { "POST", "/api/v1/orders", handle_create, "/api/v1", NULL },
    { "POST", "/api/v1/orders/create", handle_create, "/api/v1", NULL },
    { "POST", "/api/external/v1/orders/create", handle_create, "/api/external/v1", NULL },
    { "GET", "/api/v1/orders", handle_list, "/api/v1", NULL },
    { "HEAD", "/api/v1/orders", handle_list, "/api/v1", NULL },
    { "GET", "/api/v1/orders/abc", handle_read, "/api/v1", "abc" },
    { "HEAD", "/api/external/v1/orders/abc", handle_read, "/api/external/v1", "abc" },
    { "POST", "/api/v1/orders/abc/cancel", handle_cancel, "/api/v1", "abc" },
    { "POST", "/api/v1/orders/create/cancel", handle_cancel, "/api/v1", "create" },
    { "GET", "/api/v1/orders/abc/timeline", handle_timeline, "/api/v1", "abc" },
    { "GET", "/api/utility/liveness", handle_liveness, "/api/utility", NULL },
    { "GET", "/api/utility/readiness", handle_readiness, "/api/utility", NULL },
};

static void every_path_has_its_handler_under_both_prefixes(void **state)
{
    struct route_match match;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(found); i++) {
        assert_int_equal(route_find(text_of(found[i].method), text_of(found[i].path), &match), ROUTE_FOUND);
        assert_ptr_equal(match.handle, found[i].handle);
        assert_true(text_is(match.base, found[i].base));
        assert_true(text_equal(match.id, text_of(found[i].id)));
    }
}

static void other_methods_are_told_which_ones_there_are(void **state)
{
    static const struct {
        const char *method, *path, *allow;
    } refused[] = {
        { "GET", "/api/v1/orders/create", "POST" },
        { "HEAD", "/api/v1/orders/create", "POST" },
        { "DELETE", "/api/v1/orders", "POST, GET, HEAD" },
        { "PUT", "/api/v1/orders/abc", "GET, HEAD" },
        { "GET", "/api/external/v1/orders/abc/cancel", "POST" },
        { "post", "/api/v1/orders", "POST, GET, HEAD" },
        { "OPTIONS", "/api/utility/liveness", "GET, HEAD" },
    };
    struct route_match match;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        assert_int_equal(route_find(text_of(refused[i].method), text_of(refused[i].path), &match), ROUTE_NOT_ALLOWED);
        assert_string_equal(match.allow, refused[i].allow);
    }
}

static void paths_that_only_look_alike_are_unknown(void **state)
{
    static const char *const paths[] = {
        "",
        "/",
        "/orders",
        "/api/v1",
        "/api/v1/",
        "/api/v1orders",
        "/api/v2/orders",
        "/api/v1/orders/",
        "/api/v1/Orders",
        "/api/v1/orders/abc/",
        "/api/v1/orders/abc/cancel/",
        "/api/v1/orders//cancel",
        "/api/v1/orders/abc/def/cancel",
        "/api/v1/liveness",
        "/api/utility/orders",
    };
    struct route_match match;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_int_equal(route_find(TEXT("GET"), text_of(paths[i]), &match), ROUTE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_has_its_handler_under_both_prefixes),
        cmocka_unit_test(other_methods_are_told_which_ones_there_are),
        cmocka_unit_test(paths_that_only_look_alike_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
