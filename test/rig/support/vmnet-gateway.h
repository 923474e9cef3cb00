/*
 * What a guest finds on a vmnet interface, for the stand-ins of vmnet-helper and socket_vmnet: a gateway that answers
 * ARP and ping, and deals addresses by DHCP. 192.168.105.0/24 as socket_vmnet has it, unless another start is set.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX_FRAME 65562
#define MAX_LEASES 32

static const uint8_t gateway_mac[6] = { 0x0a, 0, 0, 0, 0, 0x64 };
static uint8_t gateway_ip[4] = { 192, 168, 105, 1 };
static uint8_t leases[MAX_LEASES][6];

static uint16_t sum(const uint8_t *data, size_t length) {
    uint32_t total = 0;
    for (size_t i = 0; i + 1 < length; i += 2) total += data[i] << 8 | data[i + 1];
    if (length & 1) total += data[length - 1] << 8;
    while (total >> 16) total = (total & 0xffff) + (total >> 16);
    return ~total;
}

static void put16(uint8_t *at, uint16_t value) { at[0] = value >> 8; at[1] = value; }

/* The address of a machine: the next one of the subnet, the same again for the same MAC. */
static void lease(const uint8_t *mac, uint8_t *ip) {
    static const uint8_t none[6];
    int i = 0;
    while (i < MAX_LEASES - 1 && memcmp(leases[i], mac, 6) && memcmp(leases[i], none, 6)) i++;
    memcpy(leases[i], mac, 6);
    memcpy(ip, gateway_ip, 4);
    ip[3] += 1 + i;
}

static void ip_header(uint8_t *ip, const uint8_t *to, uint8_t protocol, size_t length) {
    static const uint8_t start[] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64 };
    memcpy(ip, start, sizeof start);
    put16(ip + 2, length);
    ip[9] = protocol;
    put16(ip + 10, 0);
    memcpy(ip + 12, gateway_ip, 4);
    memcpy(ip + 16, to, 4);
    put16(ip + 10, sum(ip, 20));
}

static size_t answer_arp(const uint8_t *in, uint8_t *out) {
    if (in[21] != 1 || memcmp(in + 38, gateway_ip, 4)) return 0;
    memcpy(out, in, 42);
    out[21] = 2;
    memcpy(out + 22, gateway_mac, 6);
    memcpy(out + 28, gateway_ip, 4);
    memcpy(out + 32, in + 22, 10);
    return 42;
}

static size_t answer_ping(const uint8_t *in, size_t size, uint8_t *out) {
    if (in[34] != 8 || memcmp(in + 30, gateway_ip, 4)) return 0;
    size_t length = (size_t)(in[16] << 8 | in[17]);
    if (length + 14 > size || length < 28) return 0;
    memcpy(out, in, 14 + length);
    ip_header(out + 14, in + 26, 1, length);
    out[34] = 0;
    put16(out + 36, 0);
    put16(out + 36, sum(out + 34, length - 20));
    return 14 + length;
}

static uint8_t dhcp_kind(const uint8_t *options, size_t length) {
    for (size_t i = 0; i + 2 < length && options[i] != 255; i += options[i] ? 2 + options[i + 1] : 1)
        if (options[i] == 53) return options[i + 2];
    return 0;
}

static size_t answer_dhcp(const uint8_t *in, size_t size, uint8_t *out) {
    if (size < 282 || (in[36] << 8 | in[37]) != 67) return 0;
    uint8_t kind = dhcp_kind(in + 282, size - 282), *udp = out + 34, *dhcp = out + 42, *option = dhcp + 240;
    if (kind != 1 && kind != 3) return 0;
    static const uint8_t everybody[4] = { 255, 255, 255, 255 };
    memset(out, 0, 14 + 20 + 8 + 240);
    memcpy(dhcp, in + 42, 44);
    dhcp[0] = 2;
    lease(in + 70, dhcp + 16);
    memcpy(dhcp + 20, gateway_ip, 4);
    memcpy(dhcp + 236, "\x63\x82\x53\x63", 4);
    const uint8_t known[] = { 53, 1, kind == 1 ? 2 : 5, 51, 4, 0, 1, 0x51, 0x80, 1, 4, 255, 255, 255, 0 };
    memcpy(option, known, sizeof known);
    option += sizeof known;
    static const uint8_t about_gateway[] = { 54, 3, 6 };
    for (size_t i = 0; i < sizeof about_gateway; i++, option += 6) {
        option[0] = about_gateway[i];
        option[1] = 4;
        memcpy(option + 2, gateway_ip, 4);
    }
    *option++ = 255;
    size_t length = option - udp;
    put16(udp, 67);
    put16(udp + 2, 68);
    put16(udp + 4, length);
    put16(out + 12, 0x0800);
    ip_header(out + 14, everybody, 17, 20 + length);
    memset(out, 0xff, 6);
    return 34 + length;
}

/* The frame that answers another one; 0 where the gateway has nothing to say. */
static size_t gateway_answer(const uint8_t *in, size_t size, uint8_t *out) {
    size_t length = 0;
    if (size < 42) return 0;
    uint16_t type = in[12] << 8 | in[13];
    bool to_all = in[0] & 1;
    if (type == 0x0806) length = answer_arp(in, out);
    else if (type == 0x0800 && in[23] == 1) length = answer_ping(in, size, out);
    else if (type == 0x0800 && in[23] == 17) length = answer_dhcp(in, size, out);
    if (length == 0) return 0;
    if (type != 0x0800 || in[23] != 17 || !to_all) memcpy(out, in + 6, 6);
    memcpy(out + 6, gateway_mac, 6);
    return length;
}
