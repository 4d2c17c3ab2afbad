/* net_address_test.c - public and special addresses, at the edges of their blocks. */
#include "base/cleanup.h"
#include "base/net_address.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_public(const char *text)
{
    struct sockaddr_storage storage = { 0 };
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;

    storage.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
    assert_int_equal(
        inet_pton(storage.ss_family, text, storage.ss_family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr),
        1);
    return net_address_is_public((struct sockaddr *)&storage);
}

static void addresses_of_the_internet_are_public(void **state)
{
    static const char *const addresses[] = {
        "1.0.0.0",         "9.255.255.255",  "11.0.0.0",        "100.63.255.255",  "100.128.0.0",
        "126.255.255.255", "128.0.0.0",      "172.15.255.255",  "172.32.0.0",      "192.167.255.255",
        "192.169.0.0",     "198.17.255.255", "198.20.0.0",      "223.255.255.255", "8.8.8.8",
        "169.253.255.255", "2001:200::1",    "2606:4700::1111", "2a00:1450::1",    "2003::1",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
        if (!is_public(addresses[i]))
            fail_msg("%s is taken for special", addresses[i]);
}

static void special_addresses_are_not(void **state)
{
    static const char *const addresses[] = {
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:8.8.8.8",
        "::8.8.8.8",
        "64:ff9b::8.8.8.8",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "4000::1",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
        if (is_public(addresses[i]))
            fail_msg("%s is taken for public", addresses[i]);
}

static void other_families_are_not(void **state)
{
    (void)state;
    assert_false(net_address_is_public(&(struct sockaddr){ .sa_family = AF_UNIX }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_the_internet_are_public),
        cmocka_unit_test(special_addresses_are_not),
        cmocka_unit_test(other_families_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
