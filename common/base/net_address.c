#include "base/net_address.h"
#include "base/cleanup.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

struct block {
    uint32_t address;
    int bits;
};

#define V4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static const struct block special_v4[] = {
    { V4(0, 0, 0, 0), 8 },       /* this network */
    { V4(10, 0, 0, 0), 8 },      /* private */
    { V4(100, 64, 0, 0), 10 },   /* shared by carriers */
    { V4(127, 0, 0, 0), 8 },     /* loopback */
    { V4(169, 254, 0, 0), 16 },  /* link-local, where clouds keep their metadata */
    { V4(172, 16, 0, 0), 12 },   /* private */
    { V4(192, 0, 0, 0), 24 },    /* protocol assignments */
    { V4(192, 0, 2, 0), 24 },    /* documentation */
    { V4(192, 88, 99, 0), 24 },  /* relays of 6to4 */
    { V4(192, 168, 0, 0), 16 },  /* private */
    { V4(198, 18, 0, 0), 15 },   /* benchmarks */
    { V4(198, 51, 100, 0), 24 }, /* documentation */
    { V4(203, 0, 113, 0), 24 },  /* documentation */
    { V4(224, 0, 0, 0), 3 },     /* multicast, reserved, broadcast */
};

/* Within 2000::/3, the only space of public addresses; by their first 32 bits. */
static const struct block special_v6[] = {
    { 0x20010000, 23 }, /* protocol assignments, Teredo among them */
    { 0x20010DB8, 32 }, /* documentation */
    { 0x20020000, 16 }, /* 6to4: an IPv4 address inside */
    { 0x3FFF0000, 20 }, /* documentation */
};

static bool lies_in(uint32_t address, struct block block)
{
    return (address ^ block.address) >> (32 - block.bits) == 0;
}

static bool is_special(uint32_t address, const struct block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (lies_in(address, blocks[i]))
            return true;
    return false;
}

bool net_address_is_public(const struct sockaddr *address)
{
    uint32_t first;

    if (address->sa_family == AF_INET) {
        memcpy(&first, &((const struct sockaddr_in *)(const void *)address)->sin_addr, sizeof first);
        return !is_special(ntohl(first), special_v4, ARRAY_LEN(special_v4));
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(&first, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, sizeof first);
    first = ntohl(first);
    return lies_in(first, (struct block){ 0x20000000, 3 }) && !is_special(first, special_v6, ARRAY_LEN(special_v6));
}
