/** What an agent needs of a network; the scripts give it a real one, tests one inside the Workers runtime. */

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PATCH";
  /** A path below the server's base URL, or an absolute URL. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

export interface SocketEvents {
  onText(text: string): void;
  onClose(code: number): void;
}

export interface AgentSocket {
  /** Throws when the socket is known to be closed. */
  send(text: string): void;
  /** Ends it at once. */
  close(): void;
}

export interface Transport {
  /** Null: no answer. */
  request(request: HttpRequest): Promise<HttpAnswer | null>;
  /** Upgrades `/ws/dev/`; null when the handshake failed, for whatever reason. */
  dial(headers: Readonly<Record<string, string>>, events: SocketEvents): Promise<AgentSocket | null>;
}
