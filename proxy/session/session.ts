import type net from 'node:net';
import type { BreakGlassUse } from '../approvals/breakGlass';
import type { Claim } from '../approvals/claim';
import type { Hold, HoldRequest } from '../approvals/desk';
import type { Granted } from '../approvals/grants';
import type { CatalogSnapshot } from '../catalog/types';
import type { JournalEntry } from '../journal/entries';
import type { Shared } from '../journal/write';
import type { Usage } from '../limits/usage';
import type { MaskIndex } from '../masking/columns';
import type { DetectingRule } from '../masking/detect/rules';
import type { Judgement } from '../policy/judge';
import type { ConnectionPolicy, PolicySnapshot, Principal } from '../policy/types';
import type { Upstream } from '../upstream/connect';
import { closeGently } from '../wire/closeGently';
import {
  encodeFields,
  idleInTransactionTooLong,
  idleTooLong,
  internalError,
  protocolViolation,
  terminatedByAdministrator,
  upstreamLost,
  WireError,
  type WireFields,
} from '../wire/errors';
import { BackendFlow } from './backendFlow';
import { CommitNeed } from './commitNeed';
import type { Execution, SessionFacts } from './execution';
import { FrontendFlow } from './frontendFlow';
import { Out } from './out';
import { OwnNotifications } from './ownNotifications';
import { OwnSettings } from './ownSettings';
import { Protocol } from './protocol';
import { RecordedOut } from './recordedOut';
import { Recording } from './recording';
import type { Taint } from './scrub';
import type { OnHold } from './settings';

/** What a session needs of its worker. */
export interface SessionServices {
  /** The policy and what follows from it for this session, now; throws WireError when it cannot be vouched for. */
  view(session: SessionFacts): Promise<SessionView> | SessionView;
  /** Whether columns may be masked for this session; known also while the catalog is not. */
  mayBeMasked(session: SessionFacts): boolean;
  /** The rules that look into content for this session; known also while the catalog is not. */
  detecting(session: SessionFacts): readonly DetectingRule[];
  refreshCatalog(connectionName: string): Promise<void>;
  /** `searchPathKnown` false: rules about tables must not trust the default path. @throws SqlSyntaxError, WireError */
  judge(text: string, view: SessionView, searchPathKnown: boolean): Judgement;
  /** @throws Error when it cannot be recorded */
  record(entry: JournalEntry, of?: Shared): void;
  /** Calls `done` once what was recorded is in the journal, as surely as the connection asks; in order, and never before this returns. */
  whenRecorded(done: (error: Error | null) => void): void;
  hold(request: HoldRequest, onProgress: (approvals: number) => void): Promise<Hold>;
  claim(request: HoldRequest): Promise<Claim>;
  granted(request: HoldRequest): Promise<Granted | null>;
  breakGlass(use: BreakGlassUse): Promise<void>;
  /** Asks the upstream to cancel what this session runs. */
  cancelUpstream(): Promise<void>;
  requestLink(requestId: string): string;
  hashKey: Buffer;
  /** This many bytes were read from either side. */
  onRead(bytes: number): void;
  /** As the policy has them now. */
  limits(): SessionLimits;
  /** What the principal has used up; null where nothing limits that. */
  usage(): Usage | null;
  onClosed(reason: string): void;
  logError(errorId: string, error: unknown): void;
  newErrorId(): string;
}

export interface SessionLimits {
  /** Of a Query, a Parse and every other message that is analysed. */
  statementBytes: number;
  /** Of a Bind, a FunctionCall and a CopyData. */
  messageBytes: number;
  /** How long a client may send nothing while nothing runs, outside and inside a transaction; null for ever. */
  idleMs: number | null;
  idleInTransactionMs: number | null;
  /** How long a statement may run; null for ever. */
  statementMs: number | null;
}

/** The server's own timeout comes first by this much. */
const TIMEOUT_GRACE_MS = 1_000;

export interface SessionView {
  policy: PolicySnapshot;
  connection: ConnectionPolicy;
  principal: Principal;
  catalog: CatalogSnapshot;
  masks: MaskIndex;
  /** The policy restricts nothing here: a verdict does not depend on the catalog, which may be a moment old. */
  unrestricted: boolean;
  /** No rule of the policy speaks of hours: a verdict holds as long as this view does. */
  timeless: boolean;
}

const outOfPlaceInCopy = () => protocolViolation('unexpected message during COPY from stdin');

const SYNC = Buffer.from([0x53, 0, 0, 0, 4]);
const FLUSH = Buffer.from([0x48, 0, 0, 0, 4]);

/**
 * One client session and its one upstream session. Holds what both directions share; the two flows move it.
 * Ends exactly once, whatever ends it, and leaves no statement without an outcome.
 */
export class Session {
  readonly facts: SessionFacts;
  readonly services: SessionServices;
  readonly requesterReason: string | null;
  readonly onHold: OnHold;
  /** Runs what needs approval at once where a rule lets the principal, with the requester's reason. */
  readonly breakGlass: boolean;
  readonly protocol = new Protocol();
  readonly commitNeed: CommitNeed;
  readonly ownSettings: OwnSettings;
  /** What the upstream was given for application_name in place of what the client gave; null: the client's own. */
  readonly applicationName: { sent: string; shown: string } | null;
  readonly record: Recording;
  readonly client: net.Socket;
  readonly upstream: net.Socket;
  readonly toClient: Out;
  readonly toUpstream: RecordedOut;
  taint: Taint = 'none';
  readonly notifications: OwnNotifications;
  /** False once something may have changed search_path; what it is now only the server knows. */
  searchPathKnown: boolean;
  /** The client cancelled while its statement waited to be judged: it is answered as cancelled and not sent. */
  cancelledWaiting = false;
  /** A cancel is on its way to the server. */
  cancelBarrier: Promise<void> | null = null;
  /** Statements of this session changed the catalog; others must not be judged by the old one. */
  catalogDirty = false;
  catalogBarrier: Promise<void> | null = null;
  /** Statements on their way whose success changes names or the catalog: what follows is judged when they are answered. */
  readonly unsettled = new Set<Execution>();
  /** The run whose changed rows are being counted. */
  counting: Execution | null = null;
  /** The client said goodbye; when the server closes, all is as it should be. */
  ending = false;
  /** The server ended its session with an error that the client has seen. */
  upstreamSaidWhy = false;
  /** Read from the client. */
  bytesIn = 0;
  readonly #frontend: FrontendFlow;
  readonly #backend: BackendFlow;
  #closed = false;
  /** When something last came from either side; milliseconds of a monotonic clock. */
  #movedMs = performance.now();
  /** What ran when it was last looked at, and since when. */
  #watched: { execution: Execution; sinceMs: number } | null = null;
  #draining = false;
  #idleWaiters: (() => void)[] = [];
  #settledWaiters: (() => void)[] = [];
  #copyWaiters: (() => void)[] = [];

  constructor(options: {
    facts: SessionFacts;
    services: SessionServices;
    client: net.Socket;
    upstream: Upstream;
    requesterReason: string | null;
    onHold: OnHold;
    breakGlass?: boolean;
    searchPathKnown: boolean;
    /** The settings it began with. */
    settings?: Readonly<Record<string, string>>;
    /** Those of them that the connection gives, and no client may change. */
    variables?: Readonly<Record<string, string>>;
    applicationName?: Session['applicationName'];
  }) {
    this.facts = options.facts;
    this.services = options.services;
    this.requesterReason = options.requesterReason;
    this.onHold = options.onHold;
    this.breakGlass = options.breakGlass ?? false;
    this.searchPathKnown = options.searchPathKnown;
    this.client = options.client;
    this.upstream = options.upstream.socket;
    this.notifications = new OwnNotifications(options.upstream.cancelKey?.processId ?? null);
    this.commitNeed = new CommitNeed(this);
    this.ownSettings = new OwnSettings(this, {
      backendPid: options.upstream.cancelKey?.processId ?? null,
      atStart: options.settings ?? {},
      variables: options.variables ?? {},
    });
    this.applicationName = options.applicationName ?? null;
    this.toClient = new Out(this.client);
    this.toUpstream = new RecordedOut(this.upstream);
    this.record = new Recording(this);
    this.#frontend = new FrontendFlow(this);
    this.#backend = new BackendFlow(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Begins to relay; `early` is what the client sent behind its start-up. */
  start(early: Buffer): void {
    this.client.on('data', (chunk: Buffer) => {
      this.#movedMs = performance.now();
      this.services.onRead(chunk.length);
      this.bytesIn += chunk.length;
      this.guard(() => this.#frontend.push(chunk));
    });
    this.client.on('end', () => this.clientEnded());
    this.client.on('error', () => undefined);
    this.client.on('close', () => this.close('client closed the connection'));
    this.client.on('drain', () =>
      this.guard(() => {
        this.upstream.resume();
        this.#frontend.pump();
      }),
    );
    this.upstream.on('data', (chunk: Buffer) => {
      this.services.onRead(chunk.length);
      this.guard(() => this.#backend.push(chunk));
    });
    this.upstream.on('error', () => undefined);
    this.upstream.on('close', () => {
      if (this.ending) this.close('client closed the connection');
      else if (this.upstreamSaidWhy) this.close('upstream ended the session');
      else this.fail(upstreamLost(this.facts.connectionName), 'upstream closed the connection');
    });
    this.upstream.on('drain', () => this.pump());
    if (early.length > 0) this.guard(() => this.#frontend.push(early));
  }

  clientEnded(): void {
    this.guard(() => this.#frontend.ended());
  }

  /** Runs one step; whatever it throws ends this session and no other. */
  guard(step: () => void): void {
    if (this.#closed) return;
    try {
      step();
    } catch (error) {
      this.failWith(error);
    }
  }

  failWith(error: unknown): void {
    if (error instanceof WireError) return this.fail(error, error.fields.message);
    const errorId = this.services.newErrorId();
    this.services.logError(errorId, error);
    this.fail(internalError(errorId), `internal error ${errorId}`);
  }

  /** Says why and closes. */
  fail(error: WireError, reason: string): void {
    if (this.#closed) return;
    // In the middle of a row our words would be read as its cells; behind the server's own last words there is nothing to add.
    this.toClient.discard();
    if (!this.#backend.insideMessage && !this.upstreamSaidWhy) this.toClient.append(encodeFields({ ...error.fields, severity: 'FATAL' }));
    this.toClient.flush();
    this.close(reason);
  }

  /** An administrator, a lost right or an expired token ends the session. */
  terminate(detail?: string): void {
    this.fail(terminatedByAdministrator(detail), detail ?? 'terminated by an administrator');
  }

  /** Ends the session when its statement is done, at once when there is none or it only waits for a person. */
  drain(): void {
    if (this.#frontend.holding) return this.terminate('the gateway is shutting down');
    this.#draining = true;
    this.#endIfDrained();
  }

  /** Resolves when the server has dealt with it, or there was nothing to cancel. */
  cancel(): Promise<void> {
    return this.#closed ? Promise.resolve() : this.#frontend.cancel();
  }

  /**
   * Nobody reads the rest of a result. The server is told only where nothing else is on its way: a late cancel would hit what follows.
   * Otherwise the rest is read and dropped.
   */
  cancelCut(): void {
    if (this.protocol.endsHere) void this.#frontend.cancel();
  }

  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#frontend.withdraw();
    this.record.closed(reason);
    closeGently(this.client);
    // Terminate, so that the server ends the transaction now rather than when it next writes.
    this.toUpstream.finish(() => {
      if (!this.upstream.destroyed) this.upstream.end(Buffer.from([0x58, 0, 0, 0, 4]));
      this.upstream.destroySoon();
    });
    this.services.onClosed(reason);
  }

  notice(fields: WireFields): void {
    this.toClient.append(encodeFields(fields));
    this.toClient.flush();
  }

  /** A pipeline without Sync is answered when the server likes; somebody has to know now. */
  askForAnswers(): void {
    this.toUpstream.append(FLUSH);
    this.toUpstream.flush();
  }

  /** A COPY has failed: the Syncs the client sent inside it count. */
  sendKeptSyncs(): void {
    for (let left = this.protocol.takeKeptSyncs(); left > 0; left--) {
      this.protocol.sentSync();
      this.toUpstream.append(SYNC);
    }
    this.toUpstream.flush();
  }

  /** More may be taken from the client. */
  pump(): void {
    this.guard(() => this.#frontend.pump());
  }

  /** Resolves when the server owes nothing more. */
  whenAnswered(): Promise<void> {
    if (this.protocol.owed === 0 || this.#closed) return Promise.resolve();
    if (this.protocol.copyingIn) return Promise.reject(outOfPlaceInCopy());
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Resolves when nothing that changes names or the catalog is on its way. */
  whenSettled(): Promise<void> {
    if (this.unsettled.size === 0 || this.#closed) return Promise.resolve();
    if (this.protocol.copyingIn) return Promise.reject(outOfPlaceInCopy());
    return new Promise((resolve) => this.#settledWaiters.push(resolve));
  }

  /** Resolves when the server asks for COPY data, or owes nothing more and so never will. */
  whenCopying(): Promise<void> {
    if (this.protocol.copyingIn || this.protocol.owed === 0 || this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#copyWaiters.push(resolve));
  }

  /** Called by the backend flow after each batch of answers. */
  answered(): void {
    this.#movedMs = performance.now();
    // Who waits for an answer waits for ever: the server waits for COPY data, and that stands behind what waits.
    if (this.protocol.copyingIn && this.#idleWaiters.length + this.#settledWaiters.length > 0) throw outOfPlaceInCopy();
    if (this.protocol.copyingIn || this.protocol.owed === 0) for (const resolve of this.#copyWaiters.splice(0)) resolve();
    if (this.unsettled.size === 0) for (const resolve of this.#settledWaiters.splice(0)) resolve();
    if (this.protocol.owed === 0) {
      for (const resolve of this.#idleWaiters.splice(0)) resolve();
      // After an error the server ignores Terminate as well, so nobody else would end this.
      if (this.ending) return this.close('client closed the connection');
    }
    this.#endIfDrained();
    this.#frontend.pump();
  }

  /** Asked now and then: ends the session when nothing runs, nothing is held, and its client was silent for longer than it may be. */
  endIfIdle(): void {
    const { protocol } = this;
    if (this.#closed || protocol.owed > 0 || this.#frontend.holding) return;
    const { idleMs, idleInTransactionMs } = this.services.limits();
    const outside = protocol.status === 'I';
    const limitMs = outside ? idleMs : idleInTransactionMs;
    if (limitMs === null || performance.now() - this.#movedMs < limitMs) return;
    this.fail(outside ? idleTooLong() : idleInTransactionTooLong(), outside ? 'idle timeout' : 'idle-in-transaction timeout');
  }

  /**
   * Asked now and then: cancels what runs for longer than a statement may. The server's own statement_timeout ends it before this; code that
   * the gateway cannot look into may have turned that off.
   */
  cancelIfTooLong(): void {
    const { statementMs } = this.services.limits();
    const execution = statementMs === null || this.#closed ? null : this.protocol.current;
    if (execution === null || statementMs === null) {
      this.#watched = null;
      return;
    }
    if (this.#watched?.execution !== execution) this.#watched = { execution, sinceMs: performance.now() };
    const ranMs = performance.now() - this.#watched.sinceMs;
    if (ranMs > statementMs + TIMEOUT_GRACE_MS && this.cancelBarrier === null) void this.#frontend.cancel();
  }

  #endIfDrained(): void {
    if (this.#draining && this.protocol.owed === 0 && !this.protocol.inTransaction) {
      this.terminate('the gateway is shutting down');
    }
  }
}
