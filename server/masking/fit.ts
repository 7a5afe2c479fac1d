import { loadCatalog } from '../../proxy/catalog/load';
import { unfitColumns } from '../../proxy/masking/unfit';
import { matchesSegment } from '../../proxy/policy/glob';
import type { MaskingRule } from '../../proxy/policy/types';
import type { Endpoint } from '../../proxy/upstream/endpoint';
import { withControl } from '../connections/control';
import { ServiceError } from '../errors';

/** A connection whose catalog can be asked for, and the masking rules that are to be held against it. */
export interface FitQuestion {
  connection: string;
  rules: readonly MaskingRule[];
  /** @throws when its credentials cannot be opened */
  endpoint(): Endpoint;
}

export interface FitAnswer {
  /** A rule's name and which columns its mask does not fit, and why. */
  refused: { rule: string; message: string }[];
  /** Which connections could not be asked. */
  warnings: string[];
}

/** How long a person waits for catalogs in all; what is not read by then is saved with a warning. */
const BUDGET_MS = 20_000;
const AT_ONCE = 4;
/** The columns a message names. */
const NAMED = 3;

/** The rules with columns to look for on a connection; one that is off masks nothing until it is saved again. */
export function rulesOn(connection: string, rules: readonly MaskingRule[]): MaskingRule[] {
  return rules.filter(
    (rule) =>
      rule.mode !== 'off' &&
      rule.columns.length > 0 &&
      (rule.connections.length === 0 || rule.connections.some((name) => matchesSegment(name, connection))),
  );
}

/** Reads the connections' catalogs and compares each rule's mask with the types of the columns it names. */
export async function checkMasksFit(questions: readonly FitQuestion[]): Promise<FitAnswer> {
  const waiting = questions.filter(({ rules }) => rules.length > 0);
  const answer: FitAnswer = { refused: [], warnings: [] };
  const endsAtMs = performance.now() + BUDGET_MS;
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { connection, rules } = next;
      const cause = performance.now() > endsAtMs ? 'other connections took too long' : await ask(next, answer);
      if (cause !== null)
        answer.warnings.push(
          `connection ${connection}: ${cause}; whether ${rules.map((rule) => rule.name).join(', ')} fits the types of its columns was not checked, and where a mask does not fit values are NULL`,
        );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return answer;
}

/** Null when the connection was asked; else why not. */
async function ask({ connection, rules, endpoint }: FitQuestion, answer: FitAnswer): Promise<string | null> {
  try {
    const catalog = await withControl(endpoint(), loadCatalog);
    for (const rule of rules) {
      const unfit = unfitColumns(rule, catalog);
      if (unfit.length === 0) continue;
      const named = unfit.slice(0, NAMED).map(({ column, problem }) => `column ${column} of connection ${connection}: ${problem}`);
      const more = unfit.length > NAMED ? `; and ${unfit.length - NAMED} more columns` : '';
      answer.refused.push({ rule: rule.name, message: `${named.join('; ')}${more}` });
    }
    return null;
  } catch (error) {
    return error instanceof ServiceError ? error.message : 'its catalog cannot be read';
  }
}
