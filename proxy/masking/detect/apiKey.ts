import { API_KEY, isAlnum, isUpperAlnum, isWord, type Scan } from './scan';

type Alphabet = (byte: number) => boolean;

const isHex: Alphabet = (byte) => (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66);
const isAlnumUnderscore: Alphabet = (byte) => isAlnum(byte) || byte === 0x5f;
const isDotted: Alphabet = (byte) => isWord(byte) || byte === 0x2e;

/** A prefix that a service gives its keys, and what follows it: at least `min` of an alphabet, and not more than `max`. */
interface KeyFormat {
  prefix: string;
  alphabet: Alphabet;
  min: number;
  max?: number;
}

/** As their makers document them. Longer prefixes stand before shorter ones that begin alike. */
const FORMATS: readonly KeyFormat[] = [
  // AWS access key ids: long-lived and temporary.
  ...['AKIA', 'ASIA'].map((prefix) => ({ prefix, alphabet: isUpperAlnum, min: 16, max: 16 })),
  // GitHub: personal, OAuth, user-to-server, server-to-server, refresh; fine-grained.
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) => ({ prefix, alphabet: isAlnum, min: 36 })),
  { prefix: 'github_pat_', alphabet: isAlnumUnderscore, min: 36 },
  { prefix: 'glpat-', alphabet: isWord, min: 20 },
  // Stripe: secret and restricted keys; a test key is a key.
  ...['sk_live_', 'rk_live_', 'sk_test_', 'rk_test_', 'whsec_'].map((prefix) => ({ prefix, alphabet: isAlnum, min: 16 })),
  // Slack: bot, user, app, refresh, legacy and configuration tokens.
  ...['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xoxo-', 'xoxe-', 'xapp-'].map((prefix) => ({
    prefix,
    alphabet: isDotted,
    min: 10,
  })),
  { prefix: 'AIza', alphabet: isWord, min: 35, max: 35 },
  { prefix: 'GOCSPX-', alphabet: isWord, min: 28 },
  // Anthropic, OpenAI, OpenRouter; OpenAI's first keys have no second prefix.
  ...['sk-ant-', 'sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-or-v1-'].map((prefix) => ({ prefix, alphabet: isWord, min: 20 })),
  { prefix: 'sk-', alphabet: isAlnum, min: 32 },
  { prefix: 'hf_', alphabet: isAlnum, min: 34 },
  { prefix: 'npm_', alphabet: isAlnum, min: 36 },
  { prefix: 'pypi-', alphabet: isWord, min: 50 },
  ...['dop_v1_', 'doo_v1_', 'dor_v1_'].map((prefix) => ({ prefix, alphabet: isHex, min: 64 })),
  ...['shpat_', 'shpca_', 'shppa_', 'shpss_'].map((prefix) => ({ prefix, alphabet: isAlnum, min: 32 })),
  { prefix: 'SG.', alphabet: isDotted, min: 40 },
];

/** Formats by the first byte of their prefix. */
const BY_FIRST: readonly (readonly KeyFormat[])[] = Array.from({ length: 128 }, (_, byte) =>
  FORMATS.filter(({ prefix }) => prefix.charCodeAt(0) === byte),
);
const STARTS = new Uint8Array(256);
for (const { prefix } of FORMATS) STARTS[prefix.charCodeAt(0)] = 1;
STARTS['e'.charCodeAt(0)] = 1;
STARTS['-'.charCodeAt(0)] = 1;

/** Keys of well-known services by their formats, JSON Web Tokens (RFC 7519), private keys in PEM (RFC 7468). */
export function findKeys(scan: Scan): void {
  const { bytes, end: stop } = scan;
  for (let i = scan.start; i < stop && !scan.overflow; i++) {
    const byte = bytes[i] ?? 0;
    if (STARTS[byte] !== 1) continue;
    const end = byte === 0x2d ? pemAt(scan, i) : isAlnum(scan.at(i - 1)) ? -1 : keyAt(scan, i, byte);
    if (end < 0) continue;
    scan.hit(i, end, API_KEY);
    i = end - 1;
  }
}

function keyAt(scan: Scan, start: number, first: number): number {
  for (const { prefix, alphabet, min, max } of BY_FIRST[first] ?? []) {
    if (!startsWith(scan, start, prefix)) continue;
    const from = start + prefix.length;
    const end = runEnd(scan, from, alphabet);
    const length = end - from;
    if (length >= min && (max === undefined || length <= max) && !isAlnum(scan.at(end))) return trimmed(scan, end);
    if (!scan.spend(length)) return -1;
  }
  return first === 0x65 ? jwtAt(scan, start) : -1;
}

/** The full stop behind a key is the sentence's. */
function trimmed(scan: Scan, end: number): number {
  return scan.at(end - 1) === 0x2e ? end - 1 : end;
}

function startsWith(scan: Scan, start: number, text: string): boolean {
  if (start + text.length > scan.end) return false;
  for (let i = 0; i < text.length; i++) if (scan.bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

function runEnd(scan: Scan, from: number, alphabet: Alphabet): number {
  let end = from;
  while (alphabet(scan.at(end))) end++;
  return end;
}

/** Three parts (five when it is encrypted) in base64url, of which the first is a JSON object that names an algorithm. */
function jwtAt(scan: Scan, start: number): number {
  if (!startsWith(scan, start, 'eyJ') || isWord(scan.at(start - 1))) return -1;
  const headerEnd = runEnd(scan, start, isWord);
  if (!scan.spend(4 * (headerEnd - start)) || scan.at(headerEnd) !== 0x2e || headerEnd - start < 12) return -1;
  const header = Buffer.from(scan.bytes.toString('latin1', start, headerEnd), 'base64url').toString('latin1');
  if (!header.includes('"alg"')) return -1;
  let end = runEnd(scan, headerEnd + 1, isWord);
  if (end - headerEnd < 3 && scan.at(end) !== 0x2e) return -1;
  for (let part = 2; part < 5 && scan.at(end) === 0x2e; part++) end = runEnd(scan, end + 1, isWord);
  return trimmed(scan, end);
}

const BEGIN = '-----BEGIN ';
const PRIVATE = 'PRIVATE KEY';
const END = '-----END ';
/** `ENCRYPTED `, `OPENSSH `, `PGP `: what stands between BEGIN and PRIVATE KEY. */
const MAX_KIND = 24;

/** From BEGIN to the dashes behind END; to the end of the text when there is no END. */
function pemAt(scan: Scan, start: number): number {
  if (!startsWith(scan, start, BEGIN)) return -1;
  let kind = start + BEGIN.length;
  const stop = kind + MAX_KIND;
  while (kind < stop && !startsWith(scan, kind, PRIVATE)) kind++;
  if (kind === stop) return -1;
  const end = scan.bytes.subarray(kind, scan.end).indexOf(END, 0, 'latin1');
  if (end < 0) return scan.end;
  let last = kind + end + END.length;
  while (last < scan.end && scan.at(last) !== 0x2d && scan.at(last) !== 0x0a) last++;
  while (scan.at(last) === 0x2d) last++;
  return Math.min(last, scan.end);
}
