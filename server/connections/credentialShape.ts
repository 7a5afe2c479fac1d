import { z } from 'zod';
import type { Action, PasswordFrom, UpstreamSession } from '../../db/schema/shapes';
import { ENVIRONMENT_PREFIX } from '../../proxy/credentials/local';
import { given } from '../input';

const name = z
  .string()
  .regex(/^[A-Z0-9_]{1,200}$/, 'a name in capital letters')
  .refine((text) => text.startsWith(ENVIRONMENT_PREFIX), `only names that begin with ${ENVIRONMENT_PREFIX} may be read`);

const vaultPath = z
  .string()
  .max(500)
  .regex(/^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)+$/, 'a path of Vault’s API without v1/, e.g. secret/data/shop or database/creds/readonly')
  .refine((path) => path.split('/').every((part) => !/^\.+$/.test(part)), 'no dots alone');

const references = {
  env: z.strictObject({ env: name }),
  file: z.strictObject({ file: z.string().min(1, 'a path').max(500) }),
  vault: z.strictObject({ vault: z.strictObject({ path: vaultPath, field: z.string().min(1, 'a field').max(200).default('password') }) }),
  rds: z.strictObject({ rds: z.strictObject({ region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d+$/, 'a region, e.g. eu-central-1') }) }),
};

function schemaOf(given: unknown): z.ZodType<string | PasswordFrom> | undefined {
  if (typeof given === 'string') return z.string().max(1_000);
  if (typeof given !== 'object' || given === null) return undefined;
  return Object.entries(references).find(([kind]) => kind in given)?.[1];
}

/** A password, or where it is kept. No union, so that a mistake is named where it is. */
export const passwordSchema: z.ZodType<string | PasswordFrom> = z.unknown().transform((given, context) => {
  const parsed = schemaOf(given)?.safeParse(given);
  if (parsed?.success) return parsed.data;
  for (const { path, message } of parsed?.error.issues ?? [
    { path: [], message: `a text, or one of ${Object.keys(references).join(', ')}` },
  ])
    context.addIssue({ code: 'custom', path, message });
  return z.NEVER;
});

const variable = z
  .string()
  .max(63)
  .regex(/^[a-z_][a-z0-9_$]*\.[a-z_][a-z0-9_$]*$/, 'a setting with a prefix of its own in small letters, e.g. app.user')
  .refine((text) => !text.startsWith('gatehouse.'), 'gatehouse. is the gateway’s own');

export const upstreamSessionSchema: z.ZodType<UpstreamSession> = z
  .strictObject({
    variables: z
      .record(z.string(), z.enum(['principal', 'owner', 'groups', 'session']))
      .superRefine((all, context) => {
        const names = Object.keys(all);
        if (names.length > 20) context.addIssue({ code: 'custom', message: 'at most 20' });
        // A record would only say that a key is invalid.
        for (const given of names)
          for (const { message } of variable.safeParse(given).error?.issues ?? [])
            context.addIssue({ code: 'custom', path: [given], message: `${given}: ${message}` });
      })
      .default({}),
    applicationName: z.literal('person', 'the only word here is person').optional(),
  })
  .transform(given);

/** What nobody can look into may set any variable: row-level security must not rest on one while such statements run unasked. */
export const opaqueIssue = ({ variables }: UpstreamSession, opaque: Action): string | null =>
  opaque === 'allow' && Object.keys(variables).length > 0
    ? 'must be hold or deny where session variables are given: a DO block could change them'
    : null;
