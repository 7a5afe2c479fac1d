import { z } from 'zod';
import type { Store } from '../../db/store';
import { lockPolicy, movePolicyVersion, recordAction } from '../actions/record';
import { metadataWarnings } from '../auth/saml/metadata';
import { unboundReferences } from '../connections/unboundReferences';
import { type PolicyIssue, ServiceError } from '../errors';
import type { Actor, Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { ownConsoleUrl } from '../runtime';
import { changePolicy } from './change';
import type { PolicyDocument } from './document';
import { keepEdits } from './edits';
import { masksFit } from './fit';
import { parsePolicy } from './parse';
import { effective, planPolicy } from './plan';
import { renderPolicy } from './render';
import { changedSecrets, secretIssues } from './secrets';
import type { ApplyResult, PolicyChange } from './shape';
import { readStoredPolicy, type StoredPolicy } from './stored';
import { takenUp } from './takenUp';
import { unconfirmable } from './unconfirmable';

/**
 * `env` answers the document's `${NAME}` references. It is the caller's own environment: the server's is never read for a remote caller,
 * who could otherwise have any of its variables shown back.
 */
export const applySchema = z.object({
  yaml: z.string().max(2_000_000),
  dryRun: z.boolean().default(false),
  env: z.record(z.string(), z.string().max(500_000)).default({}),
});

/**
 * The verb behind `gatehouse apply`, `diff` and the console's editor. Answers when the proxy workers of this gateway go by the document. Throws INVALID for masks that do not fit their columns'
 * types.
 */
export async function applyDocument(call: Call, input: unknown): Promise<ApplyResult> {
  demand(call.actor, 'policy:write');
  const { yaml, dryRun, env } = parseInput(applySchema, input);
  const request = { yaml, env, dryRun, actor: call.actor, secretKey: call.secretKey };
  const fit = await masksFit(call.store, request);
  if (fit.issues.length > 0) throw invalid(fit.issues);
  const result = await applyPolicy(call.store, request);
  const late = dryRun || (await takenUp(call.store)) ? [] : [LATE];
  return { ...result, warnings: [...result.warnings, ...fit.warnings, ...late] };
}

const LATE = 'the policy is stored, and still being taken up: not every proxy worker goes by it yet';

export interface ApplyRequest {
  yaml: string;
  env: Readonly<Record<string, string | undefined>>;
  actor: Actor;
  secretKey: Buffer;
  dryRun: boolean;
}

/**
 * Makes the store hold exactly what the document says. Everything is validated before anything is touched, one transaction changes all or
 * nothing, and applying the same document again changes nothing. Throws INVALID with every {@link PolicyIssue} found.
 */
export async function applyPolicy(store: Store, request: ApplyRequest): Promise<ApplyResult> {
  const parsed = parsePolicy(request.yaml, request.env);
  if (!parsed.ok) throw invalid(parsed.issues);
  const { document, issueAt } = parsed;
  const elsewhere = [
    ...(await metadataWarnings(document.identity)),
    ...(await unboundReferences(document.connections)),
    ...unconfirmable(document.rules, ownConsoleUrl()),
  ];
  return store.transaction(async (tx) => {
    const before = await lockPolicy(tx);
    const stored = await readStoredPolicy(tx);
    const issues = secretIssues(stored, document, request.secretKey);
    if (issues.length > 0) throw invalid(issues.map(({ path, message }) => issueAt(path, message)));
    const secretsChanged = changedSecrets(stored, document, request.secretKey);
    const planned = planPolicy(stored, document, { secretsChanged, actorId: request.actor.id });
    const plan = { ...planned, warnings: [...planned.warnings, ...elsewhere] };
    if (request.dryRun || effective(plan.changes).length === 0) return { version: before, ...plan };
    const version = await movePolicyVersion(tx);
    await changePolicy(tx, { stored, document, plan, secretsChanged, secretKey: request.secretKey });
    await keepEdits(tx, request.actor, editsOf(plan.changes, stored, document));
    await recordAction(tx, request.actor, {
      action: 'policy.apply',
      subject: `version ${version}`,
      before: { yaml: renderPolicy(stored) },
      after: { yaml: renderPolicy(await readStoredPolicy(tx)), changes: effective(plan.changes) },
    });
    return { version, ...plan };
  });
}

/** What it changed of that which holds statements: rules, and what connections do by default. */
function editsOf(changes: readonly PolicyChange[], stored: StoredPolicy, document: PolicyDocument) {
  const touched = effective(changes);
  const holdsOtherwise = (name: string) => {
    const before = stored.connections.find((connection) => connection.name === name);
    const after = document.connections.find((connection) => connection.name === name);
    return before === undefined || before.default !== after?.default || before.opaque !== after.opaque;
  };
  const isMove = ({ change, fields }: PolicyChange) => change === 'update' && fields.every((field) => field === 'position');
  return touched.flatMap((item) => {
    const { kind, name } = item;
    // Moved, a rule is still as whoever made it left it.
    return (kind === 'rule' && !isMove(item)) || (kind === 'connection' && holdsOtherwise(name)) ? [{ kind, name }] : [];
  });
}

function invalid(issues: PolicyIssue[]): ServiceError {
  const [first] = issues;
  const where =
    first === undefined ? '' : `line ${first.line}, column ${first.column}: ${first.path === '' ? '' : `${first.path}: `}${first.message}`;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return new ServiceError('INVALID', `policy: ${where}${more}`, { policy: issues });
}
