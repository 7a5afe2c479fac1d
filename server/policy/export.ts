import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { renderPolicy } from './render';
import { readStoredPolicy } from './stored';

/** The whole policy as a document. Holds no secret. */
export async function exportDocument({ store, actor }: Call): Promise<{ yaml: string }> {
  demand(actor, 'policy:read');
  const yaml = await store.transaction(async (tx) => renderPolicy(await readStoredPolicy(tx)), {
    isolationLevel: 'repeatable read',
    accessMode: 'read only',
  });
  return { yaml };
}
