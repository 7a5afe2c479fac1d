import type { Store } from '../../db/store';
import { readAuditSettings } from '../../proxy/record/auditSettings';
import { openLogFiles } from '../../proxy/record/readLog';
import { codeOf } from '../../proxy/worker/shownError';
import { log } from '../log';
import { keepRetention } from './retention';

const FIRST_MS = 60_000;
const EVERY_MS = 15 * 60_000;

/** Looks at the retention four times an hour. A day that cannot be archived stays, and the log says so each time. */
export function startRetention(options: { store: Store; secretKey: Buffer; dataDir: string; node: string }): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const look = () => {
    running = running
      .then(() => lookOnce(options))
      .catch((error: unknown) => log.warn({ code: codeOf(error) }, 'the retention could not be kept'));
  };
  const first = setTimeout(look, FIRST_MS);
  const timer = setInterval(look, EVERY_MS);
  first.unref();
  timer.unref();
  return {
    async stop() {
      clearTimeout(first);
      clearInterval(timer);
      await running;
    },
  };
}

async function lookOnce({ store, secretKey, dataDir, node }: Parameters<typeof startRetention>[0]): Promise<void> {
  const settings = await readAuditSettings(store, secretKey);
  if (settings.retention === null) return;
  const files = openLogFiles(dataDir);
  try {
    const run = await keepRetention({ store, log: files, node, settings, env: process.env, nowMs: Date.now() });
    if (run.archived.length + run.dropped.length > 0) log.info({ archived: run.archived, dropped: run.dropped }, 'retention');
    if (run.kept !== null) log.warn(run.kept, 'a day older than the retention is kept');
  } finally {
    files.close();
  }
}
