import { sign } from '../outgoing/sign';
import type { LogRecord } from '../record/leaf';
import { postBatch } from './post';
import type { Gap, Sink } from './sink';

/**
 * Batches by Standard Webhooks: `audit.entries` with the leaves as they are hashed. `webhook-id` is the same for the same first entry, so that
 * a receiver knows what comes a second time.
 */
export function createWebhook(options: { url: string; secret: string; node: string; now(): number }): Sink {
  const { url, secret, node, now } = options;
  return {
    batch: 500,
    async send(records, gap, signal) {
      const first = records[0]?.index ?? gap?.to ?? 0;
      const id = `aud_${node}_${first}`;
      const at = now();
      const timestamp = Math.floor(at / 1_000);
      const body = bodyOf(records, { gap, node, at });
      const signature = sign([secret], id, timestamp, body);
      const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signature };
      await postBatch(url, { headers, body, signal });
    },
    close: () => Promise.resolve(),
  };
}

/** Written by hand around the leaves: they keep their bytes. */
function bodyOf(records: readonly LogRecord[], { gap, node, at }: { gap: Gap | null; node: string; at: number }): string {
  const entries = records.map(({ index, bytes }) => `{"index":${index},"leaf":${bytes.toString('utf8')}}`).join(',');
  const head = JSON.stringify({ type: 'audit.entries', timestamp: new Date(at).toISOString() }).slice(0, -1);
  return `${head},"data":{"node":${JSON.stringify(node)},"gap":${JSON.stringify(gap)},"entries":[${entries}]}}`;
}
