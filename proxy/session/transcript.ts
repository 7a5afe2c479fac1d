import net from 'node:net';
import type { HeldState, HeldTransaction, Reviewer } from '../../db/schema/shapes';
import type { HoldEnd, HoldOutcome } from '../approvals/desk';
import type { Granted } from '../approvals/grants';
import type { JournalEntry, OutcomeEntry, StatementEntry } from '../journal/entries';
import type { MaskIndex } from '../masking/columns';
import type { DetectingRule } from '../masking/detect/rules';
import type { ColumnMask, ExpectedOutput, Touch } from '../masking/types';
import type { JudgedStatement, Judgement } from '../policy/judge';
import type { Verdict } from '../policy/types';
import { SqlSyntaxError } from '../sql/parse';
import { decodeFields } from '../wire/backend';
import { Backend } from '../wire/messages';
import { FieldReader } from '../wire/reader';
import { MessageWriter } from '../wire/writer';
import { Session, type SessionLimits, type SessionServices, type SessionView } from './session';

/**
 * Plays a client and an upstream on real sockets around one session, for tests that read like a transcript:
 * who sends what, what the upstream saw, what the client got. Judging is by words in the text:
 * `deny`, `hold`, `hold at commit`, `limit 10`, `limit 10 or ask` (changed rows), `ssn` (a resolved statement whose column 1 of relation 1 is masked).
 */
export interface Transcript {
  client(...messages: Buffer[]): void;
  upstream(...messages: Buffer[]): void;
  /** Waits for exactly these messages, in words; fails on anything else. */
  clientGets(...expected: string[]): Promise<void>;
  upstreamSees(...expected: string[]): Promise<void>;
  /** This many bytes of a message that is not whole yet have reached the upstream. */
  upstreamGot(bytes: number): Promise<void>;
  /** Bytes the client has of a message that is not whole yet. */
  unfinished(): number;
  /** Nothing reached the upstream, and nothing will within a moment. */
  upstreamSeesNothing(): Promise<void>;
  decide(end: HoldEnd, reviewers?: readonly Reviewer[]): void;
  /** Hold requests filed so far. */
  held: { sql: string; withdrawn: boolean; transaction: HeldTransaction | null; settings: HeldState['settings'] | undefined }[];
  /** Reasons of announced break-glasses. */
  broken: string[];
  /** Covers whatever is held. */
  grant: Granted | null;
  /** Announcing a break-glass fails. */
  storeIsAway: boolean;
  cancels: number;
  /** Reads the catalog again; a text with `unseen` names a relation the catalog does not have. */
  readCatalog: () => Promise<void>;
  /** What is recorded of statements; of everything else: `others`. */
  journal: (StatementEntry | OutcomeEntry)[];
  others: JournalEntry[];
  /** Every message the client got, as raw text. */
  received: string[];
  journalFails: boolean;
  /** What is gathered is written when written() says so. */
  journalIsSlow: boolean;
  /** What was gathered so far is in the journal, or cannot be. */
  written(error?: Error): void;
  /** From now on the policy denies what it held. */
  deniesHeld: boolean;
  /** The last error that was logged and not shown. */
  lastError: unknown;
  /** The name nobody has, as the upstream last saw it. */
  poison: string;
  limits: SessionLimits;
  /** Of results and cost, as the connection has them. */
  resultLimits: { maxRows?: number; maxBytes?: number; maxCost?: number };
  /** Results are recorded up to this many rows; null: they are not. */
  recordRows: number | null;
  /** Rules about content that apply to the principal. */
  detecting: readonly DetectingRule[];
  session: Session;
  hangUp(): void;
  close(): void;
}

export async function transcript(options: { split: boolean; breakGlass?: boolean } = { split: false }): Promise<Transcript> {
  const [clientEnd, gatewayClient] = await pair();
  const [upstreamEnd, gatewayUpstream] = await pair();
  if (options.split) for (const socket of [gatewayClient, gatewayUpstream]) splitAtEveryByte(socket);
  const received: string[] = [];
  const fromGateway = wordReader(clientEnd, (type, bytes) => {
    received.push(bytes.toString());
    return describeBackend(type, bytes);
  });
  const fromSession = wordReader(upstreamEnd, (type, bytes) => {
    state.poison = /gatehouse refused [\w-]+/.exec(bytes.toString())?.[0] ?? state.poison;
    return describeFrontend(type, bytes);
  });
  let settle: ((outcome: HoldOutcome) => void) | null = null;
  const unwritten: ((error: Error | null) => void)[] = [];

  const state: Transcript = {
    client: (...messages) => clientEnd.write(Buffer.concat(messages)),
    upstream: (...messages) => upstreamEnd.write(Buffer.concat(messages)),
    clientGets: (...expected) => fromGateway.expect(expected),
    upstreamSees: (...expected) => fromSession.expect(expected),
    upstreamGot: (bytes) => fromSession.pendingReaches(bytes),
    unfinished: () => fromGateway.pendingBytes(),
    upstreamSeesNothing: () => fromSession.expectNothing(),
    decide: (end, reviewers = []) => settle?.({ ...end, reviewers }),
    held: [],
    broken: [],
    grant: null,
    storeIsAway: false,
    cancels: 0,
    readCatalog: async () => undefined,
    journal: [],
    others: [],
    received,
    journalFails: false,
    journalIsSlow: false,
    written(error) {
      for (const done of unwritten.splice(0)) done(error ?? null);
    },
    deniesHeld: false,
    lastError: null,
    poison: '',
    detecting: [],
    resultLimits: {},
    recordRows: null,
    limits: { statementBytes: 10_000, messageBytes: 100_000, idleMs: null, idleInTransactionMs: null, statementMs: null },
    session: undefined as unknown as Session,
    hangUp: () => clientEnd.end(),
    close() {
      clearInterval(idle);
      state.session.close('test over');
      clientEnd.destroy();
      upstreamEnd.destroy();
    },
  };

  const services: SessionServices = {
    view() {
      if (Object.keys(state.resultLimits).length > 0 || state.recordRows !== null) {
        const record = state.recordRows === null ? VIEW.connection.record : { results: 'masked' as const, maxRows: state.recordRows };
        return { ...VIEW, connection: { ...VIEW.connection, limits: state.resultLimits, record } };
      }
      return state.deniesHeld ? { ...VIEW } : VIEW;
    },
    mayBeMasked: () => true,
    detecting: () => state.detecting,
    refreshCatalog: () => state.readCatalog(),
    judge(text) {
      if (text === 'SYNTAX') throw new SqlSyntaxError('syntax error at or near "SYNTAX"', 1);
      return judge(state.deniesHeld ? text.replace('hold', 'deny') : text);
    },
    record(entry) {
      if (state.journalFails) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      if (entry.type === 'statement' || entry.type === 'outcome') state.journal.push(entry);
      else state.others.push(entry);
    },
    whenRecorded(done) {
      if (state.journalIsSlow) unwritten.push(done);
      else setImmediate(() => done(null));
    },
    async hold(request) {
      const entry = {
        sql: request.sql,
        withdrawn: false,
        transaction: request.heldTransaction ?? null,
        settings: request.heldState?.settings,
      };
      state.held.push(entry);
      const outcome = new Promise<HoldOutcome>((resolve) => {
        settle = resolve;
      });
      return {
        requestId: 'req_1',
        expiresAt: request.expiresAt,
        outcome,
        withdraw() {
          entry.withdrawn = true;
          settle?.({ kind: 'withdrawn', reviewers: [] });
        },
      };
    },
    granted: async () => state.grant,
    async breakGlass({ reason }) {
      if (state.storeIsAway) throw new Error('the store is away');
      state.broken.push(reason);
    },
    claim: async ({ expiresAt }) => ({ kind: 'pending', requestId: 'req_1', reviewers: [], expiresAt }),
    async cancelUpstream() {
      state.cancels++;
    },
    requestLink: (id) => `http://console/approvals/${id}`,
    hashKey: Buffer.alloc(32),
    onRead: () => undefined,
    limits: () => state.limits,
    usage: () => null,
    onClosed: () => undefined,
    logError: (_, error) => {
      state.lastError = error;
    },
    newErrorId: () => 'err_1',
  };

  state.session = new Session({
    facts: {
      id: 'ses_1',
      principal: { id: 'prn_1', name: 'bot', kind: 'agent', role: 'member', email: null, owner: null, groups: [] },
      connectionName: 'shop',
      clientAddress: '127.0.0.1:1',
      applicationName: 'test',
    },
    services,
    client: gatewayClient,
    upstream: { socket: gatewayUpstream, parameters: new Map(), cancelKey: null },
    requesterReason: options.breakGlass === true ? 'INC-42' : null,
    breakGlass: options.breakGlass ?? false,
    onHold: 'wait',
    searchPathKnown: true,
  });
  state.session.start(Buffer.alloc(0));
  const idle = setInterval(() => {
    state.session.endIfIdle();
    state.session.cancelIfTooLong();
  }, 50);
  return state;
}

const SSN: ColumnMask = {
  relationOid: 1,
  attributeNumber: 1,
  column: 'public.t.ssn',
  rule: 'pii',
  mask: { type: 'redact' },
  inference: 'guarded',
  computed: false,
};

const SSN_OUTPUT: ExpectedOutput = {
  name: 'ssn',
  typeOid: 25,
  mask: { spec: SSN.mask, computed: false, columns: [SSN.column], rules: [SSN.rule], strictest: SSN, paths: [[SSN.column]] },
  origins: new Set(['1.1']),
};

/** One for each item of the list: ssn, or the column beside it. */
function outputsOf(text: string): ExpectedOutput[] {
  const beside: ExpectedOutput = { name: 'open', typeOid: 25, mask: null, origins: new Set(['1.2']) };
  // As the model server of proxy/fuzz has it: rows of ssn and a column beside it.
  if (/\d ssn/.test(text)) return [SSN_OUTPUT, beside];
  return text.split(',').map((item) => (item.includes('ssn') ? SSN_OUTPUT : beside));
}

const MASKS: MaskIndex = {
  empty: false,
  byOrigin: (oid, number) => (oid === 1 && number === 1 ? SSN : null),
  isTainted: (oid) => oid === 1,
  taintedRelations: new Map([['masked_t', new Map()]]),
  all: [],
  observed: [],
};

/** A policy and a catalog under which column 1 of relation 1 is masked. */
export const VIEW = {
  policy: { version: 7, connections: new Map(), access: [], rules: [], masking: [{}] },
  connection: { name: 'shop', limits: {}, record: { results: 'off' } },
  principal: { groups: ['oncall'] },
  catalog: {
    relations: new Map([[1, { columns: [{ number: 1 }, { number: 2 }] }]]),
    relationsByName: new Map(),
    temporary: new Set(),
    formerNames: new Map(),
    types: new Map(),
  },
  masks: MASKS,
  timeless: true,
  unrestricted: false,
} as unknown as SessionView;

/** Judges by words: `deny`, `hold`, `ssn`; what names a statement or a cursor is followed. */
export function judge(text: string): Judgement {
  const statements = text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(judgeOne);
  const action = statements.some((s) => s.verdict.action === 'deny')
    ? 'deny'
    : statements.some((s) => s.verdict.action === 'hold')
      ? 'hold'
      : 'allow';
  return { statements, action };
}

const MOVES = /^(begin|commit|rollback|savepoint|release|prepare transaction)/;

export function judgeOne(text: string): JudgedStatement {
  const action = text.includes('deny') ? 'deny' : text.includes('hold') ? 'hold' : 'allow';
  const touch: Touch = text.includes('ssn')
    ? { state: 'resolved', columns: ['public.t.ssn'], outputs: outputsOf(text), copy: null }
    : { state: 'clean' };
  const named = /^(prepare(?! transaction)|execute|declare|fetch|deallocate|set) (\w+)/.exec(text);
  const limited = /limit (\d+)( or ask)?/.exec(text);
  const verdict: Verdict = {
    action,
    rule: action === 'allow' ? null : `${action}-rule`,
    decidedBy: action === 'allow' ? 'default' : 'rule',
    why: `The text says ${action}.`,
    approval:
      action === 'hold'
        ? {
            groups: ['dba'],
            count: 1,
            expiresInMs: 60_000,
            ...(text.includes('glass') ? { breakGlass: ['oncall'] } : {}),
            ...(text.includes('hold at commit') ? { at: 'commit' as const } : {}),
          }
        : null,
    ...(limited === null
      ? {}
      : {
          affectedLimits: [
            { max: Number(limited[1]), action: limited[2] === undefined ? 'deny' : 'hold', rule: 'limit-rule', message: null },
          ],
        }),
    tried: [],
  };
  return {
    facts: {
      kind: (text.split(' ')[0] ?? '').toUpperCase(),
      commands: [/^prepare transaction/.test(text) ? 'PREPARE TRANSACTION' : (text.split(' ')[0] ?? '').toUpperCase()],
      effects: new Set([MOVES.test(text) ? 'transaction' : /^(insert|delete)/.test(text) ? 'delete' : 'read']),
      relations: text.includes('unseen') ? [{ schema: null, name: 'unseen', access: 'read' }] : [],
      functions: [],
      unboundedWrites: [],
      fingerprint: '',
      complete: true,
      unknown: [],
      text,
      session: named === null ? null : ({ type: named[1], name: named[2] } as JudgedStatement['facts']['session']),
    },
    relations: [],
    touch,
    verdict,
    changesCatalog: false,
  } as JudgedStatement;
}

/** Whatever arrives in one chunk arrives in single bytes: no message may depend on where the network cuts. */
function splitAtEveryByte(socket: net.Socket): void {
  const emit = socket.emit.bind(socket);
  socket.emit = (event: string | symbol, ...values: unknown[]) => {
    const [chunk] = values;
    if (event !== 'data' || !Buffer.isBuffer(chunk)) return emit(event, ...values);
    for (let at = 0; at < chunk.length; at++) emit('data', chunk.subarray(at, at + 1));
    return true;
  };
}

async function pair(): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  const near = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  near.on('error', () => undefined);
  const far = await accepted;
  server.close();
  return [near, far];
}

/** Collects messages as short words and compares them in order. */
function wordReader(socket: net.Socket, describe: (type: string, bytes: Buffer) => string | null) {
  let pending = Buffer.alloc(0);
  const words: string[] = [];
  let wake: (() => void) | null = null;
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 5 && pending.length >= pending.readUInt32BE(1) + 1) {
      const size = pending.readUInt32BE(1) + 1;
      const word = describe(String.fromCharCode(pending[0] ?? 0), pending.subarray(0, size));
      if (word !== null) words.push(word);
      pending = pending.subarray(size);
    }
    wake?.();
  });
  socket.on('end', () => {
    words.push('closed');
    wake?.();
  });
  return {
    async expect(expected: readonly string[]) {
      const until = Date.now() + 3_000;
      while (words.length < expected.length && Date.now() < until) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, 50);
        });
      }
      const got = words.splice(0, expected.length);
      if (JSON.stringify(got) !== JSON.stringify(expected)) {
        throw new Error(
          `expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}${words.length > 0 ? ` then ${JSON.stringify(words)}` : ''}`,
        );
      }
    },
    pendingBytes: () => pending.length,
    async pendingReaches(bytes: number) {
      const until = Date.now() + 3_000;
      while (pending.length < bytes && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
      if (pending.length !== bytes) throw new Error(`expected ${bytes} bytes of an unfinished message, got ${pending.length}`);
    },
    async expectNothing() {
      await new Promise((resolve) => setTimeout(resolve, 60));
      if (words.length > 0) throw new Error(`expected nothing, got ${JSON.stringify(words)}`);
    },
  };
}

function describeFrontend(type: string, bytes: Buffer): string {
  const reader = new FieldReader(bytes, 5);
  switch (type) {
    case 'Q':
      return `Q ${reader.cstring()}`;
    case 'P':
      return parsed(shown(reader.cstring()), reader.cstring());
    case 'B':
      return `B ${shown(reader.cstring())}|${shown(reader.cstring())}`;
    case 'D':
    case 'C': {
      const target = String.fromCharCode(reader.int8());
      const name = reader.cstring();
      return `${type} ${target} ${shown(name)}`.trim();
    }
    case 'E':
      return `E ${shown(reader.cstring())}`.trim();
    default:
      return type;
  }
}

const shown = (name: string) => (/^gatehouse (refused|undoes)/.test(name) ? 'POISON' : name.startsWith('gatehouse asks') ? 'ASK' : name);
/** Of a question only what it asks of the client's own text. */
const parsed = (name: string, sql: string) =>
  `P ${name}|${name === 'ASK' && sql.includes('pg_stat_get_xact') ? (sql.includes('json_agg') ? 'tables' : 'rows') : sql.includes('pg_settings') ? 'settings' : sql.includes('current_database') ? 'place' : sql}`;

function describeBackend(type: string, bytes: Buffer): string {
  switch (type) {
    case 'E':
    case 'N': {
      const fields = decodeFields(bytes);
      return `${type} ${fields.get('C')} ${fields.get('M')?.replace(/stm_\w+/, 'stm')}`;
    }
    case 'Z':
      return `Z ${String.fromCharCode(bytes[5] ?? 0)}`;
    case 'C':
      return `C ${bytes.subarray(5, -1).toString()}`;
    case 'D': {
      const reader = new FieldReader(bytes, 5);
      const cells = Array.from({ length: reader.uint16() }, () => {
        const size = reader.int32();
        return size < 0 ? 'null' : reader.bytes(size).toString();
      });
      return `D ${cells.join(',')}`;
    }
    default:
      return type;
  }
}

/** What the scripted upstream says. */
export const say = {
  parseComplete: () => new MessageWriter().begin(Backend.parseComplete).end().take(),
  bindComplete: () => new MessageWriter().begin(Backend.bindComplete).end().take(),
  closeComplete: () => new MessageWriter().begin(Backend.closeComplete).end().take(),
  noData: () => new MessageWriter().begin(Backend.noData).end().take(),
  parameters: (...types: number[]) =>
    types
      .reduce((w, oid) => w.int32(oid), new MessageWriter().begin(Backend.parameterDescription).int16(types.length))
      .end()
      .take(),
  /** Each column: [table OID, attribute number]; text. */
  columns: (...origins: [number, number][]) =>
    origins
      .reduce(
        (w, [oid, number], i) => w.cstring(`c${i}`).int32(oid).int16(number).int32(25).int16(-1).int32(-1).int16(0),
        new MessageWriter().begin(Backend.rowDescription).int16(origins.length),
      )
      .end()
      .take(),
  row: (...cells: string[]) =>
    cells
      .reduce(
        (w, cell) => w.int32(Buffer.byteLength(cell)).bytes(Buffer.from(cell)),
        new MessageWriter().begin(Backend.dataRow).int16(cells.length),
      )
      .end()
      .take(),
  complete: (tag: string) => new MessageWriter().begin(Backend.commandComplete).cstring(tag).end().take(),
  /** What the server says to a question of the gateway's own. */
  answer: (cell: string) => [
    say.parseComplete(),
    say.bindComplete(),
    say.closeComplete(),
    say.row(cell),
    say.complete('SELECT 1'),
    say.closeComplete(),
  ],
  suspended: () => new MessageWriter().begin(Backend.portalSuspended).end().take(),
  copyIn: () => new MessageWriter().begin(Backend.copyInResponse).int8(0).int16(0).end().take(),
  error: (sqlstate: string, message: string, detail = '') => {
    const writer = new MessageWriter().begin(Backend.errorResponse);
    for (const [code, value] of [
      ['S', 'ERROR'],
      ['V', 'ERROR'],
      ['C', sqlstate],
      ['M', message],
      ...(detail === '' ? [] : [['D', detail]]),
    ] as [string, string][])
      writer.int8(code.charCodeAt(0)).cstring(value);
    return writer.int8(0).end().take();
  },
  status: (name: string, value: string) => new MessageWriter().begin(Backend.parameterStatus).cstring(name).cstring(value).end().take(),
  ready: (status: 'I' | 'T' | 'E' = 'I') => new MessageWriter().begin(Backend.readyForQuery).int8(status.charCodeAt(0)).end().take(),
};
