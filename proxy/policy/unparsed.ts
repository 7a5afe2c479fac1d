import type { JudgedStatement } from './judge';

/** The judgement on a text that PostgreSQL's grammar does not take: nothing is known of it, and it never runs. */
export function judgeUnparsed(text: string, why: string): JudgedStatement {
  return {
    facts: {
      kind: 'SYNTAX ERROR',
      commands: [],
      effects: new Set(),
      relations: [],
      functions: [],
      unboundedWrites: [],
      fingerprint: '',
      complete: false,
      unknown: [],
      text,
      session: null,
    },
    relations: [],
    touch: { state: 'unresolved', reason: why, columns: [] },
    verdict: { action: 'deny', rule: null, decidedBy: 'analysis', why, approval: null, tried: [] },
    changesCatalog: false,
  };
}
