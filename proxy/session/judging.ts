import type { JudgedStatement, Judgement } from '../policy/judge';
import { SqlSyntaxError } from '../sql/parse';
import { canceledBeforeItRan } from '../wire/errors';
import { type Effective, effectiveOf } from './effective';
import type { PreparedStatement } from './names';
import type { Session, SessionView } from './session';

/** A text that the server may well refuse in its own words: to the gateway it is no SQL, or names what the catalog does not have. */
export class UnparsedText extends Error {
  override name = 'UnparsedText';
  constructor(
    readonly sql: string,
    message: string,
    readonly view: SessionView,
    /** What it was judged to be; null where the grammar does not take it. */
    readonly judged: JudgedStatement | null = null,
  ) {
    super(message);
  }
}

/** What a step may be: done, or under way. */
type Step = void | Promise<void>;

/**
 * When and by what a text is judged: under one consistent view of policy, catalog and names, and never while something that was sent
 * earlier may still change one of them.
 */
export class Judging {
  readonly #session: Session;
  #lastJudged: { sql: string; view: SessionView; searchPathKnown: boolean; judgement: Judgement } | null = null;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Everything that decides sees one consistent view; while the catalog or a cancel is under way, it waits. */
  withView(step: (view: SessionView) => Step): Step {
    const session = this.#session;
    if (session.cancelledWaiting) throw canceledBeforeItRan();
    // Whatever failed meanwhile, the server ignores this message now.
    const again = () => (session.protocol.skipping || session.closed ? undefined : this.withView(step));
    const barrier = session.catalogBarrier ?? session.cancelBarrier;
    // When the catalog could not be read, the view says so.
    if (barrier !== null) return barrier.then(again, again);
    const unsettled = this.#unsettled();
    if (unsettled !== null) return unsettled.then(again);
    const view = session.services.view(session.facts);
    return view instanceof Promise ? view.then(again) : step(view);
  }

  /** Names and catalog are not what they were once a statement that changes them is on its way: its answer is awaited. */
  #unsettled(): Promise<void> | null {
    const session = this.#session;
    const settled = session.unsettled.size === 0;
    if (settled && !(session.catalogDirty && session.protocol.owed > 0)) return null;
    session.askForAnswers();
    return settled ? session.whenAnswered() : session.whenSettled();
  }

  /**
   * A name the snapshot does not have may be a relation made a moment ago by someone else, masked columns and all: the catalog is read
   * again before such a text is judged. What this session makes in its own open transaction is invisible to that reading, so it is not tried.
   */
  withNames(sql: string, step: (view: SessionView) => Step): Step {
    const session = this.#session;
    return this.withView((view) => {
      if (view.policy.masking.length === 0 || session.catalogDirty || !namesUnknown(this.judge(sql, view), view)) return step(view);
      return session.services
        .refreshCatalog(session.facts.connectionName)
        .catch(() => undefined)
        .then(() => this.withView((now) => (session.protocol.skipping || session.closed ? undefined : step(now))));
    });
  }

  /** EXECUTE and FETCH mean what their names mean when they run: nothing that may change those is still on its way. */
  usesNames(sql: string, view: SessionView): boolean {
    if (this.#session.protocol.owed === 0) return false;
    return this.judge(sql, view).statements.some(({ facts }) => facts.session?.type === 'execute' || facts.session?.type === 'fetch');
  }

  whenAnswered(step: () => Step): Promise<void> {
    const session = this.#session;
    session.askForAnswers();
    return session.whenAnswered().then(() => (session.protocol.skipping || session.closed ? undefined : step()));
  }

  /** One text is judged at Parse, at Bind and before each; while nothing it depends on has moved, once is enough. */
  judge(sql: string, view: SessionView): Judgement {
    const { searchPathKnown } = this.#session;
    const last = this.#lastJudged;
    if (last !== null && last.sql === sql && last.view === view && last.searchPathKnown === searchPathKnown) return last.judgement;
    const judgement = this.#judgeAnew(sql, view);
    this.#lastJudged = view.timeless ? { sql, view, searchPathKnown, judgement } : null;
    return judgement;
  }

  #judgeAnew(sql: string, view: SessionView): Judgement {
    const { services, searchPathKnown } = this.#session;
    try {
      return services.judge(sql, view, searchPathKnown);
    } catch (error) {
      throw error instanceof SqlSyntaxError ? new UnparsedText(sql, error.message, view) : error;
    }
  }

  effective(sql: string, view: SessionView): { effective: Effective; analysisMs: number } {
    const startMs = performance.now();
    const { names } = this.#session.protocol;
    const effective = effectiveOf(this.judge(sql, view), names, {
      judge: (text) => this.judge(text, view),
      cursorsMustBeKnown: !view.masks.empty,
    });
    return { effective, analysisMs: performance.now() - startMs };
  }

  /** What binding a prepared statement would run. A PREPARE is judged as what it prepared, without the leave it has when it only prepares. */
  effectiveOf(statement: PreparedStatement, view: SessionView): { effective: Effective; analysisMs: number } {
    if (!statement.bySql) return this.effective(statement.sql, view);
    const startMs = performance.now();
    return { effective: { ...this.judge(statement.sql, view), runs: [] }, analysisMs: performance.now() - startMs };
  }
}

/**
 * Names of CTEs and of the session's own cursors are no relations; what remains must be in the catalog. Columns are missed only where lineage
 * looked for them.
 */
function namesUnknown(judgement: Judgement, view: SessionView): boolean {
  return judgement.statements.some(
    ({ facts, touch }) =>
      (touch.state === 'unresolved' && touch.unfollowed === true) ||
      facts.relations.some((relation) => !view.catalog.relationsByName.has(relation.name)),
  );
}
