import { type ColumnDescription, decodeReadyForQuery } from '../wire/backend';
import { Backend, Frontend, type TransactionStatus } from '../wire/messages';
import type { Execution } from './execution';
import { type Change, type Portal, type PreparedStatement, SessionNames } from './names';
import { type Asked, type Reply, ReplyQueue, type ShownError } from './replies';

/** How an execution ended, as far as the protocol tells. */
export interface Ended {
  execution: Execution;
  status: 'done' | 'failed' | 'skipped';
}

/** What one message of the server means in the state it met. */
export type Answer =
  /** A message that ends nothing: its bytes go on. */
  | { kind: 'passed' }
  /** Parse, Bind, Close or the probe of a text succeeded, or parameters were described. `local`: the client asked for nothing and sees nothing. */
  | { kind: 'settled'; local: boolean }
  | { kind: 'described'; describe: Extract<Reply, { op: 'describe' }> }
  /** An execution is over: CommandComplete, PortalSuspended, EmptyQueryResponse. */
  | { kind: 'finished'; execution: Execution | null }
  /** COPY begins; its data follows in the one direction or is awaited in the other. */
  | { kind: 'copying'; execution: Execution }
  /** A question of the gateway's own is answered. */
  | { kind: 'asked'; asked: Asked }
  /** ErrorResponse; `shown` is what the client sees of it, null for the error as it came. */
  | { kind: 'failed'; shown: ShownError | null; ended: readonly Ended[] }
  /** An error that ends the server's session, or that nothing sent brought about. */
  | { kind: 'unasked' }
  | { kind: 'ready'; local: boolean; ended: readonly Ended[] };

/** Which unnamed ones a refused message takes away. */
export type Unnamed = 'none' | 'statement' | 'both';

/** What becomes of a message of the client before it is judged. */
export type Admission =
  /** It is judged and forwarded. */
  | 'taken'
  /** The server would ignore it, so it is not sent. */
  | 'ignored'
  /** COPY data sent before the server asked for it: what it is shows when the server has answered. */
  | 'wait';

/**
 * The protocol state of one session (PostgreSQL 18, chapter 54.2): what the client sent that the server still owes an answer for, the names
 * both know, the transaction status, and where both are after an error. Pure: no socket, no clock, no promise. Each message moves it once;
 * the flows around it judge, record, mask and write.
 */
export class Protocol {
  readonly names = new SessionNames();
  readonly #replies = new ReplyQueue();
  #status: TransactionStatus = 'I';
  #skipping = false;
  #copyIn: Execution | null = null;
  #batch = 0;
  /** Syncs kept back inside COPY. */
  #keptSyncs = 0;
  #unsynced = false;
  /** A portal was bound or executed since the last Sync: the implicit transaction is more than parsing. */
  #bound = false;
  #openResult: Execution | null = null;
  /** Something that begins or ends a transaction was sent since the last Sync. */
  #statusUnsure = false;

  /** ReadyForQuery's status byte as last seen: the truth on both sides after every answer, ours included. */
  get status(): TransactionStatus {
    return this.#status;
  }

  /** The batch under way may have begun or ended a transaction: the status is what it was before. */
  get statusUnsure(): boolean {
    return this.#statusUnsure;
  }

  /** Messages forwarded that are owed an answer. */
  get owed(): number {
    return this.#replies.length;
  }

  get head(): Reply | undefined {
    return this.#replies.head;
  }

  /** The server answered an error and ignores everything until the Sync that was not sent yet. */
  get skipping(): boolean {
    return this.#skipping;
  }

  get copyingIn(): boolean {
    return this.#copyIn !== null;
  }

  /** Nothing is under way and no implicit transaction is open: an error of ours needs no part of the server. */
  get atRest(): boolean {
    return this.#status === 'I' && this.#replies.length === 0 && !this.#unsynced;
  }

  /** A transaction is open, explicit or not: locks stay taken while somebody waits. */
  get inTransaction(): boolean {
    return this.#status !== 'I' || this.#unsynced;
  }

  /** What the server is at now, up to its Sync, is all that was sent. */
  get endsHere(): boolean {
    return this.#replies.endsWithHead;
  }

  /** Extended messages of an open batch are unanswered: one of them may have failed, and then the server ignores what follows to the Sync. */
  get mayBeSkipping(): boolean {
    return this.#replies.mayYetSkip;
  }

  /** The run of this batch whose result may be cut: what follows must know first. */
  get openResult(): Execution | null {
    return this.#openResult;
  }

  /** Messages of the extended protocol were sent that no Sync has ended yet. */
  get inImplicitTransaction(): boolean {
    return this.#unsynced;
  }

  /** Since the last Sync nothing but statements was sent: a Sync of ours would end no more than the locks their parsing took. */
  get onlyParsed(): boolean {
    return this.#status === 'I' && this.#unsynced && !this.#bound && !this.#skipping;
  }

  /** Whether what stands between two Syncs, and fails or succeeds together, may still take this name away. */
  isUnsure(target: 'statement' | 'portal', name: string): boolean {
    return (target === 'statement' ? this.names.statements : this.names.portals).isUnsure(name, this.#batch);
  }

  // The client's messages.

  admit(type: number): Admission {
    if (type === Frontend.copyData || type === Frontend.copyDone || type === Frontend.copyFail) {
      if (this.#copyIn !== null) return 'taken';
      return this.#replies.length > 0 && !this.#skipping ? 'wait' : 'ignored';
    }
    return this.#skipping && type !== Frontend.sync && type !== Frontend.terminate ? 'ignored' : 'taken';
  }

  sentQuery(executions: readonly Execution[]): void {
    this.#unsynced = false;
    this.#statusUnsure = false;
    this.#bound = false;
    this.#replies.push({ op: 'query', executions, index: 0, changes: this.names.dropUnnamed(this.#batch) });
  }

  /** FunctionCall is its own Sync, as a simple Query is, and touches no name. */
  sentFunctionCall(execution: Execution, column: ColumnDescription): void {
    this.#unsynced = false;
    this.#statusUnsure = false;
    this.#replies.push({ op: 'call', execution, column });
  }

  /** One statement of a simple text that goes statement by statement. */
  sentStep(execution: Execution, last: boolean): void {
    this.#bound = true;
    this.#follow(execution);
    this.#extended({ op: 'step', execution, last });
  }

  /** Parse, Bind, Close of the statement, Execute and Close of the portal, under names of ours. */
  sentAsk(asked: Asked): void {
    this.#bound = true;
    this.#extended({ op: 'ask', asked, closes: 2 });
  }

  sentParse(statement: PreparedStatement): void {
    const change = this.names.statements.change(statement.name, statement, this.#batch);
    this.#extended({ op: 'parse', name: statement.name, change, spliced: statement.judgement.forward ?? null });
  }

  sentBind(portal: Portal): void {
    this.#bound = true;
    const change = this.names.portals.change(portal.name, portal, this.#batch);
    this.#extended({ op: 'bind', change, spliced: portal.statement.judgement.forward ?? null });
  }

  sentClose(target: 'S' | 'P', name: string, local = false): void {
    const names = target === 'S' ? this.names.statements : this.names.portals;
    this.#extended({ op: 'close', change: names.change(name, undefined, this.#batch), local });
  }

  sentDescribe(statement: PreparedStatement | null, portal: Portal | null, local: boolean): void {
    if (portal !== null) portal.described = true;
    this.#extended({ op: 'describe', statement, portal, local });
  }

  /** `portal` is null for a cursor made by DECLARE. */
  sentExecute(execution: Execution | null, portal: Portal | null): void {
    this.#bound = true;
    this.#follow(execution);
    if (execution !== null && mayBeCut(execution)) this.#openResult = execution;
    this.#extended({ op: 'execute', execution, portal });
  }

  /** A text our grammar does not take was sent as a Parse, for the server's own words on it. */
  sentProbe(drops: Unnamed): void {
    this.#extended({ op: 'probe', changes: this.#dropping(drops) });
  }

  /** A message made to fail: from here to the Sync the server ignores what is sent, so nothing is. */
  sentPoison(shown: ShownError, drops: Unnamed): void {
    this.#openResult = null;
    this.#extended({ op: 'poison', shown, changes: this.#dropping(drops) });
    this.#skipping = true;
  }

  /**
   * Inside COPY the server ignores Sync, unless the COPY has failed already, which is not known yet: it is kept back, and sent when the
   * server says so. True when it is kept.
   */
  keepsSync(): boolean {
    if (this.#copyIn === null) return false;
    this.#keptSyncs++;
    return true;
  }

  /** How many Syncs that were kept back inside a COPY that failed are to be sent now. */
  takeKeptSyncs(): number {
    if (this.#copyIn !== null) return 0;
    const count = this.#keptSyncs;
    this.#keptSyncs = 0;
    return count;
  }

  sentSync(): void {
    this.#replies.push({ op: 'sync', local: false });
    this.#statusUnsure = false;
    this.#openResult = null;
    this.#skipping = false;
    this.#unsynced = false;
    this.#bound = false;
    this.#batch++;
  }

  /** A Sync of ours between the client's, where only statements were sent: it lets go of the locks that parsing took. */
  sentRest(): void {
    this.#replies.push({ op: 'sync', local: true });
    this.#unsynced = false;
    this.#bound = false;
    this.#statusUnsure = false;
  }

  /** A message made to fail and a Sync, both of ours: what ran since the last Sync is rolled back, and the client is told nothing. */
  sentUndo(): void {
    this.#extended({ op: 'poison', shown: { kind: 'nothing' }, changes: [] });
    this.#replies.push({ op: 'sync', local: true, undoes: true });
    this.#unsynced = false;
    this.#bound = false;
    this.#openResult = null;
    this.#batch++;
  }

  /** CopyDone or CopyFail: what follows is no COPY data. */
  sentCopyEnd(): void {
    this.#copyIn = null;
    this.#keptSyncs = 0;
  }

  /** A text that goes statement by statement has no unnamed ones of the client's either. */
  dropUnnamed(): void {
    this.names.statements.forget('');
    this.names.portals.forget('');
  }

  /** A refused text takes the unnamed statement's place all the same: what it was must not run under the refused one's name. */
  forgetUnnamed(): void {
    this.names.statements.forget('');
  }

  #dropping(drops: Unnamed): readonly Change[] {
    if (drops === 'both') return this.names.dropUnnamed(this.#batch);
    return drops === 'statement' ? [this.names.statements.change('', undefined, this.#batch)] : [];
  }

  #follow(execution: Execution | null): void {
    if (execution === null || execution.judged.facts.effects.has('transaction')) this.#statusUnsure = true;
  }

  #extended(reply: Reply): void {
    this.#unsynced = true;
    this.#replies.push(reply);
  }

  // The server's messages.

  /** The execution whose rows or outcome come now. @throws when nothing runs */
  running(type: number): Execution {
    const execution = this.current;
    if (execution === null) throw new Error(`the upstream sent 0x${type.toString(16)} while nothing runs`);
    return execution;
  }

  /** What the server runs now, as far as can be told; null while it runs nothing. */
  get current(): Execution | null {
    const { head } = this;
    if (head?.op === 'query') return head.executions[head.index] ?? null;
    return head?.op === 'execute' || head?.op === 'step' || head?.op === 'call' ? head.execution : null;
  }

  /** The FunctionCall that is answered now. @throws when another answer is due */
  called(type: number): Extract<Reply, { op: 'call' }> {
    return this.#expect('call', type);
  }

  /** The Describe that is answered now. @throws when another answer is due */
  describing(type: number): Extract<Reply, { op: 'describe' }> {
    return this.#expect('describe', type);
  }

  /**
   * Moves the state by one message of the server other than rows, notices, notifications and parameter status, which move nothing.
   * @throws Error when it is not what the protocol allows here: a server we no longer understand
   */
  answer(type: number, bytes: Buffer, fatal = false): Answer {
    if (this.head?.op === 'ask' && type !== Backend.errorResponse) return this.#asked(this.head, type);
    if (this.head?.op === 'step' && STEP_PREPARES.has(type)) return { kind: 'settled', local: true };
    switch (type) {
      case Backend.parseComplete:
        return this.#parseComplete(type);
      case Backend.bindComplete:
        return this.#settle(this.#expect('bind', type));
      case Backend.closeComplete:
        return this.#settle(this.#expect('close', type));
      case Backend.parameterDescription:
        return { kind: 'settled', local: this.#expect('describe', type).local };
      case Backend.noData:
        return this.#described(type);
      case Backend.rowDescription:
        if (this.head?.op === 'describe') return this.#described(type);
        this.running(type);
        return { kind: 'passed' };
      case Backend.commandComplete:
        return this.#finished(this.running(type));
      case Backend.portalSuspended:
        this.#expect('execute', type);
        return this.#finished(this.running(type));
      case Backend.emptyQueryResponse:
        if (this.head?.op === 'execute') return this.#finished(this.head.execution);
        this.#expect('query', type);
        return { kind: 'passed' };
      case Backend.functionCallResponse:
        return { kind: 'finished', execution: this.#expect('call', type).execution };
      case Backend.copyInResponse:
        this.#copyIn = this.running(type);
        if (this.head?.op === 'execute') this.#replies.dropSyncsBehindHead();
        return { kind: 'copying', execution: this.#copyIn };
      case Backend.copyOutResponse:
        return { kind: 'copying', execution: this.running(type) };
      case Backend.copyDone:
        return { kind: 'passed' };
      case Backend.errorResponse:
        return this.#failed(fatal);
      case Backend.readyForQuery:
        return this.#ready(type, bytes);
      default:
        throw new Error(`the upstream sent message 0x${type.toString(16)} where none is expected`);
    }
  }

  /** The server says how a question of ours went. Its row has been read where rows are. */
  #asked(ask: Extract<Reply, { op: 'ask' }>, type: number): Answer {
    if (!ASK_ANSWERS.has(type)) throw new Error(`the upstream answered 0x${type.toString(16)} to a question`);
    if (type !== Backend.closeComplete || --ask.closes > 0) return { kind: 'settled', local: true };
    this.#replies.shift();
    return { kind: 'asked', asked: ask.asked };
  }

  /** Everything still owed, when the server is gone. */
  drain(): readonly Execution[] {
    return this.#replies.drain().flatMap(executionsOf);
  }

  /** The reply that must stand first now; a server that answers something else is one we no longer understand. */
  #expect<Op extends Reply['op']>(op: Op, type: number): Extract<Reply, { op: Op }> {
    const { head } = this;
    if (head?.op !== op) throw new Error(`the upstream answered 0x${type.toString(16)} to ${head?.op ?? 'nothing'}`);
    return head as Extract<Reply, { op: Op }>;
  }

  #parseComplete(type: number): Answer {
    if (this.head?.op !== 'probe') return this.#settle(this.#expect('parse', type));
    for (const change of this.head.changes) change.done();
    this.#replies.shift();
    return { kind: 'settled', local: true };
  }

  #settle(reply: Extract<Reply, { op: 'parse' | 'bind' | 'close' }>): Answer {
    reply.change.done();
    this.#replies.shift();
    return { kind: 'settled', local: reply.op === 'close' && reply.local };
  }

  #described(type: number): Answer {
    const describe = this.#expect('describe', type);
    this.#replies.shift();
    return { kind: 'described', describe };
  }

  #finished(execution: Execution | null): Answer {
    this.#copyIn = null;
    const { head } = this;
    if (head?.op === 'query') head.index++;
    else this.#replies.shift();
    return { kind: 'finished', execution };
  }

  #failed(fatal: boolean): Answer {
    this.#copyIn = null;
    const { head } = this;
    if (fatal || head === undefined) return { kind: 'unasked' };
    switch (head.op) {
      case 'query':
        return { kind: 'failed', shown: null, ended: this.#failQuery(head) };
      case 'call':
        return { kind: 'failed', shown: null, ended: [{ execution: head.execution, status: 'failed' }] };
      case 'sync':
        // A deferred constraint or trigger spoke at the implicit commit; ReadyForQuery follows.
        return { kind: 'failed', shown: null, ended: [] };
      case 'parse':
        head.change.undo();
        // The server drops the unnamed statement before it reads the new one.
        if (head.name === '') this.names.statements.delete('');
        break;
      case 'bind':
      case 'close':
        head.change.undo();
        break;
      case 'probe':
      case 'poison':
        for (const change of head.changes) change.done();
        break;
      case 'describe':
      case 'execute':
      case 'step':
      case 'ask':
        break;
      default:
        head satisfies never;
    }
    const ended: Ended[] =
      (head.op === 'execute' || head.op === 'step') && head.execution !== null ? [{ execution: head.execution, status: 'failed' }] : [];
    this.#replies.shift();
    return { kind: 'failed', shown: head.op === 'poison' ? head.shown : null, ended: [...ended, ...this.#skipToSync()] };
  }

  /** Of a text, the statement that failed failed and the rest never ran. */
  #failQuery(query: Extract<Reply, { op: 'query' }>): Ended[] {
    const ended = query.executions.slice(query.index).map((execution, i): Ended => ({ execution, status: i === 0 ? 'failed' : 'skipped' }));
    query.index = query.executions.length;
    return ended;
  }

  /** What was sent behind the failed message is ignored up to its Sync: names go back, executions never ran. */
  #skipToSync(): Ended[] {
    const { discarded, found } = this.#replies.discardToSync();
    const ended: Ended[] = [];
    for (const reply of discarded) {
      if (reply.op === 'parse' || reply.op === 'bind' || reply.op === 'close') reply.change.undo();
      if (reply.op === 'probe' || reply.op === 'poison' || reply.op === 'query') for (const change of reply.changes) change.undo();
      if (reply.op === 'describe' && reply.portal !== null) reply.portal.described = reply.portal.plan !== null;
      for (const execution of executionsOf(reply)) ended.push({ execution, status: 'skipped' });
    }
    // A Sync of ours ends the server's skipping and not the client's: what it sends up to its own Sync is ignored here.
    this.#skipping = !found || (this.head?.op === 'sync' && this.head.local && this.head.undoes !== true);
    return ended;
  }

  #ready(type: number, bytes: Buffer): Answer {
    this.#status = decodeReadyForQuery(bytes);
    const { head } = this;
    const ended: Ended[] = [];
    if (head?.op === 'query') {
      for (const change of head.changes) change.done();
      for (const execution of head.executions.slice(head.index)) ended.push({ execution, status: 'skipped' });
    } else if (head?.op !== 'call') this.#expect('sync', type);
    const local = head?.op === 'sync' && head.local;
    this.#replies.shift();
    this.#copyIn = null;
    if (this.#status === 'I') this.names.endTransaction();
    return { kind: 'ready', local, ended };
  }
}

function mayBeCut({ maxRows, maxBytes, seen }: Execution): boolean {
  return maxRows < Number.POSITIVE_INFINITY || maxBytes < Number.POSITIVE_INFINITY || seen !== null;
}

function executionsOf(reply: Reply): readonly Execution[] {
  if (reply.op === 'query') return reply.executions;
  if (reply.op === 'call') return [reply.execution];
  return (reply.op === 'execute' || reply.op === 'step') && reply.execution !== null ? [reply.execution] : [];
}

/** What a step is answered before it runs; a Query is answered none of it. */
const STEP_PREPARES: ReadonlySet<number> = new Set([Backend.parseComplete, Backend.bindComplete, Backend.noData]);
const ASK_ANSWERS: ReadonlySet<number> = new Set([
  Backend.parseComplete,
  Backend.bindComplete,
  Backend.closeComplete,
  Backend.commandComplete,
]);
