import { performance } from 'node:perf_hooks';
import { renderBanner } from './boot/banner';
import { createClosing } from './boot/closing';
import { whenParentEnds } from './boot/parent';
import { startGateway } from './boot/start';
import { type Config, ConfigError, readConfig } from './config';
import { ServiceError } from './errors';
import { log } from './log';

/** Ctrl-C reaches us twice when npm runs us: from the terminal, and passed on by npm. Only a later one means "now". */
const SAME_SIGNAL_MS = 750;

// bin/start.mjs sets it; a container that runs dist/main.js itself may not.
Object.assign(process.env, { NODE_ENV: process.env.NODE_ENV ?? 'production' });
const say = (line: string) => process.stdout.write(`  ${line}\n`);
const closing = createClosing((name, err) => log.error({ err, part: name }, 'did not stop cleanly'));

/** Stops everything, then ends the process: nothing is left running or locked. */
async function end(exitCode: number): Promise<never> {
  await closing.close();
  process.exit(exitCode);
}

let signalledAtMs: number | null = null;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    const nowMs = performance.now();
    if (signalledAtMs === null) {
      signalledAtMs = nowMs;
      say('stopping (again to stop at once)');
      void end(0);
    } else if (nowMs - signalledAtMs > SAME_SIGNAL_MS) {
      // Workers leave when we are gone, and so does the embedded PostgreSQL; the next start recovers.
      process.exit(130);
    }
  });
}
if (process.env.npm_lifecycle_event !== undefined) whenParentEnds(() => void end(0));
process.on('uncaughtException', (err) => {
  log.fatal({ err }, 'unexpected error');
  void end(1);
});
// A promise nobody waited for belongs to one request or page; statements are in other processes.
process.on('unhandledRejection', (err) => log.error({ err }, 'unhandled rejection'));

function configOrExit(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) process.stderr.write(`${problem}\n`);
    process.exit(1);
  }
}

try {
  const config = configOrExit();
  const { banner, lost } = await startGateway(config, { dev: process.argv.includes('--dev'), closing, say });
  if (!closing.closing) {
    process.stdout.write(renderBanner(banner));
    void lost.then((what) => {
      if (closing.closing) return;
      process.stderr.write(`${what}; stopping, since nothing can be recorded or approved without it\n`);
      void end(1);
    });
  }
} catch (error) {
  // A start that a signal interrupts fails somewhere; that is not news.
  if (!closing.closing) {
    const known = error instanceof ServiceError || (error instanceof Error && error.constructor === Error);
    process.stderr.write(`${known ? (error as Error).message : 'the start failed'}\n`);
    if (!known) log.fatal({ err: error }, 'start failed');
  }
  await end(closing.closing ? 0 : 1);
}
