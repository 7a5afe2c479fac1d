import type { ApprovalSpec, HeldState, Reviewer } from '../../db/schema/shapes';
import type { Hold, HoldRequest } from '../approvals/desk';
import { digestOf } from '../approvals/digest';
import type { Granted } from '../approvals/grants';
import { shapeOf } from '../approvals/shapeOf';
import { strictestOf, triedTogether } from '../approvals/together';
import { DEFAULT_APPROVAL } from '../policy/approval';
import type { ApprovedRows } from '../preview/tolerance';
import {
  approvalNotice,
  approvalRequired,
  approvalTimedOut,
  approvalUnavailable,
  brokenGlassWarning,
  canceledByUser,
  glassNotOpenNotice,
  heldNotice,
  statementRejected,
  WireError,
} from '../wire/errors';
import type { Execution } from './execution';
import type { Session, SessionView } from './session';

/** One statement text that waits for a person while its client waits on its own connection. Ends in exactly one way. */
export class HeldStatement {
  readonly #session: Session;
  readonly #sql: string;
  readonly #executions: readonly Execution[];
  readonly #view: SessionView;
  readonly #state: HeldState;
  readonly #place: readonly string[];
  readonly #parameters: Uint8Array;
  /** What all of its statements that are held ask for, together. */
  readonly #approval: ApprovalSpec;
  #hold: Hold | null = null;
  #cancelled = false;
  readonly #startedAtMs = Date.now();

  /**
   * @param place database, role and search_path where they are not those of the connection
   * @param parameters types, formats and values as the client bound them
   */
  constructor(
    session: Session,
    sql: string,
    executions: readonly Execution[],
    { view, state, place, parameters }: { view: SessionView; state: HeldState; place: readonly string[]; parameters: Uint8Array },
  ) {
    this.#session = session;
    this.#place = place;
    this.#parameters = parameters;
    this.#sql = sql;
    this.#executions = executions;
    this.#view = view;
    this.#state = state;
    this.#approval = strictestOf(executions.flatMap(({ judged }) => judged.verdict.approval ?? [])) ?? DEFAULT_APPROVAL;
  }

  /** Ctrl-C: the upstream never saw the statement, so the answer is ours. */
  cancel(): void {
    this.#cancelled = true;
    this.#hold?.withdraw();
  }

  /** The client is gone. */
  gone(): void {
    this.cancel();
  }

  /** Null when it was approved and may run now. */
  async wait(): Promise<WireError | null> {
    const session = this.#session;
    const startedMs = performance.now();
    const request = this.#request();
    let released: boolean | WireError;
    try {
      released = await this.#releasedAtOnce(request);
    } catch (error) {
      session.services.logError(session.services.newErrorId(), error);
      released = approvalUnavailable();
    }
    session.record.begin(this.#executions, this.#view, 'held');
    if (released instanceof WireError) return this.#end('denied', released);
    if (this.#cancelled) return this.#end('withdrawn', canceledByUser());
    if (released) return null;
    if (session.onHold === 'error') return this.#claim(request);
    try {
      this.#hold = await session.services.hold(request, (approvals) => {
        if (this.#hold !== null && !session.closed) session.notice(approvalNotice(this.#hold.requestId, approvals, this.#approval.count));
      });
    } catch (error) {
      session.services.logError(session.services.newErrorId(), error);
      return this.#end('denied', approvalUnavailable());
    }
    const hold = this.#hold;
    for (const execution of this.#executions) execution.requestId = hold.requestId;
    if (this.#cancelled) hold.withdraw();
    else if (!session.closed) session.notice(this.#notice(hold));

    const outcome = await hold.outcome;
    for (const execution of this.#executions) execution.waitMs = performance.now() - startedMs;
    this.#decidedBy(outcome.reviewers);
    switch (outcome.kind) {
      case 'approved':
        this.#within(outcome.most ?? null);
        return null;
      case 'rejected':
        return this.#end('rejected', statementRejected(hold.requestId, outcome.reviewer, outcome.reason));
      case 'expired':
        return this.#end('expired', approvalTimedOut(hold.requestId));
      case 'withdrawn':
        return this.#end('withdrawn', canceledByUser());
      default:
        outcome satisfies never;
        return approvalUnavailable();
    }
  }

  /** What was measured is what was approved: the run stands only within it. */
  #within(most: ApprovedRows | null): void {
    const [execution, ...others] = this.#executions;
    if (most === null || execution === undefined || others.length > 0) return;
    const { rule, decidedBy } = execution.judged.verdict;
    const limit = { ...most, action: 'deny', of: 'preview', rule: rule ?? decidedBy, message: null } as const;
    execution.affectedLimits = [limit, ...execution.affectedLimits];
  }

  /** By break-glass or by a grant; false where a person has to be asked. @throws what the store throws */
  async #releasedAtOnce(request: HoldRequest): Promise<boolean> {
    const { services, breakGlass, requesterReason } = this.#session;
    if (breakGlass && requesterReason !== null) {
      if (this.#glassIsOpen()) {
        await services.breakGlass({ ...request, ownerName: request.ownerName ?? null, reason: requesterReason });
        this.#release('breakGlass', `break-glass, without the approval the rule asks for: ${requesterReason}`);
        for (const execution of this.#executions) execution.breakGlass = requesterReason;
        this.#decidedBy([{ name: request.principalName, decision: 'breakGlass' }]);
        if (!this.#session.closed) this.#session.notice(brokenGlassWarning(request.statementId, request.rule));
        return true;
      }
      if (!this.#session.closed) this.#session.notice(glassNotOpenNotice(request.rule));
    }
    const grant = await services.granted(request);
    if (grant === null) return false;
    this.#release('grant', grantedWords(grant));
    for (const execution of this.#executions) {
      execution.grantId = grant.id;
      execution.requestId = grant.requestId;
    }
    this.#decidedBy(grant.reviewers.map((name) => ({ name, decision: 'approve' })));
    return true;
  }

  /** Every rule that holds a statement of the text lets the principal run it without approval. */
  #glassIsOpen(): boolean {
    const { groups } = this.#view.principal;
    return this.#executions.every(
      ({ judged: { verdict } }) =>
        verdict.action !== 'hold' || (verdict.approval?.breakGlass ?? []).some((group) => groups.includes(group)),
    );
  }

  #release(decidedBy: 'grant' | 'breakGlass', why: string): void {
    for (const execution of this.#executions) {
      const { judged } = execution;
      if (judged.verdict.action === 'hold')
        execution.judged = { ...judged, verdict: { ...judged.verdict, action: 'allow', decidedBy, why, approval: null } };
    }
  }

  /** The client does not wait: what it sent before has been decided meanwhile, or is told to it. */
  async #claim(request: HoldRequest): Promise<WireError | null> {
    const { services } = this.#session;
    const claim = await services.claim(request).catch((error: unknown) => {
      services.logError(services.newErrorId(), error);
      return null;
    });
    if (claim === null) return this.#end('denied', approvalUnavailable());
    const { requestId } = claim;
    for (const execution of this.#executions) execution.requestId = requestId;
    this.#decidedBy(claim.reviewers);
    switch (claim.kind) {
      case 'approved':
        this.#within(claim.most ?? null);
        return null;
      case 'rejected':
        return this.#end('rejected', statementRejected(requestId, claim.reviewer, claim.reason));
      case 'pending':
        return this.#end('denied', approvalRequired({ requestId, ...this.#words(requestId, claim.expiresAt) }));
      default:
        claim satisfies never;
        return approvalUnavailable();
    }
  }

  #decidedBy(reviewers: readonly Reviewer[]): void {
    if (reviewers.length > 0) for (const execution of this.#executions) execution.reviewers = reviewers;
  }

  #end(status: 'denied' | 'rejected' | 'expired' | 'withdrawn', error: WireError): WireError {
    for (const execution of this.#executions) this.#session.record.end(execution, status, error.fields.sqlstate);
    return error;
  }

  /** Of several held statements in one text, the first speaks; the text runs whole or not at all. */
  #lead(): Execution {
    const lead = this.#executions.find((execution) => execution.judged.verdict.action === 'hold') ?? this.#executions[0];
    if (lead === undefined) throw new Error('a held text has at least one statement');
    return lead;
  }

  /** Inside an open transaction locks stay taken while the statement waits: half the time. */
  #expiresAt(): Date {
    const { expiresInMs } = this.#approval;
    return new Date(this.#startedAtMs + (this.#session.protocol.inTransaction ? expiresInMs / 2 : expiresInMs));
  }

  #request(): HoldRequest {
    const session = this.#session;
    const { commitNeed } = session;
    const { principal, id, connectionName } = session.facts;
    const lead = this.#lead();
    const { facts } = lead.judged;
    const shape = this.#shape();
    return {
      statementId: lead.id,
      sessionId: id,
      principalId: principal.id,
      principalName: principal.name,
      ownerId: principal.owner?.id ?? null,
      ownerName: principal.owner?.name ?? null,
      connectionName,
      sql: this.#sql,
      parameters: [...lead.parameters],
      // What was approved is what runs: any difference would be another digest.
      digest: digestOf({
        sql: this.#sql,
        parameters: this.#parameters,
        principalId: principal.id,
        ownerId: principal.owner?.id ?? null,
        connectionName,
        place: this.#place,
        policyVersion: this.#view.policy.version,
      }),
      shape: shape?.digest ?? '',
      shapeIsExact: shape?.exact ?? true,
      policyVersion: this.#view.policy.version,
      kind: facts.kind,
      effects: [...new Set(this.#executions.flatMap((execution) => [...execution.judged.facts.effects]))],
      relations: this.#executions.flatMap((execution) => [...execution.judged.relations]),
      unbounded: this.#executions.some((execution) => execution.judged.facts.unboundedWrites.length > 0),
      rule: lead.judged.verdict.rule ?? lead.judged.verdict.decidedBy,
      why: lead.judged.verdict.why,
      tried: triedTogether(this.#executions.map(({ judged }) => judged.verdict.tried)),
      requesterReason: session.requesterReason,
      transactionStatus: session.protocol.status,
      reviewerGroups: [...this.#approval.groups],
      required: this.#approval.count,
      passkey: this.#approval.passkey === 'required',
      expiresAt: this.#expiresAt(),
      heldState: this.#state,
      dryRun: this.#approval.dryRun ?? false,
      tolerance: this.#approval.tolerance ?? null,
      // A COMMIT has no shape: approving one says nothing of another.
      ...(commitNeed.isCommit(this.#executions) ? { ...commitNeed.summary, heldTransaction: commitNeed.shown, shape: '' } : {}),
    };
  }

  /** What a grant of it would cover; null where its approval is for one run. */
  #shape() {
    // Where its rows were measured, one run is what was measured.
    if (this.#approval.dryRun === true || this.#executions.some(({ exceeded }) => exceeded)) return null;
    const { principal, connectionName } = this.#session.facts;
    return shapeOf(
      this.#sql,
      this.#executions.map(({ judged }) => judged),
      { parameters: this.#parameters, scope: [principal.id, principal.owner?.id ?? '', connectionName, ...this.#place] },
    );
  }

  #notice({ requestId, expiresAt }: Hold) {
    return heldNotice({ requestId, ...this.#words(requestId, expiresAt) });
  }

  #words(requestId: string, expiresAt: Date) {
    const { verdict } = this.#lead().judged;
    const { groups } = this.#approval;
    return {
      rule: verdict.rule ?? verdict.decidedBy,
      why: verdict.why,
      reviewers: groups.length === 0 ? 'any reviewer' : groups.join(', '),
      deadline: expiresAt.toISOString(),
      link: this.#session.services.requestLink(requestId),
    };
  }
}

const grantedWords = ({ id, reviewers, expiresAt }: Granted): string =>
  `grant ${id} of ${reviewers.join(' and ')}, ${expiresAt === null ? 'for this session' : `until ${expiresAt.toISOString()}`}`;
