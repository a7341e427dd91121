/** What an agent without a token says of itself. What is no good is left out, because a poll is never refused ([S47]). */
import * as z from "zod";
import { isLocalHost } from "../kit/address.ts";

const MAX_TEXT_CHARS = 253;
const MAX_META_KEYS = 20;

const text = z.string().max(MAX_TEXT_CHARS);
/** Left out when it is not what agents send. */
const optionalText = text.optional().catch(undefined);
const passcodeText = text.catch("");

export const AgentInfoJson = z
  .object({
    device_id: z.string().regex(/^[\w-]{1,64}$/),
    hostname: optionalText,
    host_or_ip: optionalText,
    port: z.int().min(1).max(65_535).optional().catch(undefined),
    os: optionalText,
    arch: optionalText,
    rpi_model: optionalText,
    octopi_version: optionalText,
    plugin_version: optionalText,
    agent: optionalText,
    printerprofile: optionalText,
    machine_type: optionalText,
    meta: z
      .record(text, text)
      .refine((meta) => Object.keys(meta).length <= MAX_META_KEYS)
      .optional()
      .catch(undefined),
  })
  .meta({ id: "UnlinkedAgent" });

export type AgentInfo = z.infer<typeof AgentInfoJson>;

export interface PollBody {
  readonly deviceId: string;
  /** JSON text of an `AgentInfo`, without the passcode; null: its local address is none that a person's browser reaches. */
  readonly info: string | null;
  /** Empty: it holds none yet; null: it knows no passcodes. */
  readonly passcode: string | null;
}

/** Null when the body does not even name its device. */
export function readPoll(body: unknown): PollBody | null {
  const parsed = AgentInfoJson.safeParse(body);
  if (!parsed.success || typeof body !== "object" || body === null) return null;
  const info = parsed.data;
  return {
    deviceId: info.device_id,
    info: isLocalHost(info.host_or_ip ?? "") ? JSON.stringify(info) : null,
    passcode: "one_time_passcode" in body ? passcodeText.parse(body.one_time_passcode) : null,
  };
}
