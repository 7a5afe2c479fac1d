import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createClosing } from '../boot/closing';
import { openDataDir } from '../boot/dataDir';
import { readOperatorKey } from '../boot/operatorKey';
import { bootStore } from '../boot/store';
import { readConfig } from '../config';
import { systemActor } from '../identity/actor';
import { setRuntime } from '../runtime';
import { keepKeys } from '../secrets/keep';
import { type Rotation, rotateSecrets } from '../secrets/rotate';
import { openSecretKeys } from '../secrets/storeKeys';

/**
 * A rotation without a gateway: in its place, with its settings, data directory and key, on the store itself. The same transactions and the same
 * record, which the gateway takes into its log when it starts again. Other gateways on the store may run: they hear of it as they always do.
 * @throws in words for the operator when the gateway runs, when this is not where it keeps its data, or when the key does not open the store
 */
export async function rotateOffline(env: Readonly<Record<string, string | undefined>>, input: unknown): Promise<Rotation> {
  const config = readConfig(env);
  if (!existsSync(join(config.dataDir, 'gateway-id')))
    throw new Error(
      `no gateway keeps its data in ${config.dataDir}: set GATEHOUSE_DATA_DIR and the gateway's other settings as it has them`,
    );
  const closing = createClosing(() => undefined);
  try {
    const dataDir = openDataDir(config.dataDir);
    await closing.add('data directory lock', () => dataDir.lock.release());
    const found = await readOperatorKey(dataDir.path, config.secretKey);
    const { store, url } = await bootStore({ ...config, demo: false }, dataDir.path, closing, () => undefined);
    const secretKey = await openSecretKeys(store, found.key);
    const keys = keepKeys({ found, store, secretKey, tell: () => undefined });
    await closing.add('secret keys', () => keys.stop());
    // Whose log the record of it is for.
    const { gatewayId, path } = dataDir;
    setRuntime({ store, storeUrl: url, secretKey, operatorKey: keys.operatorKey, dataDir: path, gatewayId, consoleUrl: '' });
    return await rotateSecrets({ store, secretKey, actor: { ...systemActor, via: 'cli' } }, input);
  } finally {
    await closing.close();
  }
}
