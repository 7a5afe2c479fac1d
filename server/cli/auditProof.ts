import { readFileSync, writeFileSync } from 'node:fs';
import { TRPCClientError } from '@trpc/client';
import type { Command } from 'commander';
import { messageOf } from '../audit/proof/trust';
import { parseDuration } from '../duration';
import { readCheckpoints, verifyCommand } from './auditVerify';
import { CliError } from './errors';
import { downloadRecord } from './recordDownload';
import type { Context, Define } from './run';

/** A statement of just now is covered by the next checkpoint. */
const WAIT_FOR_CHECKPOINT_MS = 45_000;
const ASK_AGAIN_MS = 1_000;

/** Commands of `audit` that make proofs, and the one that checks them. */
export function auditProofCommands(audit: Command, define: Define): void {
  define(audit, 'export', 'write the record itself, with its proof, for `audit verify`', async (context, _args, options) => {
    if (typeof options.out !== 'string') throw new CliError('--out FILE is needed', 2);
    const nowMs = Date.now();
    const written = await downloadRecord(context, options.out, {
      since: timeOf(options.since, '--since', nowMs),
      until: timeOf(options.until, '--until', nowMs),
      withValues: options.withValues === true,
      kept: keptOf(options.checkpoint, context),
    });
    const what = written.to === written.from ? 'no entries' : `entries ${written.from} to ${written.to - 1}`;
    context.print(
      written,
      `${what} of ${written.origin} are in ${written.file}; check them with: npx gatehouse audit verify ${written.file}`,
    );
  })
    .option('--out <file>', 'where to write it; it appears when it is complete')
    .option('--since <time>', 'from this long ago (24h, 30m …), or from a time (2026-11-26T08:00:00Z)')
    .option('--until <time>', 'up to then; default: the newest checkpoint')
    .option('--with-values', 'open the values that clients sent: SQL texts, parameters, recorded rows')
    .option('--checkpoint <file>', 'tie it to a checkpoint you kept that is older than --since');

  define(
    audit,
    'prove <statement>',
    'prove that a statement is in the record, without showing any other',
    async (context, [statement = ''], options) => {
      const input = { statement, withValues: options.withoutValues !== true, kept: keptOf(options.checkpoint, context) };
      const { file } = await untilCovered(() => context.client.record.prove.mutate(input));
      if (typeof options.out !== 'string') return context.print({ statement, file }, file);
      writeNew(options.out, file);
      context.print(
        { statement, file: options.out },
        `the proof of ${statement} is in ${options.out}; check it with: npx gatehouse audit verify ${options.out}`,
      );
    },
  )
    .option('--out <file>', 'where to write it; default: standard output')
    .option('--without-values', 'do not open the values that the client sent')
    .option('--checkpoint <file>', 'tie it to a checkpoint you kept');

  define(
    audit,
    'checkpoint',
    'print the newest signed checkpoint: keep it where the gateway cannot reach',
    async (context, _args, options) => {
      const checkpoint = await context.client.record.checkpoint.query();
      if (typeof options.out !== 'string') return context.print(checkpoint, checkpoint.note);
      writeNew(options.out, checkpoint.note);
      context.print(
        { ...checkpoint, file: options.out },
        `the checkpoint about ${checkpoint.size} entries of ${checkpoint.origin} is in ${options.out}; its key is ${checkpoint.publicKey}`,
      );
    },
  ).option('--out <file>', 'where to write it; default: standard output');

  verifyCommand(audit, define);
}

/** The newest of each log in a file that somebody kept. */
function keptOf(path: string | boolean | undefined, context: Context): { origin: string; size: number }[] {
  if (typeof path !== 'string') return [];
  const newest = new Map<string, number>();
  for (const { origin, size } of readCheckpoints(path, context)) newest.set(origin, Math.max(size, newest.get(origin) ?? 0));
  return [...newest].map(([origin, size]) => ({ origin, size }));
}

function timeOf(text: string | boolean | undefined, option: string, nowMs: number): string | null {
  if (typeof text !== 'string') return null;
  const agoMs = parseDuration(text);
  const atMs = agoMs === null ? (/^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN) : nowMs - agoMs;
  if (Number.isNaN(atMs)) throw new CliError(`${option} is a duration (24h) or a time (2026-11-26T08:00:00Z)`, 2);
  return new Date(atMs).toISOString();
}

async function untilCovered<T>(ask: () => Promise<T>): Promise<T> {
  for (const startedAt = performance.now(); ; ) {
    try {
      return await ask();
    } catch (error) {
      const data: unknown = error instanceof TRPCClientError ? error.data : null;
      const isEarly = typeof data === 'object' && data !== null && 'service' in data && data.service === 'CONFLICT';
      if (!isEarly || performance.now() - startedAt > WAIT_FOR_CHECKPOINT_MS) throw error;
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }
}

/** A checkpoint that is kept is never written over with another: that would be what it guards against. */
function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      if (readFileSync(path, 'utf8') === text) return;
      throw new CliError(`${path} is there already and is not written over`, 2);
    }
    throw new CliError(`${path} cannot be written: ${messageOf(error)}`, 2);
  }
}
