/** Internet addresses: the texts by which callers are counted, and the hosts that only a local network can reach. */
import type { Source } from "../../domain/linking.ts";
import type { HttpContext } from "./context.ts";

/** All callers without a known address: there is no edge in front of the Worker. */
const UNKNOWN = "unknown";

/** IPv4 ranges that the public Internet does not route: base address and prefix length. */
const LOCAL_RANGES = [
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
] as const;

const DECIMAL_OCTET = /^(0|[1-9]\d{0,2})$/;
const IPV6_CHARACTERS = /^[0-9a-f:.]+$/;

/** The edge sets the header itself, whatever the caller sent. */
export function readSource(c: HttpContext): Source {
  return sourceOf(c.req.header("CF-Connecting-IP") ?? null);
}

/** `ip` as the edge writes it; null, or anything that is no address, is one source for all. */
export function sourceOf(ip: string | null): Source {
  const text = (ip ?? "").trim().toLowerCase();
  if (parseIpv4(text) !== null) return { address: text, network: text };
  const groups = parseIpv6(text);
  if (groups === null) return { address: UNKNOWN, network: UNKNOWN };
  const mapped = mappedIpv4(groups);
  if (mapped !== null) return { address: mapped, network: mapped };
  const hex = groups.map((group) => group.toString(16));
  return { address: `${hex.slice(0, 4).join(":")}::/64`, network: `${hex.slice(0, 3).join(":")}::/48` };
}

/** False for callers without a known address: they have nothing in common. */
export function isKnownSource({ address }: Source): boolean {
  return address !== UNKNOWN;
}

/** Whether `host` is an IPv4 address of a local network; names and IPv6 are not. */
export function isLocalHost(host: string): boolean {
  const value = parseIpv4(host);
  if (value === null) return false;
  return LOCAL_RANGES.some(([base, bits]) => {
    const size = 2 ** (32 - bits);
    return Math.floor(value / size) === Math.floor((parseIpv4(base) ?? 0) / size);
  });
}

function parseIpv4(text: string): number | null {
  const octets = text.split(".");
  if (octets.length !== 4 || !octets.every((octet) => DECIMAL_OCTET.test(octet) && Number(octet) <= 255)) return null;
  return octets.reduce((value, octet) => value * 256 + Number(octet), 0);
}

/** Eight groups of 16 bits. A URL's parser reads every spelling of an address, and writes the shortest. */
function parseIpv6(text: string): number[] | null {
  const host = IPV6_CHARACTERS.test(text) ? URL.parse(`http://[${text}]`)?.hostname : undefined;
  if (host === undefined) return null;
  const [head = [], tail = []] = host.slice(1, -1).split("::").map(groupsOf);
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function groupsOf(side: string): number[] {
  return side === "" ? [] : side.split(":").map((group) => Number.parseInt(group, 16));
}

/** The IPv4 address inside `::ffff:a.b.c.d`. */
function mappedIpv4(groups: readonly number[]): string | null {
  if (groups.slice(0, 5).some((group) => group !== 0) || groups[5] !== 0xffff) return null;
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 255])
    .join(".");
}
