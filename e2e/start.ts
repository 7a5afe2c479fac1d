import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGateway, writeState } from './gateway';

/** Global set-up of both runners: uses the gateway of `npm test` where there is one, else starts one for this run. */
export default async function start(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.GATEHOUSE_E2E !== undefined) return undefined;
  const scratch = mkdtempSync(join(tmpdir(), 'gatehouse-e2e-run-'));
  const remove = () => rmSync(scratch, { recursive: true, force: true });
  const gateway = await startGateway({ log: join(scratch, 'gateway.log') }).catch((error) => {
    remove();
    throw error;
  });
  process.env.GATEHOUSE_E2E = writeState(gateway, join(scratch, 'gateway.json'));
  return async () => {
    await gateway.stop();
    remove();
  };
}
