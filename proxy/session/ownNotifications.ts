/** How many of a session's own words are remembered; of more the oldest are withheld as others' are. */
const KEPT = 1_000;

/** What a session has notified itself, so that it hears its own words again: they cannot hold what it does not know. */
export class OwnNotifications {
  readonly #processId: number | null;
  readonly #said = new Set<string>();

  /** @param processId of the session's backend, which the server names as the sender; null when it named none */
  constructor(processId: number | null) {
    this.#processId = processId;
  }

  say(channel: string, payload: string): void {
    const [oldest] = this.#said;
    if (oldest !== undefined && this.#said.size >= KEPT) this.#said.delete(oldest);
    this.#said.add(JSON.stringify([channel, payload]));
  }

  has(processId: number, channel: string, payload: string): boolean {
    return processId === this.#processId && this.#said.has(JSON.stringify([channel, payload]));
  }
}
