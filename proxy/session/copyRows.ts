import { CopyMaskError, MAX_ROW_BYTES } from '../masking/copy/malformed';
import { type CopyPlan, planCopy } from '../masking/copyPlan';
import { enforcesDetection } from '../masking/detect/rules';
import { answerTooLarge } from '../wire/errors';
import { Backend } from '../wire/messages';
import type { Disposal } from '../wire/stream';
import type { Execution } from './execution';
import type { Session } from './session';

/** Of a CopyData message. */
const COPY_HEADER_BYTES = 5;

type MaskedCopy = Extract<CopyPlan, { kind: 'mask' }>;

/** COPY TO STDOUT: what becomes of its data. */
export class CopyRows {
  readonly #session: Session;
  readonly #withhold: (execution: Execution, reason: string) => Disposal;
  /** Masks the rows of the COPY that runs now; null where they pass as they are. */
  #plan: MaskedCopy | null = null;
  #binary = false;

  constructor(session: Session, withhold: (execution: Execution, reason: string) => Disposal) {
    this.#session = session;
    this.#withhold = withhold;
  }

  get masking(): boolean {
    return this.#plan !== null;
  }

  over(): void {
    this.#plan = null;
  }

  start(execution: Execution, bytes: Buffer): Disposal {
    this.#binary = bytes[5] === 1;
    const session = this.#session;
    const rules = session.services.detecting(session.facts);
    if (execution.judged.touch.state === 'clean') {
      // It was judged before a rule began to look into content.
      if (enforcesDetection(rules)) return this.#withhold(execution, 'The policy has changed; send it again.');
      return 'pass';
    }
    const view = session.services.view(session.facts);
    // Judged a moment ago, by a catalog that can no longer be vouched for.
    if (view instanceof Promise) {
      view.catch(() => undefined);
      return this.#withhold(execution, 'The catalog has changed; send it again.');
    }
    const { hashKey } = session.services;
    const { types } = view.catalog;
    const detection = rules.length === 0 ? null : { rules, types, hashKey };
    const plan = planCopy(bytes, execution.judged.touch, { types, hashKey, detection });
    switch (plan.kind) {
      case 'pass':
        return 'pass';
      case 'mask':
        if (execution.seen !== null && plan.columns.length > 0)
          return this.#withhold(execution, 'The principal has a budget of masked values, which are not counted in COPY; use SELECT.');
        this.#plan = plan;
        execution.plan = { kind: 'mask', masks: [], columns: plan.columns, hits: plan.hits };
        return 'pass';
      case 'withhold':
        return this.#withhold(execution, plan.reason);
      default:
        plan satisfies never;
        return 'taken';
    }
  }

  /** One CopyData. */
  data(bytes: Buffer): Disposal {
    const session = this.#session;
    const execution = session.protocol.running(Backend.copyData);
    // Only what is recorded comes here unmasked.
    if (this.#plan === null) {
      execution.rows++;
      execution.bytes += bytes.length - 5;
      this.#takeDown(execution, bytes, 5, bytes.length);
      return 'pass';
    }
    const { mask, out } = this.#plan;
    const startedMs = performance.now();
    try {
      mask.push(bytes, 5, bytes.length);
    } catch (error) {
      return this.#failed(execution, error);
    }
    execution.maskingMs += performance.now() - startedMs;
    execution.rows++;
    execution.bytes += out.length;
    this.#takeDown(execution, out.bytes, COPY_HEADER_BYTES, out.length);
    session.toClient.room().append(out.bytes, 0, out.length);
    out.length = 0;
    return 'taken';
  }

  /** As it leaves. */
  #takeDown(execution: Execution, bytes: Buffer, start: number, end: number): void {
    const { recording } = execution;
    if (recording === null) return;
    recording.copied(bytes, start, end, this.#binary);
    if (recording.full && !this.#session.toClient.holding) this.#session.record.rows(execution);
  }

  /** CopyDone; false when it became an error. */
  ends(): boolean {
    if (this.#plan === null) return true;
    const { mask } = this.#plan;
    try {
      mask.finish();
      return true;
    } catch (error) {
      this.#failed(this.#session.protocol.running(Backend.copyDone), error);
      return false;
    }
  }

  /** An error in the middle of a COPY is what PostgreSQL itself says then; nothing of the row that caused it has left. */
  #failed(execution: Execution, error: unknown): Disposal {
    if (!(error instanceof CopyMaskError)) throw error;
    if (error.tooLargeBytes !== null) throw answerTooLarge(error.tooLargeBytes, MAX_ROW_BYTES);
    return this.#withhold(execution, error.message);
  }
}
