import { setRuntime } from '../runtime';
import type { TestStore } from '../testing';
import { beginAuthenticator } from './authenticator';
import { enrolLocalAccount } from './enrol';
import type { ScryptParameters } from './phc';
import { codeAt } from './totp';

type Person = Awaited<ReturnType<TestStore['as']>>;

/** A person with a password, as they know themselves. */
export interface Enrolled {
  call: Person;
  password: string;
  secret: string;
  recoveryCodes: string[];
  /** Of so many steps from when they enrolled. */
  code(steps: number, secret?: string): string;
}

/** This process as a gateway with its own store, or on one of others. */
export const runAs = (db: TestStore, store: 'embedded' | 'external', consoleUrl = 'http://127.0.0.1:4300'): void =>
  setRuntime({
    store: db.store,
    storeUrl: db.url,
    secretKey: db.secretKey,
    embeddedStore: store === 'embedded',
    dataDir: '/nowhere',
    gatewayId: 'gw_test',
    consoleUrl,
  });

/** A password that is cheap to try, where a test is not about what it costs. */
export const CHEAP: ScryptParameters = { ln: 6, r: 8, p: 1 };

const STEP_MS = 30_000;

/** The code of so many steps from now; an authenticator's own is 0, and each is taken once. */
export const codeIn = (secret: string, steps: number, nowMs = Date.now()): string => codeAt(secret, new Date(nowMs + steps * STEP_MS));

/** Enrolled by the code of the step before, so that those of then and of the next are left, also when a step ends meanwhile. */
export async function enrolled(call: Person, cost?: ScryptParameters): Promise<Enrolled> {
  const leftMs = STEP_MS - (Date.now() % STEP_MS);
  if (leftMs < 1_000) await new Promise((resolve) => setTimeout(resolve, leftMs));
  const nowMs = Date.now();
  const password = `${call.actor.name} drinks tea by the river`;
  const { secret, pending } = await beginAuthenticator(call);
  const { recoveryCodes } = await enrolLocalAccount(call, { password, pending, code: codeIn(secret, -1, nowMs) }, cost);
  return { call, password, recoveryCodes, code: (steps, of = secret) => codeIn(of, steps, nowMs), secret };
}
