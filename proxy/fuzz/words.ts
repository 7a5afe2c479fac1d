import type { Judgement } from '../policy/judge';
import { VIEW as BASE_VIEW, judge } from '../session/transcript';
import { SqlSyntaxError } from '../sql/parse';

/**
 * The little language of the fuzzed programs. What a statement does stands in its first words, what the policy says of it behind them:
 * `deny`, `hold approve`, `hold reject`, `hold withdraw`; `ssn` reads the masked column.
 */
export type Spoken =
  | { kind: 'select'; rows: number; secret: boolean }
  /** Fails when it runs; `secret`: and its error quotes a masked value. */
  | { kind: 'fail'; secret: boolean }
  /** Fails when it is analysed. */
  | { kind: 'missing' }
  | { kind: 'write' }
  /** Writes, and makes the commit fail. */
  | { kind: 'defer' }
  /** A question of the gateway's own; answered with the rows changed so far. */
  | { kind: 'ask' }
  | { kind: 'begin' }
  | { kind: 'commit' }
  | { kind: 'rollback' }
  | { kind: 'copyIn' }
  | { kind: 'copyOut' }
  | { kind: 'prepare'; name: string; inner: string }
  | { kind: 'execute'; name: string }
  | { kind: 'deallocate'; name: string | null }
  | { kind: 'discardAll' };

export const SECRET = 'SECRET';
/** The server takes it and the gateway's grammar does not. */
export const NEWER = 'NEWER';

/** The statements of a text; null when it is no SQL to the server. */
export function statementsOf(text: string): { told: string; spoken: Spoken }[] | null {
  const out: { told: string; spoken: Spoken }[] = [];
  // What the gateway shows a reviewer has comments behind it.
  for (const part of text
    .replaceAll(/\n--.*/g, '')
    .split(';')
    .map((piece) => piece.trim())) {
    if (part === '') continue;
    const spoken = spokenOf(part);
    if (spoken === null) return null;
    out.push({ told: part, spoken });
  }
  return out;
}

const NAME = /^[a-z]\w*$/;
const PREPARABLE: readonly string[] = ['select', 'fail', 'missing', 'write'];

function spokenOf(told: string): Spoken | null {
  const [word = '', second = '', third = '', ...rest] = told.split(' ');
  const secret = told.includes('ssn');
  switch (word) {
    case 'select':
      return /^\d$/.test(second) ? { kind: 'select', rows: Number(second), secret } : null;
    case 'fail':
      return { kind: 'fail', secret };
    case 'missing':
    case 'write':
    case 'defer':
    case 'begin':
    case 'commit':
    case 'rollback':
      return { kind: word };
    case 'copyin':
      return { kind: 'copyIn' };
    case 'copyout':
      return { kind: 'copyOut' };
    case 'prepare': {
      const inner = rest.join(' ');
      const isPreparable = PREPARABLE.includes(rest[0] ?? '') && spokenOf(inner) !== null;
      return NAME.test(second) && third === 'as' && isPreparable ? { kind: 'prepare', name: second, inner } : null;
    }
    case 'execute':
      return NAME.test(second) ? { kind: 'execute', name: second } : null;
    case 'deallocate':
      return NAME.test(second) ? { kind: 'deallocate', name: second === 'all' ? null : second } : null;
    case 'discard':
      return second === 'all' ? { kind: 'discardAll' } : null;
    case NEWER:
      return { kind: 'write' };
    case 'SELECT':
      // The gateway's own question about what the session has set.
      return second.startsWith('pg_catalog.json_build_object') ? { kind: 'select', rows: 1, secret: false } : null;
    default:
      return null;
  }
}

export type Decision = 'approve' | 'reject' | 'withdraw';

/** What the reviewer, or the client itself, does with a held text: it stands in the text. */
export function decisionOf(text: string): Decision {
  if (text.includes('withdraw')) return 'withdraw';
  return text.includes('approve') && !text.includes('reject') ? 'approve' : 'reject';
}

/** The policy: as in the transcripts, with the session effects of the words they do not have. */
export function judgeWords(text: string): Judgement {
  if (text.includes(NEWER) || statementsOf(text) === null) throw new SqlSyntaxError(`syntax error at or near "${text}"`, 1);
  const judgement = judge(text);
  return { ...judgement, statements: judgement.statements.map(withSessionEffect) };
}

function withSessionEffect(judged: Judgement['statements'][number]): Judgement['statements'][number] {
  const { text } = judged.facts;
  if (text.startsWith('deallocate all')) return { ...judged, facts: { ...judged.facts, session: { type: 'deallocate', name: null } } };
  if (text.startsWith('discard all')) return { ...judged, facts: { ...judged.facts, session: { type: 'discard', target: 'all' } } };
  return judged;
}

export const VIEW = BASE_VIEW;
