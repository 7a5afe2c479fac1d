import { z } from 'zod';
import { ScimError } from './errors';

export interface Operation {
  op: 'add' | 'replace' | 'remove';
  /** Null: the value is an object of attributes. */
  path: string | null;
  value: unknown;
}

const MOST_OPERATIONS = 1_000;
const schema = z.object({
  Operations: z
    .array(z.object({ op: z.string(), path: z.string().max(500).nullish(), value: z.unknown().optional() }))
    .min(1)
    .max(MOST_OPERATIONS),
});

/** The operations of a PATCH; `op` in any case, as Entra writes it. Pure; throws ScimError. */
export function operationsOf(body: unknown): Operation[] {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new ScimError(400, `Operations: 1 to ${MOST_OPERATIONS} of them, each with an op`, 'invalidSyntax');
  return parsed.data.Operations.map(({ op, path, value }) => {
    const verb = op.toLowerCase();
    if (verb !== 'add' && verb !== 'replace' && verb !== 'remove') throw new ScimError(400, 'op: add, replace or remove', 'invalidSyntax');
    if (verb === 'remove' && (path ?? '') === '') throw new ScimError(400, 'a remove needs a path', 'invalidPath');
    return { op: verb, path: path ?? null, value };
  });
}

/** A boolean, or Entra's word for one. Pure; throws ScimError: what nobody understands must not leave somebody active. */
export function truth(attribute: string, value: unknown): boolean {
  const word = typeof value === 'string' ? value.toLowerCase() : value;
  if (word === true || word === 'true') return true;
  if (word === false || word === 'false') return false;
  throw new ScimError(400, `${attribute}: true or false`, 'invalidValue');
}
