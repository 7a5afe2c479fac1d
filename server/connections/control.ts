import type pg from 'pg';
import { connectUpstream, type UpstreamTarget } from '../../proxy/upstream/connect';
import { controlClient } from '../../proxy/upstream/control';
import { type Endpoint, endpointOf, type SealedEndpoint } from '../../proxy/upstream/endpoint';
import { ServiceError } from '../errors';

const TIMEOUT_MS = 5_000;

/** The target of a stored connection, its credentials in clear. */
export const targetOf = (row: SealedEndpoint, secretKey: Buffer): Endpoint => endpointOf(row, secretKey);

/** How the gateway signs in upstream on its own behalf. */
export const controlTarget = (endpoint: Endpoint): UpstreamTarget => ({
  ...endpoint,
  parameters: { application_name: 'gatehouse console', statement_timeout: '15000' },
  timeoutMs: TIMEOUT_MS,
});

/**
 * Signs in upstream on the gateway's own behalf, runs `work` and closes. Throws UNAVAILABLE when the upstream cannot be reached, in the
 * server's or the network's words.
 */
export async function withControl<T>(endpoint: Endpoint, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = controlClient(() => connectUpstream(controlTarget(endpoint)));
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw new ServiceError(
      'UNAVAILABLE',
      `the upstream database cannot be reached: ${error instanceof Error ? error.message : 'unknown cause'}`,
    );
  }
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
