/** A message that no client may send, as the server reads it: the gateway must not have forwarded it. */
export class Malformed extends Error {
  override name = 'Malformed';
}

/** What the model server understands of one frontend message: PostgreSQL's own reading (chapter 54.7), written apart from the gateway's. */
export type Received =
  | { type: 'Q'; sql: string }
  | { type: 'P'; name: string; sql: string; types: number[] }
  | { type: 'B'; portal: string; statement: string; formats: number; parameters: number; resultFormats: number }
  | { type: 'D' | 'C'; target: 'S' | 'P'; name: string }
  | { type: 'E'; portal: string; maxRows: number }
  | { type: 'F' | 'H' | 'S' | 'X' | 'c' | 'f' }
  | { type: 'd'; bytes: Buffer };

/** Reads one whole message. @throws Malformed */
export function receive(message: Buffer): Received {
  const body = new Body(message.subarray(5));
  const received = read(String.fromCharCode(message[0] ?? 0), body);
  body.end();
  return received;
}

function read(type: string, body: Body): Received {
  switch (type) {
    case 'Q':
      return { type, sql: body.text() };
    case 'P': {
      const name = body.text();
      const sql = body.text();
      return { type, name, sql, types: body.many(() => body.number(4)) };
    }
    case 'B': {
      const portal = body.text();
      const statement = body.text();
      const formats = body.many(() => body.format()).length;
      const parameters = body.many(() => body.value()).length;
      return { type, portal, statement, formats, parameters, resultFormats: body.many(() => body.format()).length };
    }
    case 'D':
    case 'C': {
      const target = String.fromCharCode(body.number(1));
      if (target !== 'S' && target !== 'P') throw new Malformed(`${type} of a target ${JSON.stringify(target)}`);
      return { type, target, name: body.text() };
    }
    case 'E': {
      const portal = body.text();
      return { type, portal, maxRows: body.number(4) | 0 };
    }
    case 'F':
      body.number(4);
      body.many(() => body.format());
      body.many(() => body.value());
      body.format();
      return { type };
    case 'd':
      return { type, bytes: body.rest() };
    case 'f':
      body.text();
      return { type };
    case 'H':
    case 'S':
    case 'X':
    case 'c':
      return { type };
    default:
      throw new Malformed(`type ${JSON.stringify(type)}`);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Body {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(size: number): number {
    if (this.#at + size > this.#bytes.length) throw new Malformed('it ends inside a number');
    this.#at += size;
    return this.#bytes.readUIntBE(this.#at - size, size);
  }

  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw new Malformed('a text without an end');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    try {
      return utf8.decode(bytes);
    } catch {
      throw new Malformed('a text that is not UTF-8');
    }
  }

  many<T>(one: () => T): T[] {
    return Array.from({ length: this.number(2) }, one);
  }

  format(): void {
    const code = this.number(2);
    if (code > 1) throw new Malformed(`format code ${code}`);
  }

  value(): void {
    const size = this.number(4) | 0;
    if (size < -1 || this.#at + size > this.#bytes.length) throw new Malformed(`a value of ${size} bytes`);
    this.#at += Math.max(0, size);
  }

  rest(): Buffer {
    const bytes = this.#bytes.subarray(this.#at);
    this.#at = this.#bytes.length;
    return bytes;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new Malformed('it is longer than its fields');
  }
}
