import { eq } from 'drizzle-orm';
import { nodes } from '../../db/schema/record';
import type { StoreHandle } from '../../db/store';
import { ownConsoleUrl, ownGatewayId } from '../runtime';

/** The log of another gateway: what stands in it can be proved only there. */
export interface OtherLog {
  node: string;
  /** Where its gateway's console is; null where the store does not know, or knows no other address than this console's. */
  consoleUrl: string | null;
  /** When its gateway was last heard of. */
  seenAt: Date;
}

/** Null: it is this gateway's own, or the store knows no such log. */
export async function otherLog(store: StoreHandle, node: string): Promise<OtherLog | null> {
  const own = ownGatewayId();
  const { gatewayId, consoleUrl, seenAt } = nodes;
  const [row] = await store.select({ gatewayId, consoleUrl, seenAt }).from(nodes).where(eq(nodes.name, node));
  if (row === undefined || own === null || row.gatewayId === own) return null;
  // Gateways behind one address are not told apart by it.
  return { node, consoleUrl: row.consoleUrl === ownConsoleUrl() ? null : row.consoleUrl, seenAt: row.seenAt };
}

/** Which gateway has a statement's entry, and where to ask. */
export const otherLogText = (id: string, { node, consoleUrl }: OtherLog): string =>
  `${id} stands in the log of ${node}, and only that gateway can prove it: ${
    consoleUrl === null
      ? 'ask its console; the store does not know where that is (CONSOLE_URL)'
      : `${consoleUrl}/audit/${id}, or GATEHOUSE_URL=${consoleUrl} npx gatehouse audit prove ${id}`
  }`;
