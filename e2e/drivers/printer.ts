const STEP_MS = 10_000;

/** Collects a program's lines the way programs in other languages print them: "step | what", and at the end how many there were. */
export class Printer {
  readonly #lines: string[] = [];
  #step = '?';

  say(...what: unknown[]): void {
    this.#lines.push(`${this.#step} | ${what.join(' ').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}`);
  }

  /** Runs one step; an error that it does not expect becomes a line that begins with `!`. */
  async step(name: string, work: () => Promise<void>): Promise<void> {
    this.#step = name;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done within ${STEP_MS / 1000} s`)), STEP_MS);
    });
    try {
      await Promise.race([work(), late]);
    } catch (error) {
      this.say('!', error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(timer);
    }
  }

  end(): string[] {
    return [...this.#lines, `end | ${this.#lines.length}`];
  }
}
