import { z } from 'zod';
import { readKeys } from '../../db/secrets';

/** What the supervisor gives the recorder in its environment (server/boot). */
const schema = z.object({
  DATABASE_URL: z.string().min(1),
  GATEHOUSE_SECRET_KEY: z
    .string()
    .regex(/^[A-Za-z0-9+/=,]{44,}$/)
    .transform(readKeys),
  GATEHOUSE_DATA_DIR: z.string().min(1),
  GATEHOUSE_ID: z.string().startsWith('gw_'),
  GATEHOUSE_NODE: z.string().min(1),
  /** The first recorder of a run starts before any worker: whatever journal is there has no writer. */
  GATEHOUSE_FIRST: z.enum(['yes', 'no']),
});

export interface RecorderSettings {
  storeUrl: string;
  secretKey: Buffer;
  dataDir: string;
  gatewayId: string;
  node: string;
  first: boolean;
}

/** @throws with the names of the settings that are missing or wrong, never their values. */
export function readRecorderSettings(environment: NodeJS.ProcessEnv): RecorderSettings {
  const parsed = schema.safeParse(environment);
  if (!parsed.success) throw new Error(`recorder settings: ${parsed.error.issues.map((issue) => issue.path.join('.')).join(', ')}`);
  const env = parsed.data;
  return {
    storeUrl: env.DATABASE_URL,
    secretKey: env.GATEHOUSE_SECRET_KEY,
    dataDir: env.GATEHOUSE_DATA_DIR,
    gatewayId: env.GATEHOUSE_ID,
    node: env.GATEHOUSE_NODE,
    first: env.GATEHOUSE_FIRST === 'yes',
  };
}
