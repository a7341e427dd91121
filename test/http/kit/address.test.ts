import { describe, expect, test } from "vitest";
import { isLocalHost, sourceOf } from "../../../src/http/kit/address.ts";
import { fc } from "../../support/random.ts";

describe("whom a bound counts as one source", () => {
  test.each([
    ["198.51.100.7", "198.51.100.7", "198.51.100.7"],
    [" 198.51.100.7 ", "198.51.100.7", "198.51.100.7"],
    ["::ffff:198.51.100.7", "198.51.100.7", "198.51.100.7"],
    ["::FFFF:c633:6407", "198.51.100.7", "198.51.100.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"],
    ["2001:0DB8:0001:0002::9", "2001:db8:1:2::/64", "2001:db8:1::/48"],
    ["2001:db8::", "2001:db8:0:0::/64", "2001:db8:0::/48"],
    ["::1", "0:0:0:0::/64", "0:0:0::/48"],
    ["64:ff9b::198.51.100.7", "64:ff9b:0:0::/64", "64:ff9b:0::/48"],
  ])("[S39] %s", (ip, address, network) => {
    expect(sourceOf(ip)).toEqual({ address, network });
  });

  test.each([
    null,
    "",
    "unknown",
    "198.51.100",
    "198.51.100.256",
    "198.51.100.07",
    "198.51.100.7::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "1:2:3:4:5:6:7::8",
    "12345::",
    "fe80::1%eth0",
  ])("[S39] %j is nobody in particular", (ip) => {
    expect(sourceOf(ip)).toEqual({ address: "unknown", network: "unknown" });
  });

  test("[S39] every spelling of an IPv6 address is the same source, and so is its whole /64", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }), (groups) => {
        const plain = groups.map((group) => group.toString(16)).join(":");
        const padded = groups.map((group) => group.toString(16).padStart(4, "0").toUpperCase()).join(":");
        const neighbour = [...groups.slice(0, 4), 1, 2, 3, 4].map((group) => group.toString(16)).join(":");
        fc.pre(!(groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff));
        expect(sourceOf(padded)).toEqual(sourceOf(plain));
        expect(sourceOf(neighbour)).toEqual(sourceOf(plain));
      }),
    );
  });

  test("[S39] whatever is called an address gives a source", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (ip) => sourceOf(ip).address.length > 0));
  });
});

describe("which hosts only a local network reaches", () => {
  test.each([
    ["10.0.0.1", true],
    ["10.255.255.255", true],
    ["11.0.0.0", false],
    ["172.15.255.255", false],
    ["172.16.0.1", true],
    ["172.31.255.255", true],
    ["172.32.0.0", false],
    ["192.168.7.7", true],
    ["192.167.255.255", false],
    ["169.254.1.1", true],
    ["127.0.0.1", true],
    ["100.64.0.1", true],
    ["100.128.0.0", false],
    ["192.0.2.2", true],
    ["8.8.8.8", false],
    ["", false],
    ["octopi.local", false],
    ["10.0.0.1:5000", false],
    ["fe80::1", false],
  ])("[S50] %s: %s", (host, local) => {
    expect(isLocalHost(host)).toBe(local);
  });
});
