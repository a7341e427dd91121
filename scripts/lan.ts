/** This machine as others on its network see it. */
import { networkInterfaces } from "node:os";

/** The address in the place of the URL's host; null where this machine is on no network. */
export function lanUrl(url: string): string | null {
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const address = addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
  return address === undefined ? null : url.replace(/^(https?:\/\/)(\[[^\]]*\]|[^/:]+)/, `$1${address}`);
}
