/** An agent without a token: polls, passcode, messages and the call that links, of both dialects ([V4] to [V7]). */
import type { Dialect } from "../../../scripts/virtual/agent.ts";
import { PYTHON_REQUESTS } from "../../../scripts/virtual/http.ts";
import { isJsonObject, type JsonObject, readObject } from "../../../scripts/virtual/json.ts";
import { hexadecimal, type Random } from "../../../scripts/virtual/random.ts";
import type { HttpAnswer, Transport } from "../../../scripts/virtual/transport.ts";

/** Where a person's browser finds the agent on the local network. */
const LOCAL_HOST = "192.168.1.23";

const ABOUT = {
  moonraker: {
    ...{ port: 46793, os: "", agent: "moonraker_obico", plugin_version: "2.1.4" },
    ...{ printerprofile: "Unknown", machine_type: "Klipper" },
  },
  octoprint: {
    ...{ port: 5000, os: "linux", agent: "Obico for OctoPrint", plugin_version: "2.6.1", octopi_version: "" },
    ...{ printerprofile: "", machine_type: "" },
  },
} as const satisfies Record<Dialect, JsonObject>;

export class UnlinkedAgent {
  /** New on every start, as are the secret and all that follows from them. */
  readonly deviceId: string;
  readonly secret: string;
  /** What the printer shows; empty before the first poll, and always with OctoPrint. */
  passcode = "";
  passlink = "";
  /** From a link that worked. */
  token: string | null = null;
  /** Discovery is over, for good until a restart. */
  hasEnded = false;
  readonly #dialect: Dialect;
  readonly #transport: Transport;

  constructor({ dialect, transport, random }: { dialect: Dialect; transport: Transport; random: Random }) {
    this.deviceId = hexadecimal(random, 32);
    this.secret = hexadecimal(random, 64);
    this.#dialect = dialect;
    this.#transport = transport;
  }

  /** One poll: Moonraker's come every 2 s, OctoPrint's every 5 s. */
  async poll(): Promise<void> {
    if (this.hasEnded) return;
    const headers = { ...PYTHON_REQUESTS, "Content-Type": "application/json" };
    const body = new TextEncoder().encode(JSON.stringify(this.#about()));
    const answer = await this.#transport.request({ method: "POST", url: "/api/v1/octo/unlinked/", headers, body });
    const isRefused = answer !== null && answer.status >= 400 && answer.status < 500;
    if (isRefused && this.#dialect === "octoprint") this.hasEnded = true;
    const told = answer !== null && answer.status < 400 ? readObject(textOf(answer)) : null;
    if (told === null) return;
    await (this.#dialect === "moonraker" ? this.#hearMoonraker(told) : this.#hearOctoprint(told));
  }

  /** Whether the code linked; neither agent tries again by itself. */
  async verify(code: string): Promise<boolean> {
    const written = this.#dialect === "moonraker" ? encodeURIComponent(code.replace(/\s/g, "")) : code;
    const url = `/api/v1/octo/verify/?code=${written}`;
    const headers = { ...PYTHON_REQUESTS, "Content-Length": "0" };
    const answer = await this.#transport.request({ method: "POST", url, headers, body: null });
    const printer = answer !== null && answer.status < 400 ? readObject(textOf(answer))?.printer : null;
    this.token = isJsonObject(printer) && typeof printer.auth_token === "string" ? printer.auth_token : null;
    return this.token !== null;
  }

  #about(): JsonObject {
    const common = {
      device_id: this.deviceId,
      hostname: "bench",
      host_or_ip: LOCAL_HOST,
      arch: "x86_64",
      rpi_model: "",
    };
    const about = { ...common, ...ABOUT[this.#dialect] };
    return this.#dialect === "moonraker" ? { ...about, one_time_passcode: this.passcode } : about;
  }

  async #hearMoonraker(told: JsonObject): Promise<void> {
    if ("one_time_passcode" in told && "verification_code" in told) {
      if (!("one_time_passlink" in told)) return this.#end();
      this.passcode = String(told.one_time_passcode);
      this.passlink = String(told.one_time_passlink);
      if (told.verification_code !== "") return this.#linkAndEnd(String(told.verification_code));
    }
    const messages = Array.isArray(told.messages) ? told.messages : [];
    if (messages.length !== 1) return;
    const code = this.#codeOf(messages[0]);
    await (code === null ? this.#end() : this.#linkAndEnd(code));
  }

  async #hearOctoprint(told: JsonObject): Promise<void> {
    if (!Array.isArray(told.messages)) return this.#end();
    for (const message of told.messages) {
      if (!isJsonObject(message) || message.type !== "verify_code") continue;
      const code = this.#codeOf(message);
      await (code === null ? this.#end() : this.#linkAndEnd(code));
    }
  }

  /** Null unless the message is for this very agent, from somebody who knows its secret. */
  #codeOf(message: unknown): string | null {
    if (!isJsonObject(message) || message.type !== "verify_code" || !isJsonObject(message.data)) return null;
    const isMeant = message.device_id === this.deviceId && message.data.secret === this.secret;
    return isMeant && typeof message.data.code === "string" ? message.data.code : null;
  }

  #end(): void {
    this.hasEnded = true;
  }

  async #linkAndEnd(code: string): Promise<void> {
    this.#end();
    await this.verify(code);
  }
}

function textOf(answer: HttpAnswer): string {
  return new TextDecoder().decode(answer.body);
}
