import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { bytesOf, formatPhc, isOutdated, PARAMETERS, parsePhc, type ScryptHash, type ScryptParameters } from './phc';
import { createTurns, type Turns } from './turns';

const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** Next bundles its own copies of our modules, and the bound is one for the process: 256 MiB, and half of libuv's threads. */
const KEY = Symbol.for('gatehouse.scryptTurns');
const holder = globalThis as typeof globalThis & { [KEY]?: Turns };
const turns = (): Turns => {
  holder[KEY] ??= createTurns({ atOnce: 2, mostWaiting: 24 });
  return holder[KEY];
};

/** Two keyboards may spell one letter in two ways (Unicode NFKC; NIST SP 800-63B §3.1.1.2). */
const spelled = (password: string): string => password.normalize('NFKC');

const derive = (password: string, { salt, hash, ...parameters }: ScryptHash): Promise<Buffer> =>
  turns().take(
    () =>
      new Promise((resolve, reject) => {
        const { ln, r, p } = parameters;
        const options = { N: 2 ** ln, r, p, maxmem: bytesOf(parameters) * 2 };
        scrypt(spelled(password), salt, hash.length, options, (error, key) => (error === null ? resolve(key) : reject(error)));
      }),
  );

/**
 * Off the event loop.
 * @param cost for tests, whose many people need no dear password; here and below, a gateway never says it.
 * @throws TooBusy
 */
export async function hashPassword(password: string, cost: ScryptParameters = PARAMETERS): Promise<string> {
  const blank = { ...cost, salt: randomBytes(SALT_BYTES), hash: Buffer.alloc(HASH_BYTES) };
  return formatPhc({ ...blank, hash: await derive(password, blank) });
}

/** No password has it; with the cost of one that somebody has, it takes as long. */
const NOBODYS = { salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };

/**
 * Whether it is the password, and whether it should be hashed anew. With null, for somebody who has none, it takes the same time and is not.
 * @throws TooBusy
 */
export async function verifyPassword(
  passwordHash: string | null,
  password: string,
  cost: ScryptParameters = PARAMETERS,
): Promise<{ matches: boolean; outdated: boolean }> {
  const known = passwordHash === null ? null : parsePhc(passwordHash);
  const hash = known ?? { ...cost, ...NOBODYS };
  const same = timingSafeEqual(await derive(password, hash), hash.hash);
  return { matches: known !== null && same, outdated: isOutdated(hash, cost) };
}
