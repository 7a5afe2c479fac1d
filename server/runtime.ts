import type { RecorderStatus } from '../db/schema/auditShapes';
import type { Store } from '../db/store';
import type { PolicyVersions } from '../proxy/worker/messages';
import type { OperatorKey } from './secrets/operatorKey';

/** What one gateway process has once. Set by server/main.ts before Next starts. */
export interface Runtime {
  store: Store;
  /** For LISTEN (db/listen.ts). Holds a password: never log it. */
  storeUrl: string;
  /** The root of the store's keys (db/secrets.ts). */
  secretKey: Buffer;
  /** What wraps them; the one thing an operator keeps. */
  operatorKey?: OperatorKey;
  /** The store is the embedded PostgreSQL of this gateway alone, not one that operators bring. */
  embeddedStore?: boolean;
  dataDir: string;
  gatewayId: string;
  /** What this gateway's record is called. */
  node?: string;
  /** How the record stands, by the recorder's last word. */
  recorder?: { status(): RecorderStatus | null };
  /** The proxy workers: whether all of them go by these versions, or do within the time. */
  workers?: { untilHeld(wanted: PolicyVersions, withinMs: number): Promise<boolean> };
  /** Without a trailing slash. */
  consoleUrl: string;
  /** Where Slack's Web API is, with a slash at the end. */
  slackApiUrl?: string;
  /** What clients connect to, for the snippets. */
  proxyHost?: string;
  proxyPort?: number;
}

/** Next bundles its own copies of our modules, so process-wide state lives on globalThis and nowhere else. */
const KEY = Symbol.for('gatehouse.runtime');
const holder = globalThis as typeof globalThis & { [KEY]?: Runtime };

export function setRuntime(runtime: Runtime): void {
  holder[KEY] = runtime;
}

/** Whose log an action becomes an entry of; null in a process that is no gateway, and before this one has booted. */
export const ownGatewayId = (): string | null => holder[KEY]?.gatewayId ?? null;

/** Where people find this gateway's console; null as with its id. */
export const ownConsoleUrl = (): string | null => holder[KEY]?.consoleUrl ?? null;

/** Null in a process that has none, and before they accept. */
export const proxyWorkers = () => holder[KEY]?.workers ?? null;

/** Throws when the server has not booted: a page or a router must never run against half a process. */
export function getRuntime(): Runtime {
  const runtime = holder[KEY];
  if (runtime === undefined) throw new Error('gatehouse runtime is not set: server/main.ts sets it before anything is served');
  return runtime;
}
