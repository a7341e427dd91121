/** One of the keys that sign agent tokens. */
export interface AgentKey {
  /** 1 to 4 characters of `[0-9a-z]`. */
  readonly id: string;
  /** At least 32 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
}
