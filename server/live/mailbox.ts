/**
 * Events for one subscriber, the latest of each key. A slow reader costs at most `capacity` entries: what is newer about the same thing
 * replaces what it did not read yet, and past the capacity the oldest goes.
 */
export class Mailbox<T> {
  readonly #waiting = new Map<string, T>();
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(private readonly capacity: number) {}

  put(key: string, value: T): void {
    this.#waiting.delete(key);
    this.#waiting.set(key, value);
    if (this.#waiting.size > this.capacity) {
      const [oldest] = this.#waiting.keys();
      if (oldest !== undefined) this.#waiting.delete(oldest);
    }
    this.#wake?.();
  }

  /** Ends {@link read} after what is already here. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Yields events in the order they came until closed. One reader at a time. */
  async *read(): AsyncGenerator<T, void> {
    for (;;) {
      for (const [key, value] of this.#waiting) {
        this.#waiting.delete(key);
        yield value;
      }
      if (this.#closed) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (this.#waiting.size > 0 || this.#closed) resolve();
      });
      this.#wake = undefined;
    }
  }
}
