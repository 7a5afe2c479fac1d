import type { PasswordFrom } from '../../db/schema/shapes';
import { demandHost } from '../../proxy/credentials/hosts';
import { UpstreamError } from '../../proxy/upstream/error';

/**
 * Warnings for connections whose reference this gateway's operator did not name for their server. No refusal: another gateway on the store may
 * have another list, and whoever connects looks again.
 */
export async function unboundReferences(
  connections: readonly { name: string; host: string; port: number; passwordFrom?: PasswordFrom | null }[],
): Promise<string[]> {
  const found = await Promise.all(
    connections.map(async ({ name, host, port, passwordFrom }) => {
      if (passwordFrom == null) return [];
      const issue = await demandHost(passwordFrom, { host, port }, process.env).catch((error: unknown) => error);
      return issue instanceof UpstreamError ? [`connection ${name}: ${issue.reason}${issue.hint === null ? '' : `: ${issue.hint}`}`] : [];
    }),
  );
  return found.flat();
}
