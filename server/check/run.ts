import { isDeepStrictEqual } from 'node:util';
import { eq } from 'drizzle-orm';
import { principals } from '../../db/schema/identity';
import type { Action } from '../../db/schema/shapes';
import type { CatalogSnapshot } from '../../proxy/catalog/types';
import { loadPrincipal } from '../../proxy/identity/principal';
import { mayConnect } from '../../proxy/identity/signIn';
import { adviceFor } from '../../proxy/masking/advice';
import { type MaskIndex, maskedColumnsFor } from '../../proxy/masking/columns';
import { explainOutputs } from '../../proxy/masking/explain';
import { type JudgedStatement, type Judgement, judge } from '../../proxy/policy/judge';
import { loadPolicy } from '../../proxy/policy/snapshot';
import type { ConnectionPolicy, MaskingRule, Principal, Verdict } from '../../proxy/policy/types';
import { loadParser, SqlSyntaxError, SqlTooComplexError } from '../../proxy/sql/parse';
import { readCatalog } from '../connections/catalog';
import { targetOf, withControl } from '../connections/control';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand, seesOnlyOwn } from '../identity/permission';
import { parseInput } from '../input';
import { type CheckedMasking, type CheckedStatement, type CheckResult, checkSchema } from './shape';

/**
 * What the proxy would do with a text: the same judge, policy and masks, and the upstream's catalog as it is now. Nothing of the text is
 * sent upstream. A member may ask as themselves and as their own agents.
 */
export async function runCheck({ store, actor, secretKey }: Call, input: unknown): Promise<CheckResult> {
  demand(actor, 'check:own');
  const { connection: connectionName, principal: principalName, sql } = parseInput(checkSchema, input);
  const [found] = await store.select({ id: principals.id }).from(principals).where(eq(principals.name, principalName));
  const principal = found === undefined ? null : await loadPrincipal(store, found.id);
  if (seesOnlyOwn(actor) && principal?.id !== actor.id && principal?.owner?.id !== actor.id)
    throw new ServiceError('FORBIDDEN', 'a member checks as themselves or as their own agents');
  if (principal === null) throw notFound('principal', principalName);
  const policy = await loadPolicy(store);
  const connection = policy.connections.get(connectionName);
  if (connection === undefined) throw notFound('connection', connectionName);
  if (!mayConnect(policy.access, principal, connection.name, new Date()))
    return { verdict: refusal('access', `no access entry lets ${principal.name} open a session on ${connection.name}`), statements: [] };

  const catalog = await withControl(targetOf(connection, secretKey), (client) => readCatalog(store, connection.id, client));
  await loadParser();
  const masks = maskedColumnsFor({ masking: policy.masking, connection, principal, catalog });
  if (superuserRefused(connection, catalog) && !masks.empty)
    return {
      verdict: refusal('access', `${connection.name} signs in upstream as a superuser or BYPASSRLS role, and masking applies`),
      statements: [],
    };
  const context = { connection, principal, policy, catalog, now: new Date() };
  const all =
    masks.observed.length === 0 ? null : maskedColumnsFor({ masking: asEnforced(policy.masking), connection, principal, catalog });
  try {
    const judgement = judge(sql, { ...context, masks });
    const observed = all === null ? null : { masks: all, judgement: judge(sql, { ...context, masks: all }) };
    const statements = judgement.statements.map((statement, index) => {
      const masking = maskingOf(statement, masks, catalog);
      const other = observed?.judgement.statements[index];
      const would = observed === null || other === undefined ? null : maskingOf(other, observed.masks, catalog);
      return presentStatement(statement, { ...masking, observed: isDeepStrictEqual(masking, would) ? null : would });
    });
    return { verdict: verdictOf(judgement, connection, principal), statements };
  } catch (error) {
    if (error instanceof SqlSyntaxError)
      return {
        verdict: refusal('analysis', 'it does not parse'),
        statements: [],
        error: { message: error.message, position: error.position },
      };
    if (error instanceof SqlTooComplexError)
      return { verdict: refusal('analysis', error.message), statements: [], error: { message: error.message, position: null } };
    throw error;
  }
}

const superuserRefused = (connection: ConnectionPolicy, catalog: CatalogSnapshot): boolean =>
  connection.superuser === 'refuse' && (catalog.user.superuser || catalog.user.bypassRls);

const refusal = (decidedBy: Verdict['decidedBy'], why: string): Verdict => ({
  action: 'deny',
  rule: null,
  decidedBy,
  why,
  approval: null,
  tried: [],
});

const RANK: Readonly<Record<Action, number>> = { allow: 0, hold: 1, deny: 2 };

/** The strictest statement speaks for the text. */
function verdictOf(judgement: Judgement, connection: ConnectionPolicy, principal: Principal): Verdict {
  const [first, ...rest] = judgement.statements;
  if (first === undefined)
    return { ...refusal('default', `no statement to run as ${principal.name} on ${connection.name}`), action: 'allow' };
  return rest.reduce((strictest, item) => (RANK[item.verdict.action] > RANK[strictest.action] ? item.verdict : strictest), first.verdict);
}

function presentStatement(
  { facts, relations, verdict, rewritten }: JudgedStatement,
  masking: CheckedStatement['masking'],
): CheckedStatement {
  return {
    kind: facts.kind,
    text: facts.text,
    effects: [...facts.effects].sort(),
    relations: [...relations],
    verdict,
    ...(rewritten === undefined ? {} : { rewritten: rewritten.text }),
    masking,
  };
}

function maskingOf({ touch }: JudgedStatement, masks: MaskIndex, catalog: CatalogSnapshot): CheckedMasking {
  switch (touch.state) {
    case 'clean':
      return { state: 'clean', columns: [], outputs: null };
    case 'resolved':
      return { state: 'resolved', columns: [...touch.columns], outputs: explainOutputs(touch, masks, catalog.types) };
    case 'unresolved': {
      const advice = adviceFor(touch.cause);
      return {
        state: 'unresolved',
        columns: [...touch.columns],
        reason: touch.reason,
        ...(advice === null ? {} : { advice }),
        outputs: null,
      };
    }
    default:
      return touch satisfies never;
  }
}

/** What the rules would mask if those that only observe were enforced. */
function asEnforced(rules: readonly MaskingRule[]): MaskingRule[] {
  return rules.map((rule) => (rule.mode === 'observe' ? { ...rule, mode: 'enforce' } : rule));
}
