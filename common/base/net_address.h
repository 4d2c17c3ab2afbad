/* net_address.h - whether an address of the internet protocols is one that strangers may name. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/* Whether ADDRESS lies in the public internet: false for what IANA's special-purpose registries (RFC 6890) keep for
 * loopback, private networks, link-local, documentation, tunnels and the like, for multicast, and for anything but IPv4 and
 * IPv6. An IPv4 address inside an IPv6 one never passes. Pure. */
bool net_address_is_public(const struct sockaddr *address);
