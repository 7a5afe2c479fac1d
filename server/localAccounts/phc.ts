/** What a password is derived with (RFC 7914 §2): N = 2^ln. */
export interface ScryptParameters {
  ln: number;
  r: number;
  p: number;
}

export interface ScryptHash extends ScryptParameters {
  salt: Buffer;
  hash: Buffer;
}

/** What OWASP asks for: 128 MiB a derivation. */
export const PARAMETERS: ScryptParameters = { ln: 17, r: 8, p: 1 };

/** A row of the store must not be able to ask for more memory than this. */
const MOST_BYTES = 512 * 1_024 * 1_024;

/** Pure. Memory that one derivation takes. */
export const bytesOf = ({ ln, r }: ScryptParameters): number => 128 * r * 2 ** ln;

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

/** Pure. `$scrypt$ln=17,r=8,p=1$salt$hash`, as the PHC string format has it. */
export const formatPhc = ({ ln, r, p, salt, hash }: ScryptHash): string =>
  `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(hash)}`;

/** Pure. Null for what {@link formatPhc} did not write, or what asks for more than a gateway gives. */
export function parsePhc(text: string): ScryptHash | null {
  const found = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43,86})$/.exec(text);
  if (found === null) return null;
  const [, ln = '', r = '', p = '', salt = '', hash = ''] = found;
  const parsed = { ln: Number(ln), r: Number(r), p: Number(p), salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
  const isUsable = parsed.ln >= 1 && parsed.r >= 1 && parsed.p >= 1 && parsed.p <= 16 && bytesOf(parsed) <= MOST_BYTES;
  return isUsable && formatPhc(parsed) === text ? parsed : null;
}

/** Pure. Whether a hash was made with less than what new ones are made with. */
export const isOutdated = (hash: ScryptParameters, cost: ScryptParameters): boolean =>
  hash.ln < cost.ln || hash.r < cost.r || hash.p < cost.p;
