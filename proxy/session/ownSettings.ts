import type { HeldState } from '../../db/schema/shapes';
import { readSessionSettings, SESSION_SETTINGS_SQL } from '../preview/heldState';
import { Frontend } from '../wire/messages';
import { ask } from './ask';
import type { Execution } from './execution';
import type { Session } from './session';

const SYNC = Buffer.from([Frontend.sync, 0, 0, 0, 4]);

/** What a session has set, for a dry run that has to be like it. What it began with is known; what it set since, the server is asked. */
export class OwnSettings {
  readonly #session: Session;
  readonly #backendPid: number | null;
  readonly #atStart: Readonly<Record<string, string>>;
  /** Of the connection: PostgreSQL does not list them among what a session has set. */
  readonly #variables: Readonly<Record<string, string>>;
  #changed = false;

  constructor(
    session: Session,
    {
      backendPid,
      atStart,
      variables,
    }: { backendPid: number | null; atStart: Readonly<Record<string, string>>; variables: Readonly<Record<string, string>> },
  ) {
    this.#session = session;
    this.#backendPid = backendPid;
    this.#atStart = { ...atStart, ...variables };
    this.#variables = variables;
  }

  /** Something runs that may set something. */
  follow({ facts }: Execution['judged']): void {
    this.#changed ||=
      facts.session?.type === 'set' || facts.session?.type === 'discard' || SETTING.some((effect) => facts.effects.has(effect));
  }

  /** As it is now, between two statements. Asked where asking ends nothing: at rest, or inside an explicit transaction. */
  async state(): Promise<HeldState> {
    const known: HeldState = { backendPid: this.#backendPid, role: null, settings: this.#atStart, asked: false };
    if (!this.#changed) return known;
    const session = this.#session;
    const { protocol } = session;
    const unknown = { ...known, settings: null };
    if (!protocol.atRest && protocol.status !== 'T') return unknown;
    let answer: ReturnType<typeof readSessionSettings> = null;
    ask(session, SESSION_SETTINGS_SQL, (cell) => (answer = readSessionSettings(cell)));
    protocol.sentRest();
    session.toUpstream.append(SYNC);
    session.toUpstream.flush();
    await session.whenAnswered();
    if (answer === null) return unknown;
    const now = answer as NonNullable<ReturnType<typeof readSessionSettings>>;
    return { ...known, ...now, settings: { ...now.settings, ...this.#variables } };
  }
}

const SETTING = ['setting', 'opaque', 'role'] as const;
