import type { HoldOutcome } from '../approvals/desk';
import type { JournalEntry } from '../journal/entries';
import { SESSION_SETTINGS_SQL } from '../preview/heldState';
import { Session, type SessionServices } from '../session/session';
import { decodeFields } from '../wire/backend';
import { MemorySocket } from './memorySocket';
import { ModelServer, type ModelStatement } from './modelServer';
import { MESSAGE_BYTES, STATEMENT_BYTES } from './refusals';
import { decisionOf, judgeWords, SECRET, VIEW } from './words';

/** What a client sends, in order; null is a cancel beside it. */
export type Sent = readonly (Buffer | null)[];

/** Small numbers from a seed: which of all that could happen next happens. */
export function dice(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const MAX_STEPS = 100_000;

/**
 * One client, one session and the model server, in an order of events that the seed chooses. The client half-closes when nothing moves
 * any more. Returns what the client got. @throws when the session crashes, hangs, lets something through that may not pass, or sends what is no message
 */
export async function runSession(sent: Sent, seed: number): Promise<string[]> {
  const choose = dice(seed);
  const client = new MemorySocket({ allowHalfOpen: true });
  const upstream = new MemorySocket({ allowHalfOpen: false });
  const world = new World();
  const server = new ModelServer(null, world);
  const session = new Session({
    facts: {
      id: 'ses_1',
      principal: { id: 'prn_1', name: 'bot', kind: 'agent', role: 'member', email: null, owner: null, groups: [] },
      connectionName: 'shop',
      clientAddress: '127.0.0.1:1',
      applicationName: 'fuzz',
    },
    services: world.services(() => void session.cancel()),
    client: client.socket,
    upstream: { socket: upstream.socket, parameters: new Map(), cancelKey: null },
    requesterReason: null,
    onHold: 'wait',
    searchPathKnown: true,
  });
  session.start(Buffer.alloc(0));

  let next = 0;
  let hungUp = false;
  const received: Buffer[] = [];
  // How eagerly the client writes: all at once, or only when nothing else moves.
  const patience = choose(3);
  const pieceBytes = [1_000_000, 64, 9][choose(3)] ?? 64;
  const size = () => 1 + choose(pieceBytes);

  const write = () => {
    const message = sent[next++];
    // One that would hit what is not held hits whatever happens to wait then, here as with a server.
    if (message == null) void (world.waiting.length > 0 ? session.cancel() : null);
    else client.send(message);
  };
  const serve = () => {
    const got = upstream.take();
    server.push(got);
    upstream.drain();
    const answer = server.take();
    if (answer.length > 0) upstream.send(answer);
    if (server.closed) upstream.sendEnd();
  };
  const read = () => {
    received.push(client.take());
    client.drain();
  };
  const events: [() => boolean, () => void][] = [
    [() => next < sent.length && patience !== 0 && choose(patience) === 0, write],
    [() => client.canDeliver, () => client.deliver(size())],
    [() => upstream.canDeliver, () => upstream.deliver(size())],
    [() => upstream.hasOutput, serve],
    [() => client.hasOutput, read],
    [() => world.waiting.length > 0, () => world.decide()],
  ];

  for (let step = 0, still = 0; ; step++) {
    if (step > MAX_STEPS) throw new Error('the session does not come to rest');
    const possible = events.filter(([may]) => may());
    const [, happen] = possible[choose(Math.max(1, possible.length))] ?? [];
    if (happen !== undefined) {
      still = 0;
      happen();
      if (choose(4) === 0) await turn();
      continue;
    }
    await turn();
    if (++still < 4) continue;
    still = 0;
    if (next < sent.length) write();
    else if (!hungUp) {
      hungUp = true;
      client.sendEnd();
    } else break;
  }
  world.check();
  if (!session.closed) throw new Error('the client is gone and the session is not');
  return wordsOf(Buffer.concat(received), true);
}

/** What surrounds the session, and what must hold there. */
class World {
  readonly waiting: (() => void)[] = [];
  readonly #problems: string[] = [];
  /** Runs that are in the journal, by text, less those that have run. */
  readonly #recorded = new Map<string, number>();
  readonly #held = new Map<string, string>();
  /** Recorded and not written yet: it does not count. */
  readonly #gathered: JournalEntry[] = [];
  readonly #approved = new Map<string, number>();

  services(cancel: () => void): SessionServices {
    let requests = 0;
    let errors = 0;
    return {
      view: () => VIEW,
      mayBeMasked: () => true,
      detecting: () => [],
      onRead: () => undefined,
      refreshCatalog: async () => undefined,
      judge: (text) => judgeWords(text),
      record: (entry) => void this.#gathered.push(entry),
      whenRecorded: (done) =>
        setImmediate(() => {
          for (const entry of this.#gathered.splice(0)) this.#record(entry);
          done(null);
        }),
      hold: async (request) => {
        let settle: (outcome: HoldOutcome) => void = () => undefined;
        const outcome = new Promise<HoldOutcome>((resolve) => {
          settle = resolve;
        });
        this.waiting.push(() => {
          const decision = decisionOf(request.sql);
          if (decision === 'withdraw') return cancel();
          if (decision === 'reject') return settle({ kind: 'rejected', reviewers: [], reviewer: 'ada', reason: 'no' });
          add(this.#approved, request.sql, 1);
          settle({ kind: 'approved', reviewers: [] });
        });
        return {
          requestId: `req_${++requests}`,
          expiresAt: request.expiresAt,
          outcome,
          withdraw: () => settle({ kind: 'withdrawn', reviewers: [] }),
        };
      },
      granted: async () => null,
      breakGlass: async () => undefined,
      claim: async ({ expiresAt }) => ({ kind: 'pending', requestId: `req_${++requests}`, reviewers: [], expiresAt }),
      cancelUpstream: async () => undefined,
      requestLink: (id) => `http://console/approvals/${id}`,
      hashKey: Buffer.alloc(32),
      limits: () => ({
        statementBytes: STATEMENT_BYTES,
        messageBytes: MESSAGE_BYTES,
        idleMs: null,
        idleInTransactionMs: null,
        statementMs: null,
      }),
      usage: () => null,
      onClosed: () => undefined,
      logError: (_, error) => this.#problems.push(`logged: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
      newErrorId: () => `err_${++errors}`,
    };
  }

  decide(): void {
    this.waiting.shift()?.();
  }

  check(): void {
    if (this.#problems.length > 0) throw new Error(this.#problems.join('\n'));
  }

  #record(entry: JournalEntry): void {
    if (entry.type === 'statement') {
      if (entry.status === 'running') add(this.#recorded, entry.sql, 1);
      if (entry.status === 'held') this.#held.set(entry.id, entry.sql);
    } else if (entry.type === 'outcome' && entry.status === 'running') {
      const sql = this.#held.get(entry.id);
      if (sql === undefined) this.#problems.push(`${entry.id} was released and never held`);
      else add(this.#recorded, sql, 1);
    }
  }

  bound(statement: ModelStatement): void {
    this.#mayReachServer(statement.told);
  }

  executing(told: string): void {
    // What PREPARE made is run now, whatever stood before it.
    this.#mayReachServer(told.replace(/^prepare \w+ as /, ''));
  }

  running(told: string): void {
    // The gateway's own question, word for word, is no statement of the client's.
    if (told === SESSION_SETTINGS_SQL) return;
    this.#mayReachServer(told);
    const left = this.#recorded.get(told) ?? 0;
    if (left === 0) this.#problems.push(`${JSON.stringify(told)} runs and is not in the journal`);
    add(this.#recorded, told, -1);
  }

  /** PREPARE of a held text only prepares. */
  #mayReachServer(text: string): void {
    if (text.includes('deny') || text.includes('NEWER')) this.#problems.push(`the server was given ${JSON.stringify(text)}`);
    if (text.startsWith('prepare ') || !text.includes('hold')) return;
    if (decisionOf(text) !== 'approve') this.#problems.push(`the server was given ${JSON.stringify(text)}, which was not approved`);
    if (![...this.#approved.keys()].some((sql) => sql.includes(text)))
      this.#problems.push(`the server was given ${JSON.stringify(text)} before anybody approved it`);
  }
}

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

/** Backend messages in words: type, and of errors their severity and SQLSTATE, of rows and tags their text. A connection may end inside one. @throws on what is no message */
export function wordsOf(bytes: Buffer, mayEndInside = false): string[] {
  if (bytes.includes(SECRET)) throw new Error('a masked value reached the client');
  const words: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const left = bytes.length - at;
    const size = left < 5 ? 5 : bytes.readUInt32BE(at + 1) + 1;
    if (size < 5 || (size > left && !mayEndInside)) throw new Error('the client got what is no message');
    if (size > left) {
      if (bytes.includes('gatehouse', at)) throw new Error('an error was written into a message');
      return [...words, 'part'];
    }
    words.push(wordOf(bytes.subarray(at, at + size)));
    at += size;
  }
  return words;
}

function wordOf(message: Buffer): string {
  const type = String.fromCharCode(message[0] ?? 0);
  switch (type) {
    case 'E':
    case 'N': {
      const fields = decodeFields(message);
      return `${type} ${fields.get('V')} ${fields.get('C')} ${fields.get('R') ?? ''}`.trim();
    }
    case 'C':
      return `C ${message.toString('utf8', 5, message.length - 1)}`;
    case 'Z':
      return `Z ${String.fromCharCode(message[5] ?? 0)}`;
    default:
      return type;
  }
}
