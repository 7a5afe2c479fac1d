import type { Durability } from './shapes';

/** An object store that speaks S3. Without keys of its own, the environment's (`AWS_ACCESS_KEY_ID` …) are used. */
export interface S3Target {
  type: 's3';
  bucket: string;
  /** Of an object store that is not AWS: `https://minio.example.com`. */
  endpoint?: string;
  region?: string;
  prefix?: string;
  accessKeyId?: string;
  secretAccessKey?: string;
  /** Object lock: how long nobody may delete what was put there. */
  lockDays?: number;
}

/** Where checkpoints are published, so that a log cannot be rebuilt by whoever holds it. */
export type WitnessTarget =
  | { type: 'file'; path: string }
  | S3Target
  /** `publicKey`: the witness's own, `name+hash+base64`; a signature by another does not count. */
  | { type: 'http'; url: string; token?: string; publicKey?: string }
  | { type: 'git'; path: string; remote?: string; branch?: string };

/** Where entries are sent as they are recorded. */
export type SinkTarget =
  | { type: 'otlp'; name?: string; url: string; headers?: Record<string, string>; signals?: ('logs' | 'traces')[]; maxBytes?: number }
  | { type: 'jsonl'; name?: string; path: string; maxBytes?: number }
  | { type: 'syslog'; name?: string; host: string; port: number; protocol: 'tcp' | 'udp' | 'tls'; maxBytes?: number }
  | { type: 'webhook'; name?: string; url: string; secret?: string; maxBytes?: number };

export type ArchiveTarget = { type: 'file'; path: string } | S3Target;

/** The policy document's `audit`, with its defaults filled in. */
export interface AuditSettings {
  durability: Durability;
  checkpointEveryMs: number;
  witnesses: WitnessTarget[];
  sinks: SinkTarget[];
  /** Null: everything is kept. */
  retention: { days: number; archive: ArchiveTarget | null } | null;
}

export const DEFAULT_AUDIT_SETTINGS: AuditSettings = {
  durability: 'group',
  checkpointEveryMs: 10_000,
  witnesses: [],
  sinks: [],
  retention: null,
};
