import { statementNotAnalyzed, tooManyNames, WireError } from '../wire/errors';
import { type BindMessage, decodeBind, decodeExecute, decodeParse, decodeTarget, type ParseMessage } from '../wire/frontend';
import { decodeLongBind, type LongBindRest, type LongParameter } from '../wire/longBind';
import { Frontend } from '../wire/messages';
import { MessageWriter } from '../wire/writer';
import { boundValues } from './ask';
import type { CostCheck } from './costCheck';
import { type Effective, withPrepared } from './effective';
import { type Execution, newExecution, releasedAs } from './execution';
import type { Judging } from './judging';
import type { Measuring } from './measuring';
import type { Portal, PreparedStatement } from './names';
import { showParameters } from './parameters';
import { parseBytes, readsAsBefore } from './rewritten';
import type { Session, SessionView } from './session';
import { UnknownName } from './unknownName';
import type { Verdicts } from './verdicts';

/** A Bind on its way: whole, or its start. */
interface Binding extends Pick<BindMessage, 'portal' | 'statement' | 'parameterFormats'> {
  bytes: Buffer;
  parameters: readonly (Buffer | null | LongParameter)[];
  /** Called instead of holding; null when all of it is here. */
  wantWhole: (() => void) | null;
  forwarded?: () => void;
  typesAsked?: true;
  /** Its cost was estimated, and is within the limit. */
  costed?: true;
}

/** Exactly what was bound, with the types it was declared to have: what is shown of a parameter may be cut. */
function boundAs({ bytes }: Binding, { parameterTypes }: PreparedStatement): Buffer {
  return Buffer.concat([Buffer.from(`${parameterTypes.join(',')};`), boundValues(bytes)]);
}

/** Some parameter is binary and of a type nobody has named. */
function lacksTypes({ parameters, parameterFormats, typesAsked }: Binding, { parameterTypes }: PreparedStatement): boolean {
  if (typesAsked === true) return false;
  const isBinary = (i: number) => (parameterFormats.length === 1 ? parameterFormats[0] : parameterFormats[i]) === 1;
  return parameters.some((value, i) => value !== null && isBinary(i) && (parameterTypes[i] ?? 0) === 0);
}

/** Prepared texts and bound parameters one session may keep. */
const MAX_NAMES_BYTES = 128 * 1024 * 1024;

/**
 * Extended query: Parse, Bind, Describe, Execute, Close. The text is judged at Parse and again at Bind; a statement that needs a person
 * is held at Bind, where its parameters are known and before planning could run any code; each Execute is a run that is recorded.
 */
export class ExtendedQuery {
  readonly #session: Session;
  readonly #judging: Judging;
  readonly #verdicts: Verdicts;
  readonly #measuring: Measuring;
  readonly #costs: CostCheck;
  /** The id of each portal's first run. */
  readonly #firstRuns = new WeakMap<Portal, string>();
  /** The last run of each portal whose result has a limit. */
  readonly #slices = new WeakMap<Portal, Execution>();

  constructor(session: Session, judging: Judging, verdicts: Verdicts, { measuring, costs }: { measuring: Measuring; costs: CostCheck }) {
    this.#session = session;
    this.#judging = judging;
    this.#verdicts = verdicts;
    this.#measuring = measuring;
    this.#costs = costs;
  }

  parse(bytes: Buffer): void | Promise<void> {
    const message = decodeParse(bytes);
    return this.#judging.withNames(message.sql, (view) => this.#prepare(bytes, message, view));
  }

  #prepare(bytes: Buffer, message: ParseMessage, view: SessionView): void {
    const { name, sql, parameterTypes } = message;
    const session = this.#session;
    const judgement = this.#judging.judge(sql, view);
    // A held statement may be prepared: preparing runs nothing. It is held when it is bound.
    if (judgement.action === 'deny') this.#verdicts.deny(sql, judgement, view, 'extended');
    const { protocol } = session;
    if (protocol.names.statements.bytes > MAX_NAMES_BYTES) throw tooManyNames();
    protocol.sentParse({ name, sql, bySql: false, parameterTypes, judgement, columns: null });
    session.toUpstream.append(parseBytes(bytes, message, judgement));
  }

  bind(bytes: Buffer): void | Promise<void> {
    const { portal, statement, parameterFormats, parameters } = decodeBind(bytes);
    return this.#bind({ bytes, portal, statement, parameterFormats, parameters, wantWhole: null });
  }

  /**
   * The start of a Bind too large to be held: judged by what has arrived, then passed on in pieces. One that a person has to see is wanted
   * whole. `onForwarded` is told what checks the rest.
   */
  bindLong(start: Buffer, sizeBytes: number, on: { forwarded(rest: LongBindRest): void; wantWhole(): void }): void | Promise<void> {
    const { rest, ...message } = decodeLongBind(start, sizeBytes);
    return this.#bind({ ...message, bytes: start, wantWhole: on.wantWhole, forwarded: () => on.forwarded(rest) });
  }

  #bind(bind: Binding): void | Promise<void> {
    return this.#judging.withView(() => {
      const { protocol } = this.#session;
      if (protocol.isUnsure('statement', bind.statement)) return this.#judging.whenAnswered(() => this.#bind(bind));
      const statement = protocol.names.statements.get(bind.statement);
      if (statement === undefined) throw new UnknownName('statement', bind.statement);
      return this.#judging.withNames(statement.sql, (view) => this.#open(bind, statement, view));
    });
  }

  #open(bind: Binding, statement: PreparedStatement, view: SessionView): void | Promise<void> {
    const session = this.#session;
    if (this.#judging.usesNames(statement.sql, view)) return this.#judging.whenAnswered(() => this.#bind(bind));
    // Judged again: policy, catalog and names may have changed since Parse, and the server plans anew too.
    const { effective, analysisMs, unresolved } = this.#resolve(statement, view);
    // The server still has the text of then.
    if (!readsAsBefore(statement.judgement.statements[0], effective.statements[0]))
      throw statementNotAnalyzed('The masks it reads through have changed since it was prepared; prepare it again.');
    const portal: Portal = {
      name: bind.portal,
      statement,
      judgement: effective,
      parameters: showParameters(bind.parameters, bind.parameterFormats, statement.parameterTypes),
      approved: false,
      released: null,
      unresolved,
      policyVersion: view.policy.version,
      described: false,
      plan: null,
      columns: null,
      pending: null,
      analysisMs,
    };
    if (view.connection.limits?.maxCost !== undefined && effective.action !== 'deny' && bind.costed !== true) {
      const costed = this.#checkCost(bind, portal, view);
      if (costed !== null) return costed;
    }
    const forward = () => {
      if (session.protocol.names.portals.bytes > MAX_NAMES_BYTES) throw tooManyNames();
      const [judged] = effective.statements;
      if (judged !== undefined) this.#verdicts.taint(judged, view);
      session.protocol.sentBind(portal);
      session.toUpstream.append(bind.bytes);
      bind.forwarded?.();
    };
    if (effective.action === 'allow') return forward();
    const [execution] = this.#executionsOf(portal);
    if (execution === undefined) return forward();
    if (effective.action === 'deny') throw this.#verdicts.denied([execution], view);
    if (bind.wantWhole !== null) return bind.wantWhole();
    if (lacksTypes(bind, statement)) return this.#askForTypes(bind, statement);
    return session.commitNeed.takes([execution]).then(async (taken) => {
      if (session.closed || session.protocol.skipping) return;
      if (!taken) {
        const error = await this.#verdicts.hold(withPrepared(statement.sql, effective.runs), [execution], view, boundAs(bind, statement));
        if (error === 'skipped') return;
        if (error !== null) throw error;
        portal.pending = execution;
        portal.released = execution;
      }
      portal.approved = true;
      forward();
    });
  }

  /** Estimates what it would cost with these parameters, and binds it when that is little enough; null where nothing limits it. */
  #checkCost(bind: Binding, portal: Portal, view: SessionView): void | Promise<void> | null {
    const [execution] = this.#executionsOf(portal);
    const limit = execution === undefined ? null : this.#costs.limitOf(execution.judged, view);
    if (execution === undefined || limit === null) return null;
    if (bind.wantWhole !== null) return bind.wantWhole();
    return this.#costs.checkBind(execution.judged, { bind, statement: portal.statement, limit, statementId: execution.id }).then(
      (runs) => (runs ? this.#bind({ ...bind, costed: true }) : undefined),
      (error: unknown) => {
        throw error instanceof WireError ? this.#verdicts.refused([execution], view, error) : error;
      },
    );
  }

  /** What binding would run. EXECUTE of a name nobody has runs nothing yet. */
  #resolve(statement: PreparedStatement, view: SessionView) {
    try {
      return { ...this.#judging.effectiveOf(statement, view), unresolved: false };
    } catch (error) {
      if (!(error instanceof UnknownName)) throw error;
      return { effective: { ...this.#judging.judge(statement.sql, view), runs: [] }, analysisMs: 0, unresolved: true };
    }
  }

  /** A reviewer reads values, not bytes: the server says what the parameters are before the request is filed. */
  #askForTypes(bind: Binding, statement: PreparedStatement): Promise<void> {
    const { protocol, toUpstream } = this.#session;
    protocol.sentDescribe(statement, null, true);
    toUpstream.append(new MessageWriter().begin(Frontend.describe).int8(0x53).cstring(bind.statement).end().take());
    return this.#judging.whenAnswered(() => this.#bind({ ...bind, typesAsked: true }));
  }

  #executionsOf(portal: Portal): Execution[] {
    const executions = portal.judgement.statements.map((judged) =>
      newExecution(judged, {
        protocol: 'extended',
        parameters: portal.parameters,
        analysisMs: portal.analysisMs,
      }),
    );
    const { released } = portal;
    if (released !== null) for (const execution of executions) releasedAs(execution, released);
    // What SQL PREPARE made is executed as what it prepared: the name was made long ago, and may be another statement's by now.
    if (!portal.statement.bySql) this.#verdicts.followNames(executions);
    return executions;
  }

  execute(bytes: Buffer): void | Promise<void> {
    return this.#judging.withView((view) => this.#run(bytes, view));
  }

  #run(bytes: Buffer, view: SessionView): void | Promise<void> {
    const session = this.#session;
    const { portal: name } = decodeExecute(bytes);
    const { protocol } = session;
    if (protocol.isUnsure('portal', name)) return this.#judging.whenAnswered(() => this.#judging.withView((now) => this.#run(bytes, now)));
    const portal = protocol.names.portals.get(name);
    if (portal === undefined && protocol.names.cursors.has(name)) return this.#fetch(bytes, name, view);
    if (portal === undefined) throw new UnknownName('portal', name);
    this.#judgeAgain(portal, view);
    // The statement that was held at Bind is recorded already; every further Execute of the portal is a run of its own.
    const held = portal.pending;
    const execution = held ?? this.#executionsOf(portal)[0];
    portal.pending = null;
    if (execution !== undefined) this.#followRuns(execution, portal);
    if (execution === undefined) {
      protocol.sentExecute(null, portal);
      session.toUpstream.append(bytes);
      return;
    }
    const admitted = this.#verdicts.admit([execution], view);
    const go = () => this.#start(bytes, { execution, held, portal }, view);
    return admitted === undefined
      ? go()
      : admitted.then(
          () => (protocol.skipping || session.closed ? undefined : go()),
          (error: unknown) => {
            if (held !== null) session.record.end(held, 'denied', '53400');
            throw error;
          },
        );
  }

  /** A portal that is executed again goes on with what its first run began. */
  #followRuns(execution: Execution, portal: Portal): void {
    const first = this.#firstRuns.get(portal);
    if (first === undefined) this.#firstRuns.set(portal, execution.id);
    else execution.runOf = first;
  }

  #start(
    bytes: Buffer,
    { execution, held, portal }: { execution: Execution; held: Execution | null; portal: Portal },
    view: SessionView,
  ): void | Promise<void> {
    const session = this.#session;
    const { protocol } = session;
    // Slices of a portal are one result: what the next may have shows when the one before is over.
    const slice = this.#slices.get(portal);
    if (slice !== undefined && !slice.ended) return this.#judging.whenAnswered(() => this.#start(bytes, { execution, held, portal }, view));
    if (held === null) {
      this.#verdicts.refusePrepared([execution], view);
      if (session.commitNeed.isCommit([execution])) return this.#commit(bytes, { execution, portal }, view);
      session.record.begin([execution], view, 'running');
    } else session.record.released(held);
    this.#verdicts.mark(execution, view);
    this.#nextSlice(execution, portal);
    // A clean answer about names rests on what they mean; where the session has a search_path of its own, the origins are looked at too.
    const detecting = session.services.detecting(session.facts).length > 0;
    const unsure = execution.judged.touch.state !== 'clean' || (!session.searchPathKnown && !view.masks.empty) || detecting;
    if ((unsure || execution.recording !== null) && !portal.described) {
      // Without its own description a result has no origins to be masked by, and its cells no types.
      this.#describe(portal);
    }
    const send = () => {
      protocol.sentExecute(execution, portal);
      session.toUpstream.append(bytes);
    };
    if (execution.affectedLimits.length === 0) return send();
    return this.#measuring.run(execution, portal, send).then(() => undefined);
  }

  /** It would make a transaction stand that needs approval. */
  #commit(bytes: Buffer, { execution, portal }: { execution: Execution; portal: Portal }, view: SessionView): Promise<void> {
    return this.#verdicts.holdCommit(portal.statement.sql, [execution], view).then((held) => {
      const [approved] = held === 'skipped' ? [] : held;
      if (approved === undefined) return;
      this.#verdicts.mark(approved, view);
      this.#session.protocol.sentExecute(approved, portal);
      this.#session.toUpstream.append(bytes);
    });
  }

  #nextSlice(execution: Execution, portal: Portal): void {
    if (execution.maxRows === Number.POSITIVE_INFINITY && execution.maxBytes === Number.POSITIVE_INFINITY) return;
    const before = this.#slices.get(portal);
    this.#slices.set(portal, execution);
    if (before === undefined) return;
    execution.maxRows = Math.min(execution.maxRows, before.maxRows - before.rows);
    execution.maxBytes = Math.min(execution.maxBytes, before.maxBytes - before.bytes);
  }

  /** A cursor made by DECLARE is a portal to the protocol: executing it is a FETCH. */
  #fetch(bytes: Buffer, name: string, view: SessionView): void | Promise<void> {
    const session = this.#session;
    const { maxRows } = decodeExecute(bytes);
    const text = `FETCH ${maxRows > 0 ? maxRows : 'ALL'} FROM "${name.replaceAll('"', '""')}"`;
    const { effective, analysisMs } = this.#judging.effective(text, view);
    const executions = effective.statements.map((judged) => newExecution(judged, { protocol: 'extended', parameters: [], analysisMs }));
    if (effective.action !== 'allow') throw this.#verdicts.denied(executions, view);
    const admitted = this.#verdicts.admit(executions, view);
    const go = () => this.#startFetch(bytes, { name, text, effective, executions }, view);
    return admitted === undefined ? go() : admitted.then(() => (session.protocol.skipping || session.closed ? undefined : go()));
  }

  #startFetch(
    bytes: Buffer,
    { name, text, effective, executions }: { name: string; text: string; effective: Effective; executions: readonly Execution[] },
    view: SessionView,
  ): void | Promise<void> {
    const session = this.#session;
    session.record.begin(executions, view, 'running');
    for (const execution of executions) this.#verdicts.mark(execution, view);
    const [execution] = executions;
    const looked =
      session.services.detecting(session.facts).length > 0 || execution?.judged.touch.state !== 'clean' || execution.recording !== null;
    const portal = execution === undefined || !looked ? null : cursorPortal(name, text, effective, view);
    if (portal !== null) this.#describe(portal);
    const send = () => {
      session.protocol.sentExecute(execution ?? null, portal);
      session.toUpstream.append(bytes);
    };
    if (execution === undefined || execution.affectedLimits.length === 0) return send();
    return this.#measuring.run(execution, portal, send).then(() => undefined);
  }

  #describe(portal: Portal): void {
    const { protocol, toUpstream } = this.#session;
    protocol.sentDescribe(null, portal, true);
    toUpstream.append(new MessageWriter().begin(Frontend.describe).int8(0x50).cstring(portal.name).end().take());
  }

  /** Between Bind and Execute the policy may have moved, and what an EXECUTE names may have become another statement. */
  #judgeAgain(portal: Portal, view: SessionView): void {
    const { runs } = portal.judgement;
    if (portal.policyVersion === view.policy.version && runs.length === 0 && !portal.unresolved) return;
    const { effective } = this.#judging.effectiveOf(portal.statement, view);
    const moved = portal.policyVersion !== view.policy.version;
    portal.policyVersion = view.policy.version;
    if (effective.runs.join('\0') !== runs.join('\0') || !readsAsBefore(portal.judgement.statements[0], effective.statements[0]))
      throw statementNotAnalyzed('What the portal executes has changed since it was bound.');
    portal.judgement = effective;
    if (effective.action === 'deny') throw this.#verdicts.denied(this.#executionsOf(portal), view);
    if (effective.action === 'hold' && !portal.approved)
      throw statementNotAnalyzed('The policy has changed since the portal was bound; bind it again.');
    if (moved) portal.described = false;
  }

  describe(bytes: Buffer): void | Promise<void> {
    const { protocol, toUpstream } = this.#session;
    const { target, name } = decodeTarget(bytes);
    if (name === '') {
      // The server may have one that a refused text has taken the place of.
      const of = target === 'S' ? 'statement' : 'portal';
      if (!(target === 'S' ? protocol.names.statements : protocol.names.portals).has('')) {
        if (protocol.isUnsure(of, '')) return this.#judging.whenAnswered(() => this.describe(bytes));
        throw new UnknownName(of, '');
      }
    }
    const statement = target === 'S' ? (protocol.names.statements.get(name) ?? null) : null;
    const portal = target === 'P' ? (protocol.names.portals.get(name) ?? null) : null;
    protocol.sentDescribe(statement, portal, false);
    toUpstream.append(bytes);
  }

  close(bytes: Buffer): void {
    const { target, name } = decodeTarget(bytes);
    this.#session.protocol.sentClose(target, name);
    this.#session.toUpstream.append(bytes);
  }
}

/** A cursor as the portal that it is to the protocol, so that its description finds the rows it belongs to. */
function cursorPortal(name: string, sql: string, judgement: Effective, view: SessionView): Portal {
  return {
    name,
    statement: { name: '', sql, bySql: false, parameterTypes: [], judgement, columns: null },
    judgement,
    parameters: [],
    approved: true,
    released: null,
    unresolved: false,
    policyVersion: view.policy.version,
    described: true,
    plan: null,
    columns: null,
    pending: null,
    analysisMs: 0,
  };
}
