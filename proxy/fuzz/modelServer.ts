import { say } from '../session/transcript';
import { encodeFieldMap } from '../wire/backend';
import { Backend } from '../wire/messages';
import { MessageWriter } from '../wire/writer';
import { Malformed, type Received, receive } from './serverReader';
import { SECRET, type Spoken, statementsOf } from './words';

/** A prepared statement of the server. `told`: the text under which it was sent. */
export interface ModelStatement {
  sql: string;
  told: string;
  /** Null for an empty text. */
  spoken: Spoken | null;
  parameters: number;
}

export interface ModelPortal {
  statement: ModelStatement;
  columns: number;
  rowsSent: number;
  done: boolean;
  /** What EXECUTE named when this was bound. */
  runs: string | null;
}

/** What a policy refuses where the server itself would not; null for a server without a gateway in front. */
export interface Refusals {
  query(sql: string, server: ModelServer): boolean;
  parse(sql: string): boolean;
  bind(statement: ModelStatement, server: ModelServer): boolean;
  execute(portal: ModelPortal, server: ModelServer): boolean;
  /** After it has run: whether so many changed rows are too many. */
  overrun(told: string, rows: number): boolean;
}

/** Told of what reaches the server, to compare with what may. */
export interface Witness {
  bound(statement: ModelStatement): void;
  /** A statement runs now. */
  running(told: string): void;
  /** An EXECUTE that runs executes this. */
  executing(told: string): void;
}

/** An ERROR of the server. */
class Refused extends Error {
  constructor(
    readonly sqlstate: string,
    message: string,
    readonly detail = '',
  ) {
    super(message);
  }
}

interface Text {
  statements: readonly { told: string; spoken: Spoken }[];
  at: number;
}

/**
 * PostgreSQL's side of simple and extended query, COPY and transactions (src/backend/tcop/postgres.c), over the little language of words.ts.
 * Pure: bytes in, bytes out. @throws Malformed on a message that no client may send
 */
export class ModelServer {
  readonly statements = new Map<string, ModelStatement>();
  readonly portals = new Map<string, ModelPortal>();
  closed = false;
  readonly #refusals: Refusals | null;
  readonly #witness: Witness | null;
  #input: Buffer = Buffer.alloc(0);
  #buffered: Buffer[] = [];
  #sent: Buffer[] = [];
  #status: 'I' | 'T' | 'E' = 'I';
  #skipping = false;
  /** An Execute ran in this implicit transaction: what must stand alone no longer may. */
  #pipelining = false;
  /** Something deferred will make the commit fail. */
  #deferred = false;
  /** Rows changed since the session began. */
  #changed = 0;
  /** Who waits for COPY data: a text, or an Execute. */
  #copying: { text: Text | null; rows: number } | null = null;

  constructor(refusals: Refusals | null, witness: Witness | null) {
    this.#refusals = refusals;
    this.#witness = witness;
  }

  /** What the server has put on the wire since this was last asked. */
  take(): Buffer {
    const bytes = Buffer.concat(this.#sent);
    this.#sent = [];
    return bytes;
  }

  push(bytes: Buffer): void {
    this.#input = Buffer.concat([this.#input, bytes]);
    while (this.#input.length >= 5 && !this.closed) {
      const size = this.#input.readUInt32BE(1) + 1;
      if (size < 5 || size > 0x40000000) throw new Malformed(`a length of ${size - 1}`);
      if (this.#input.length < size) return;
      const message = this.#input.subarray(0, size);
      this.#input = this.#input.subarray(size);
      this.#take(receive(message));
    }
  }

  // Out.

  #emit(bytes: Buffer): void {
    this.#buffered.push(bytes);
  }

  #flush(): void {
    this.#sent.push(...this.#buffered);
    this.#buffered = [];
  }

  #ready(): void {
    this.#emit(say.ready(this.#status));
    this.#flush();
  }

  #warn(message: string): void {
    this.#emit(
      encodeFieldMap(Backend.noticeResponse, [
        ['S', 'WARNING'],
        ['V', 'WARNING'],
        ['C', '25001'],
        ['M', message],
      ]),
    );
  }

  // In.

  #take(message: Received): void {
    if (message.type === 'X') {
      // PostgreSQL may or may not get this far with what it has not flushed; so that answers can be compared, it does here.
      this.#flush();
      this.closed = true;
      return;
    }
    if (this.#copying !== null) return this.#copyMessage(this.#copying, message);
    if (message.type === 'S') return this.#sync();
    if (this.#skipping) return;
    switch (message.type) {
      case 'Q':
        return this.#query(message.sql);
      case 'F':
        return this.#simply(() => {
          throw new Refused('42501', 'function call refused');
        });
      case 'H':
        return this.#flush();
      case 'P':
        return this.#extended(() => this.#parse(message));
      case 'B':
        return this.#extended(() => this.#bind(message));
      case 'D':
        return this.#extended(() => this.#describe(message));
      case 'C':
        return this.#extended(() => {
          if (message.target === 'S') this.statements.delete(message.name);
          else this.portals.delete(message.name);
          this.#emit(say.closeComplete());
        });
      case 'E':
        return this.#extended(() => this.#execute(message));
      case 'c':
      case 'd':
      case 'f':
        return;
    }
  }

  #sync(): void {
    this.#skipping = false;
    this.#simply(() => this.#commitImplicit());
  }

  /** A message that ends in ReadyForQuery whatever happens. */
  #simply(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
    if (this.#copying === null) this.#ready();
  }

  #extended(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
      this.#skipping = true;
    }
  }

  #fail(error: unknown): void {
    if (!(error instanceof Refused)) throw error;
    this.#emit(say.error(error.sqlstate, error.message, error.detail));
    this.#flush();
    this.#deferred = false;
    if (this.#status === 'I') this.#ended();
    else this.#status = 'E';
  }

  #commitImplicit(): void {
    if (this.#status === 'I') this.#commit();
  }

  #commit(): void {
    if (this.#deferred) {
      this.#status = 'I';
      throw new Refused('23505', 'a deferred constraint is violated');
    }
    this.#ended();
  }

  /** A transaction is over. */
  #ended(): void {
    this.#status = 'I';
    this.#pipelining = false;
    this.portals.clear();
  }

  // Simple query.

  #query(sql: string): void {
    this.statements.delete('');
    this.#simply(() => {
      if (this.#refusals?.query(sql, this)) {
        this.portals.delete('');
        throw new Refused('42501', 'denied');
      }
      const statements = statementsOf(sql);
      if (statements === null) throw new Refused('42601', 'syntax error');
      // Its own portal takes the unnamed one's place, and goes with it; where it fails before it has one, PostgreSQL keeps the old, which the
      // gateway cannot know.
      this.portals.delete('');
      if (sql.includes('$')) throw new Refused('42P02', 'there is no parameter $1');
      if (statements.length === 0) {
        this.#commitImplicit();
        this.#emit(new MessageWriter().begin(Backend.emptyQueryResponse).end().take());
        return;
      }
      this.#go({ statements, at: 0 });
    });
  }

  /** Runs a text from where it stands to its end, or to a COPY that waits for data. */
  #go(text: Text): void {
    for (; text.at < text.statements.length; text.at++) {
      const statement = text.statements[text.at];
      if (statement === undefined) return;
      const { told, spoken } = statement;
      this.#mayRun(spoken);
      if (spoken.kind === 'missing') throw new Refused('42P01', 'relation does not exist');
      if (spoken.kind === 'discardAll' && (text.statements.length > 1 || this.#pipelining))
        throw new Refused('25001', 'DISCARD ALL cannot run inside a transaction block');
      // PostgreSQL keeps the name of a PREPARE whose commit fails; the gateway does not learn of it, and says that there is none.
      if (changesNames(spoken) && text.at === text.statements.length - 1 && this.#status === 'I' && this.#deferred) this.#commit();
      this.#witness?.running(told);
      if (spoken.kind === 'copyIn') return this.#copyIn(text);
      const result = this.#run(spoken, told);
      if (result.columns > 0) this.#emit(columnsOf(result.columns));
      for (let i = 0; i < result.rows; i++) this.#emit(row(result.columns, i));
      this.#complete(text, result.tag);
    }
  }

  /** The last statement of a text commits before it is said to be complete. */
  #complete(text: Text, tag: string): void {
    if (text.at === text.statements.length - 1) this.#commitImplicit();
    this.#emit(say.complete(tag));
  }

  #mayRun(spoken: Spoken | null): void {
    if (this.#status === 'E' && spoken?.kind !== 'commit' && spoken?.kind !== 'rollback')
      throw new Refused('25P02', 'current transaction is aborted');
  }

  // What statements do.

  #run(spoken: Spoken, told: string): { columns: number; rows: number; tag: string } {
    const done = (tag: string) => ({ columns: 0, rows: 0, tag });
    switch (spoken.kind) {
      case 'select':
        return { columns: columnCount(spoken), rows: spoken.rows, tag: `SELECT ${spoken.rows}` };
      case 'fail':
        throw new Refused('22012', spoken.secret ? `division by ${SECRET}` : 'division by zero', spoken.secret ? `It is ${SECRET}.` : '');
      case 'missing':
        throw new Refused('42P01', 'relation does not exist');
      case 'write': {
        const rows = told.includes('many') ? 10 : 1;
        this.#changed += rows;
        if (this.#refusals?.overrun(told, rows)) throw new Refused('42501', 'too many rows');
        return done(`INSERT 0 ${rows}`);
      }
      case 'ask':
        return { columns: 1, rows: 1, tag: 'SELECT 1' };
      case 'defer':
        this.#deferred = true;
        return done('INSERT 0 1');
      case 'begin':
        if (this.#status === 'T') this.#warn('there is already a transaction in progress');
        this.#status = 'T';
        return done('BEGIN');
      case 'commit': {
        const failed = this.#status === 'E';
        if (this.#status === 'I') this.#warn('there is no transaction in progress');
        if (failed) return this.#rollback();
        this.#commit();
        return done('COMMIT');
      }
      case 'rollback':
        if (this.#status === 'I') this.#warn('there is no transaction in progress');
        return this.#rollback();
      case 'copyOut': {
        this.#emit(new MessageWriter().begin(Backend.copyOutResponse).int8(0).int16(0).end().take());
        for (let i = 0; i < 2; i++)
          this.#emit(
            new MessageWriter()
              .begin(Backend.copyData)
              .bytes(Buffer.from(`${i}\n`))
              .end()
              .take(),
          );
        this.#emit(new MessageWriter().begin(Backend.copyDone).end().take());
        return done('COPY 2');
      }
      case 'prepare': {
        if (this.statements.has(spoken.name)) throw new Refused('42P05', `prepared statement "${spoken.name}" already exists`);
        const [inner] = statementsOf(spoken.inner) ?? [];
        if (inner?.spoken.kind === 'missing') throw new Refused('42P01', 'relation does not exist');
        this.statements.set(spoken.name, { sql: spoken.inner, told, spoken: inner?.spoken ?? null, parameters: 0 });
        return done('PREPARE');
      }
      case 'execute': {
        const statement = this.statements.get(spoken.name);
        if (statement === undefined) throw new Refused('26000', `prepared statement "${spoken.name}" does not exist`);
        const inner = statement.spoken;
        if (inner?.kind !== 'select' && inner?.kind !== 'fail' && inner?.kind !== 'write')
          throw new Refused('0A000', 'EXECUTE does not support this');
        if (statement.parameters > 0) throw new Refused('42601', 'wrong number of parameters');
        this.#witness?.executing(statement.told);
        return this.#run(inner, statement.told);
      }
      case 'deallocate':
        if (spoken.name === null) {
          for (const name of this.statements.keys()) if (name !== '') this.statements.delete(name);
          return done('DEALLOCATE ALL');
        }
        if (!this.statements.delete(spoken.name)) throw new Refused('26000', `prepared statement "${spoken.name}" does not exist`);
        return done('DEALLOCATE');
      case 'discardAll':
        if (this.#status !== 'I') throw new Refused('25001', 'DISCARD ALL cannot run inside a transaction block');
        this.portals.clear();
        for (const name of this.statements.keys()) if (name !== '') this.statements.delete(name);
        return done('DISCARD ALL');
      case 'copyIn':
        throw new Refused('XX000', 'COPY is begun where it is read');
      default:
        return spoken satisfies never;
    }
  }

  #rollback() {
    this.#deferred = false;
    this.#ended();
    return { columns: 0, rows: 0, tag: 'ROLLBACK' };
  }

  // Extended query.

  #parse({ name, sql, types }: Extract<Received, { type: 'P' }>): void {
    if (name === '') this.statements.delete('');
    if (this.#refusals?.parse(sql)) throw new Refused('42501', 'denied');
    const statements = name.startsWith(ASKS) ? [{ told: '', spoken: { kind: 'ask' } as const }] : statementsOf(sql);
    if (statements === null) throw new Refused('42601', 'syntax error');
    if (statements.length > 1) throw new Refused('42601', 'cannot insert multiple commands into a prepared statement');
    const [statement] = statements;
    if (statement !== undefined) this.#mayRun(statement.spoken);
    if (statement?.spoken.kind === 'missing') throw new Refused('42P01', 'relation does not exist');
    if (this.statements.has(name)) throw new Refused('42P05', `prepared statement "${name}" already exists`);
    const parameters = Math.max(types.length, sql.includes('$1') ? 1 : 0);
    this.statements.set(name, { sql, told: statement?.told ?? '', spoken: statement?.spoken ?? null, parameters });
    this.#emit(say.parseComplete());
  }

  #bind({ portal, statement: name, formats, parameters, resultFormats }: Extract<Received, { type: 'B' }>): void {
    const statement = this.statements.get(name);
    if (statement === undefined)
      throw new Refused('26000', name === '' ? 'unnamed prepared statement does not exist' : `prepared statement "${name}" does not exist`);
    if (this.#refusals?.bind(statement, this)) throw new Refused('42501', 'denied');
    if (formats > 1 && formats !== parameters) throw new Refused('08P01', 'bind message has the wrong number of parameter formats');
    if (parameters !== statement.parameters) throw new Refused('08P01', 'bind message supplies the wrong number of parameters');
    this.#mayRun(statement.spoken);
    if (portal !== '' && this.portals.has(portal)) throw new Refused('42P03', `cursor "${portal}" already exists`);
    this.#witness?.bound(statement);
    const columns = this.#columnsOf(statement);
    if (resultFormats > 1 && resultFormats !== columns) throw new Refused('08P01', 'bind message has the wrong number of result formats');
    const runs = statement.spoken?.kind === 'execute' ? (this.statements.get(statement.spoken.name)?.told ?? null) : null;
    this.portals.set(portal, { statement, columns, rowsSent: 0, done: false, runs });
    this.#emit(say.bindComplete());
  }

  #columnsOf({ spoken }: ModelStatement): number {
    if (spoken?.kind === 'select') return columnCount(spoken);
    if (spoken?.kind === 'ask') return 1;
    if (spoken?.kind !== 'execute') return 0;
    const inner = this.statements.get(spoken.name)?.spoken;
    return inner?.kind === 'select' ? columnCount(inner) : 0;
  }

  #describe({ target, name }: Extract<Received, { type: 'D' | 'C' }>): void {
    if (target === 'S') {
      const statement = this.statements.get(name);
      if (statement === undefined) throw new Refused('26000', `prepared statement "${name}" does not exist`);
      const columns = this.#columnsOf(statement);
      if (columns > 0) this.#mayRun(statement.spoken);
      this.#emit(say.parameters(...Array.from({ length: statement.parameters }, () => 23)));
      this.#emit(columns > 0 ? columnsOf(columns) : say.noData());
      return;
    }
    const portal = this.portals.get(name);
    if (portal === undefined) throw new Refused('34000', `portal "${name}" does not exist`);
    if (portal.columns > 0) this.#mayRun(portal.statement.spoken);
    this.#emit(portal.columns > 0 ? columnsOf(portal.columns) : say.noData());
  }

  #execute({ portal: name, maxRows }: Extract<Received, { type: 'E' }>): void {
    const portal = this.portals.get(name);
    if (portal === undefined) throw new Refused('34000', `portal "${name}" does not exist`);
    const { spoken, told } = portal.statement;
    // PostgreSQL answers an empty statement in a failed transaction as well; whether the portal is still there the gateway may not know.
    this.#mayRun(spoken);
    if (spoken === null) return this.#emit(new MessageWriter().begin(Backend.emptyQueryResponse).end().take());
    if (this.#refusals?.execute(portal, this)) throw new Refused('42501', 'denied');
    this.#mayRun(spoken);
    if (portal.done && portal.columns === 0) throw new Refused('55000', `portal "${name}" cannot be run`);
    if (spoken.kind === 'discardAll' && this.#pipelining) throw new Refused('25001', 'DISCARD ALL cannot be executed within a pipeline');
    this.#pipelining = true;
    if (spoken.kind !== 'ask') this.#witness?.running(told);
    portal.done = true;
    if (spoken.kind === 'copyIn') return this.#copyIn(null);
    const result = this.#run(spoken, told);
    if (portal.columns === 0) return this.#emit(say.complete(result.tag));
    if (spoken.kind === 'ask') {
      this.#emit(say.row(String(this.#changed)));
      return this.#emit(say.complete(result.tag));
    }
    const last = maxRows > 0 ? Math.min(result.rows, portal.rowsSent + maxRows) : result.rows;
    const count = last - portal.rowsSent;
    for (let i = portal.rowsSent; i < last; i++) this.#emit(row(portal.columns, i));
    portal.rowsSent = last;
    // It stops at the count before it can see that nothing is left.
    this.#emit(maxRows > 0 && count === maxRows ? say.suspended() : say.complete(`SELECT ${count}`));
  }

  // COPY.

  #copyIn(text: Text | null): void {
    this.#emit(say.copyIn());
    this.#flush();
    this.#copying = { text, rows: 0 };
  }

  #copyMessage(copy: { text: Text | null; rows: number }, message: Received): void {
    switch (message.type) {
      case 'd':
        copy.rows++;
        if (message.bytes.includes('bad')) this.#endCopy(copy, new Refused('22P02', 'invalid input'));
        return;
      case 'c':
        return this.#endCopy(copy, null);
      case 'f':
        return this.#endCopy(copy, new Refused('57014', 'COPY from stdin failed'));
      case 'H':
      case 'S':
        return;
      default:
        // Read in the middle of nothing: the server gives the connection up.
        this.#emit(say.error('08P01', `unexpected message type ${message.type} during COPY from stdin`));
        this.#emit(
          encodeFieldMap(Backend.errorResponse, [
            ['S', 'FATAL'],
            ['V', 'FATAL'],
            ['C', '08P01'],
            ['M', 'terminating connection because protocol synchronization was lost'],
          ]),
        );
        this.#flush();
        this.closed = true;
    }
  }

  #endCopy({ text, rows }: { text: Text | null; rows: number }, failure: Refused | null): void {
    this.#copying = null;
    const work = () => {
      if (failure !== null) throw failure;
      if (text === null) return this.#emit(say.complete(`COPY ${rows}`));
      this.#complete(text, `COPY ${rows}`);
      text.at++;
      this.#go(text);
    };
    if (text === null) this.#extended(work);
    else this.#simply(work);
  }
}

/** Statements and portals of the gateway's own questions. */
const ASKS = 'gatehouse asks';
const changesNames = ({ kind }: Spoken) => kind === 'prepare' || kind === 'deallocate' || kind === 'discardAll';
const columnCount = (spoken: { secret: boolean }) => (spoken.secret ? 2 : 1);
const columnsOf = (count: number) => (count === 2 ? say.columns([1, 1], [1, 2]) : say.columns([0, 0]));
const row = (columns: number, i: number) => (columns === 2 ? say.row(`${SECRET}-${i}`, `open-${i}`) : say.row(String(i)));
