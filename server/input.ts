import { z } from 'zod';
import { type FieldIssue, ServiceError } from './errors';

/** Reads a verb's input; throws INVALID naming every field that is wrong. Values are not repeated: they may be secrets. */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const nul = pathOfNul(value);
  if (nul !== null) {
    const message = 'the character U+0000 is in it, which PostgreSQL cannot store';
    throw new ServiceError('INVALID', `${nul === '' ? '' : `${nul}: `}${message}`, { fields: [{ path: nul, message }] });
  }
  const parsed = schema.safeParse(value, { reportInput: false, error: inWords });
  if (parsed.success) return parsed.data;
  const fields: FieldIssue[] = parsed.error.issues.map((issue) => ({ path: pathText(issue.path), message: issue.message }));
  const first = fields[0];
  throw new ServiceError(
    'INVALID',
    first === undefined ? 'invalid input' : `${first.path === '' ? '' : `${first.path}: `}${first.message}`,
    { fields },
  );
}

/** Where in an input a text has the character U+0000; null when nowhere. No text in PostgreSQL can, so no verb has a use for it. */
function pathOfNul(value: unknown, path: readonly PropertyKey[] = []): string | null {
  if (typeof value === 'string') return value.includes('\0') ? pathText(path) : null;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, field] of Object.entries(value)) {
    const found = pathOfNul(field, [...path, Array.isArray(value) ? Number(key) : key]);
    if (found !== null) return found;
  }
  return null;
}

/** What a person reads under a field where the schema gives no words of its own; undefined leaves the library's. */
function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  const unit = 'origin' in issue && issue.origin === 'string' ? ' characters' : '';
  switch (issue.code) {
    case 'too_big':
      return `at most ${String(issue.maximum)}${unit}`;
    case 'too_small':
      if ('origin' in issue && issue.origin === 'array') return `name at least ${String(issue.minimum)}`;
      return `at least ${String(issue.minimum)}${unit}`;
    case 'invalid_type':
      return issue.expected === 'number' ? 'a number is needed' : issue.expected === 'int' ? 'a whole number is needed' : undefined;
    default:
      return undefined;
  }
}

/** `['rules', 2, 'match']` → `rules[2].match` */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`),
    '',
  );
}

type Given<T> = T extends unknown
  ? { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
      [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
    }
  : never;

/** Drops keys whose value is undefined: absent and undefined mean the same to us, and JSON columns know only absent. */
export function given<T extends object>(value: T): Given<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Given<T>;
}

/** The name of a connection, group or principal: what people type after `dbname=` and `user=`. */
export const nameSchema = z
  .string()
  .min(1, 'a name is needed')
  .max(63, 'at most 63 characters')
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.@-]*$/, 'letters, digits, and _ . @ - after the first character');

export const idSchema = z.object({ id: z.string().min(1).max(64) });

export const cursorSchema = z.string().max(200).nullish();

/** A subscription resumes after the last event the client saw; tRPC sends it by itself on reconnection. */
export const resumeSchema = z.object({ lastEventId: z.string().max(100).nullish() }).nullish();
