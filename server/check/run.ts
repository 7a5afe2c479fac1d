import { eq } from 'drizzle-orm';
import { principals } from '../../db/schema/identity';
import type { Action } from '../../db/schema/shapes';
import { loadCatalog } from '../../proxy/catalog/load';
import type { CatalogSnapshot } from '../../proxy/catalog/types';
import { loadPrincipal } from '../../proxy/identity/principal';
import { mayConnect } from '../../proxy/identity/signIn';
import { maskedColumnsFor } from '../../proxy/masking/columns';
import { type JudgedStatement, type Judgement, judge } from '../../proxy/policy/judge';
import { loadPolicy } from '../../proxy/policy/snapshot';
import type { ConnectionPolicy, Principal, Verdict } from '../../proxy/policy/types';
import { loadParser, SqlSyntaxError, SqlTooComplexError } from '../../proxy/sql/parse';
import { targetOf, withControl } from '../connections/control';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand, seesOnlyOwn } from '../identity/permission';
import { parseInput } from '../input';
import { type CheckedStatement, type CheckResult, checkSchema } from './shape';

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
  if (!mayConnect(policy.access, principal, connection.name))
    return { verdict: refusal('access', `no access entry lets ${principal.name} open a session on ${connection.name}`), statements: [] };

  const catalog = await withControl(targetOf(connection, secretKey), loadCatalog);
  const masks = maskedColumnsFor({ masking: policy.masking, connection, principal, catalog });
  if (superuserRefused(connection, catalog) && !masks.empty)
    return {
      verdict: refusal('access', `${connection.name} signs in upstream as a superuser or BYPASSRLS role, and masking applies`),
      statements: [],
    };
  await loadParser();
  try {
    return present(judge(sql, { connection, principal, policy, catalog, masks, now: new Date() }), connection, principal);
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
function present(judgement: Judgement, connection: ConnectionPolicy, principal: Principal): CheckResult {
  const [first, ...rest] = judgement.statements;
  const verdict =
    first === undefined
      ? ({ ...refusal('default', `no statement to run as ${principal.name} on ${connection.name}`), action: 'allow' } satisfies Verdict)
      : rest.reduce((strictest, item) => (RANK[item.verdict.action] > RANK[strictest.action] ? item.verdict : strictest), first.verdict);
  return { verdict, statements: judgement.statements.map(presentStatement) };
}

function presentStatement({ facts, relations, touch, verdict, rewritten }: JudgedStatement): CheckedStatement {
  return {
    kind: facts.kind,
    text: facts.text,
    effects: [...facts.effects].sort(),
    relations: [...relations],
    verdict,
    ...(rewritten === undefined ? {} : { rewritten: rewritten.text }),
    masking:
      touch.state === 'clean'
        ? { state: 'clean', columns: [] }
        : { state: touch.state, columns: [...touch.columns], ...(touch.state === 'unresolved' ? { reason: touch.reason } : {}) },
  };
}
