import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Detector } from '../../../db/schema/shapes';
import { find } from './find';
import { mayHold } from './prefilter';
import { bitsOf, Scan } from './scan';

/** What one detector finds in a text, and whether the prefilter would have let it look. */
function found(detector: Detector, text: string, key: string | null = null): string[] {
  const bytes = Buffer.from(`<<${text}>>`);
  const scan = new Scan();
  scan.beginCell();
  const label = key === null ? null : { bytes: Buffer.from(key), start: 0, end: Buffer.byteLength(key) };
  scan.begin(bytes, 2, bytes.length - 2, label);
  find(scan, bitsOf([detector]));
  expect(scan.overflow).toBe(false);
  const spans: string[] = [];
  for (let i = 0; i < scan.spans.length; i += 3) spans.push(bytes.toString('utf8', scan.spans[i], scan.spans[i + 1]));
  if (spans.length > 0) expect(mayHold(bytes, 2, bytes.length - 2) & bitsOf([detector]), 'the prefilter would have missed it').not.toBe(0);
  return spans;
}

/** A row: the text, and what is found in it when that is not all of it. */
type Hit = string | [text: string, found: string];
const textOf = (hit: Hit) => (typeof hit === 'string' ? hit : hit[0]);
const spanOf = (hit: Hit) => (typeof hit === 'string' ? hit : hit[1]);

function table(detector: Detector, hits: readonly Hit[], misses: readonly string[]): void {
  describe(detector, () => {
    test.each(hits.map((hit) => [textOf(hit), spanOf(hit)]))('%s', (text, span) => {
      expect(found(detector, text)).toEqual([span]);
      // Where the sentence around it changes nothing.
      if (text === span) expect(found(detector, `see: ${text}, and more`)).toEqual(ALONE.has(text) ? [] : [span]);
    });
    test.each(misses.map((text) => [text]))('not %s', (text) => {
      expect(found(detector, text)).toEqual([]);
    });
  });
}

/** Found only when nothing else is in the text. */
const ALONE: ReadonlySet<string> = new Set(['123 45 6789', '212 555 0100']);

const KEY36 = 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6';
const JWT = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';
const PEM = '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----';

table(
  'credit_card',
  [
    '4111111111111111',
    '4111 1111 1111 1111',
    '4111-1111-1111-1111',
    '5555555555554444',
    '2223003122003222',
    '378282246310005',
    '3782 822463 10005',
    '3782-822463-10005',
    '30569309025904',
    '3056 930902 5904',
    '6011111111111117',
    '3530111333300000',
    '6759649826438453',
    '6799990100000000019',
    '6240008631401148',
    ['card=4111111111111111.', '4111111111111111'],
    ['4111 1111 1111 1111 123', '4111 1111 1111 1111'],
    ['4111 1111 1111 1111 12/27', '4111 1111 1111 1111'],
    ['12 4111 1111 1111 1111', '4111 1111 1111 1111'],
    ['№4111111111111111', '4111111111111111'],
    ['Zahlung mit 5555-5555-5555-4444 (Ana)', '5555-5555-5555-4444'],
  ],
  [
    '4111111111111112',
    '4111 1111-1111 1111',
    '41 11 11 11 11 11 11 11',
    '4111 1111 11111111',
    '4111 11111111 1111',
    '4111  1111  1111  1111',
    '0.4111111111111111',
    '3,4111111111111111',
    'A4111111111111111',
    '4111111111111111f',
    '94111111111111111000000000000',
    '1234567812345670',
    '0000000000000000',
    // A microsecond clock, an article code, a serial number of a phone (all with a check digit that fits).
    '1764094500000003',
    '4006381333931',
    '490154203237518',
    '2026-11-25 18:29:47.123456+00',
    '550e8400-e29b-41d4-a716-446655440000',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  ],
);

table(
  'ssn',
  [
    '123-45-6789',
    '123 45 6789',
    ['SSN 123456789', '123456789'],
    ['ssn: 123 45 6789 ok', '123 45 6789'],
    ['his social security no. 123456789', '123456789'],
  ],
  [
    '000-12-3456',
    '666-12-3456',
    '900-12-3456',
    '123-00-4567',
    '123-45-0000',
    '123-456-789',
    '123456789',
    'order 123456789',
    '1-123-45-6789',
    '123-45-6789-0',
    '123-45-67890',
    'A123-45-6789',
    '100 20 3000 items, 123 45 6789 more',
    '123-45 6789',
    '2026-11-25',
    'lessn 123456789',
  ],
);

table(
  'email',
  [
    'ana@example.com',
    'first.last+tag@sub.example.co.uk',
    "o'neil@example.ie",
    'ünïcode@bücher.example',
    'x@xn--80ak6aa92e.com',
    'user@xn--e1afmkfd.xn--p1ai',
    ['<ana@example.com>', 'ana@example.com'],
    ['mailto:ana@example.com?subject=x', 'ana@example.com'],
    ['Write to ana@example.com.', 'ana@example.com'],
    ['"ana@example.com"', 'ana@example.com'],
    ['a=1&mail=ana@example.com', 'a=1&mail=ana@example.com'],
  ],
  [
    '@example.com',
    'ana@',
    'ana@localhost',
    'ana@example.c',
    'ana @ example.com',
    '@handle and @other',
    'git@github',
    'a@b..',
    'ana@.com',
    '5 @ 3.50',
    'x@1.2',
    '@@@@',
  ],
);

table(
  'iban',
  [
    'DE89370400440532013000',
    'DE89 3704 0044 0532 0130 00',
    'de89370400440532013000',
    'GB82 WEST 1234 5698 7654 32',
    'FR1420041010050500013M02606',
    'NO9386011117947',
    'NL91ABNA0417164300',
    'MT84MALT011000012345MTLCAST001S',
    'CH93-0076-2011-6238-5295-7',
    ['IBAN:DE89370400440532013000.', 'DE89370400440532013000'],
  ],
  [
    'DE88370400440532013000',
    'DE8937040044053201300',
    'DE893704004405320130001',
    'XX89370400440532013000',
    'ADE89370400440532013000',
    'US89370400440532013000',
    'GB82 WEST 1234 5698 7654',
    'AB12',
  ],
);

table(
  'phone',
  [
    '+14155550123',
    '+1 (415) 555-0123',
    '+44 20 7946 0958',
    '+44 (0)20 7946 0958',
    '+49-30-901820',
    '+33 1 23 45 67 89',
    '(212) 555-0100',
    '(212)555-0100',
    '212-555-0100',
    '212.555.0100',
    '1-212-555-0100',
    '212 555 0100',
    ['tel. 020 7946 0958', '020 7946 0958'],
    ['Phone: 5551234', '5551234'],
    ['phone number: (020) 7946 0958', '(020) 7946 0958'],
    ['Second number +49 301234567.', '+49 301234567'],
    ['call 212-555-0100 x12', '212-555-0100'],
  ],
  [
    '5551234',
    '2125550100',
    '1764094500',
    '2026-11-25 18:29:47+00',
    '2026-11-25T18:29:47.123+02:00',
    '192.168.100.200',
    '112-555-0100',
    '212-155-0100',
    '200 300 4000 and more',
    '+1234',
    '+999123456789',
    '550e8400-e29b-41d4-a716-446655440000',
    '4111-1111-1111-1111',
    '1,234,567.89',
    '12.50 + 1234567',
    '212-555-0100-1',
    'A212-555-0100',
    '978-3-16-148410-0',
  ],
);

table(
  'api_key',
  [
    'AKIAIOSFODNN7EXAMPLE',
    'ASIAIOSFODNN7EXAMPLE',
    `ghp_${KEY36}`,
    `ghs_${KEY36}`,
    `github_pat_11ABCDEFG0abcdefghijkl_${KEY36}`,
    'glpat-abcdefghij0123456789',
    // Written in two parts, so that nobody's scanner takes this file for a leak.
    `sk_${'live'}_4eC39HqLyjWDarjtT1zdp7dc`,
    `rk_${'test'}_4eC39HqLyjWDarjtT1zdp7dc`,
    `xoxb-${'123456789012'}-abcdefABCDEF`,
    `AIza${'SyA1234567890abcdefghijklmnopqrstuv'}`,
    `sk-${'ant-api03'}-${KEY36}-${KEY36}`,
    `sk-${'proj'}-${KEY36}_x`,
    `sk-${KEY36}${KEY36.slice(0, 12)}`,
    `hf_${KEY36}`,
    JWT,
    PEM,
    '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----',
    ['key: -----BEGIN PRIVATE KEY-----\nMIIEow, cut', '-----BEGIN PRIVATE KEY-----\nMIIEow, cut'],
    [`Authorization: Bearer ${JWT}`, JWT],
    ['key=AKIAIOSFODNN7EXAMPLE;', 'AKIAIOSFODNN7EXAMPLE'],
    [`https://example.com/?token=ghp_${KEY36}&x=1`, `ghp_${KEY36}`],
  ].map((hit) => (typeof hit === 'string' ? hit : ([hit[0] ?? '', hit[1] ?? ''] as [string, string]))),
  [
    'AKIAIOSFODNN7EXAMPL',
    'AKIAIOSFODNN7EXAMPLEX',
    'XAKIAIOSFODNN7EXAMPLE',
    'akiaiosfodnn7example',
    'ghp_short',
    'sk-learn-is-a-library-with-a-long-name-of-many-words',
    'task-force-of-the-world-for-everything-there-is',
    'eyJhbGciOiJIUzI1NiJ9',
    'eyJmb28iOiJiYXIiLCJiYXoiOjF9.eyJzdWIiOiIxIn0.x',
    'eyJabcdefghijklmnop.eyJabcdefghijklmnop.abc',
    '-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----',
    '-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----',
    '----------------------------------------',
    'internationalization-of-everything',
    '550e8400-e29b-41d4-a716-446655440000',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  ],
);

describe('labels of JSON', () => {
  test.each<[Detector, string, string, boolean]>([
    ['ssn', 'ssn', '123456789', true],
    ['ssn', 'socialSecurityNumber', '123456789', true],
    ['ssn', 'order', '123456789', false],
    ['phone', 'homePhone', '5551234', true],
    ['phone', 'phone_number', '2125550100', true],
    ['phone', 'mobile', '2125550100', true],
    ['phone', 'hotel', '2125550100', false],
    ['phone', 'phone_count', '2125550100', false],
  ])('%s under the key %s: %s is %s', (detector, key, text, hit) => {
    expect(found(detector, text, key)).toEqual(hit ? [text] : []);
  });
});

describe('what is true of all of them', () => {
  const ALL: readonly Detector[] = ['credit_card', 'ssn', 'email', 'iban', 'phone', 'api_key'];

  test('several in one text', () => {
    expect(found('email', 'a@b.co, c@d.org; e@f.net')).toEqual(['a@b.co', 'c@d.org', 'e@f.net']);
    expect(found('credit_card', '4111111111111111 5555555555554444')).toEqual(['4111111111111111', '5555555555554444']);
    expect(found('ssn', '123-45-6789/234-56-7890')).toEqual(['123-45-6789', '234-56-7890']);
  });

  test('any text: spans lie inside it, in order, and the prefilter misses none of them', () => {
    const pieces = fc.oneof(
      fc.constantFrom(
        '4111111111111111',
        '4111 1111',
        ' 1111 1111',
        '123-45-6789',
        'a@b.co',
        '@',
        '+1 ',
        '(212) ',
        '555-0100',
        'DE89',
        ' ',
        '-',
        '.',
      ),
      fc.constantFrom(
        'AKIAIOSFODNN7EXAMPLE',
        'ghp_',
        'eyJ',
        JWT,
        '-----BEGIN PRIVATE KEY-----',
        '-----END ',
        'ssn: ',
        'phone ',
        '\\u0034',
        '"',
        'é',
      ),
      fc.string({ maxLength: 12 }),
      fc.stringMatching(/^[0-9 -]{1,24}$/),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 14 }), fc.constantFrom(...ALL), (parts, detector) => {
        const bytes = Buffer.from(`4111${parts.join('')}1111`);
        const [start, end] = [4, bytes.length - 4];
        const scan = new Scan();
        scan.beginCell();
        scan.begin(bytes, start, end, null);
        find(scan, bitsOf([detector]));
        let before = start;
        for (let i = 0; i < scan.spans.length; i += 3) {
          const [from = -1, to = -1] = scan.spans.slice(i, i + 2);
          expect(from).toBeGreaterThanOrEqual(before);
          expect(to).toBeGreaterThan(from);
          before = to;
        }
        expect(before).toBeLessThanOrEqual(end);
        if (scan.spans.length > 0) expect(mayHold(bytes, start, end) & bitsOf([detector])).not.toBe(0);
      }),
      { numRuns: 3000 },
    );
  });

  test('every number that Luhn and an issuer allow is found, and no other with one digit changed', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{14}$/), fc.integer({ min: 1, max: 9 }), fc.nat({ max: 15 }), (digits, change, at) => {
        const body = `4${digits}`;
        const card = body + checkDigit(body);
        expect(found('credit_card', card)).toEqual([card]);
        const wrong = [...card];
        wrong[at] = String((Number(wrong[at]) + change) % 10);
        expect(found('credit_card', wrong.join(''))).toEqual([]);
      }),
    );
  });

  test.each<[string, (i: number) => string]>([
    ['years', (i) => `${1900 + (i % 130)} `],
    ['small numbers', (i) => `${i % 10} `],
    ['numbers', (i) => `${(i * 7919) % 100_000}, `],
    ['decimals', (i) => `${(i / 7).toFixed(9)} `],
    ['a log', (i) => `2026-11-25T18:${i % 60}:47.123Z 10.0.0.${i % 256} GET /items/${i}?page=2 200 1532 "-" 12ms\n`],
    ['uuids', (i) => `550e8400-e29b-41d4-a716-${String(i).padStart(12, '0')}\n`],
    ['prose', () => 'The quick brown fox jumps over the lazy dog; it is well-known and has been said before. '],
  ])('a mebibyte of %s holds nothing and is not too much', (_name, piece) => {
    let text = '';
    for (let i = 0; text.length < 1 << 20; i++) text += piece(i);
    const bytes = Buffer.from(text);
    const scan = new Scan();
    scan.beginCell();
    scan.begin(bytes, 0, bytes.length, null);
    find(scan, bitsOf(ALL));
    expect(scan.overflow).toBe(false);
    expect(scan.spans).toEqual([]);
  });

  const MEBIBYTE = 1 << 20;
  const fill = (piece: string) => piece.repeat(Math.ceil(MEBIBYTE / piece.length)).slice(0, MEBIBYTE);
  test.each(
    [
      '1',
      '1 ',
      '12-',
      '4111 ',
      '4111111111111111',
      '+1 2 3 4 5 6 7 8 ',
      '+49 301234567 ',
      '(((',
      '((2',
      'a@',
      '@',
      'a.',
      'a@b.',
      'DE89 ',
      'DE89',
      'aa11',
    ]
      .concat([
        'eyJ',
        'eyJ-',
        'eyJa.',
        'eyJhbGciOiJub25lIn0.',
        '-----BEGIN ',
        '-----BEGIN PRIVATE KEY-----',
        '-',
        'sk-',
        'sk-ant-',
        'xoxb-',
        'ghp_',
        'AKIA',
      ])
      .concat(['ssn 123456789 ', 'ssn: ', 'phone 12 34 56 78 ', '123 45 6789 ', '212 555 0100 ', ' ', '\u00e9', '"', '\\u0034']),
  )('a mebibyte of %j is looked through in time', (piece) => {
    const bytes = Buffer.from(fill(piece));
    const scan = new Scan();
    const before = process.cpuUsage();
    scan.beginCell();
    scan.begin(bytes, 0, bytes.length, null);
    find(scan, bitsOf(ALL));
    // Of the processor, so that other work on the machine does not count; each takes some ten to two hundred milliseconds.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(2000);
  });
});

/** The digit that makes Luhn hold. */
function checkDigit(digits: string): number {
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const value = i % 2 === 0 ? Number(digit) * 2 : Number(digit);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return (10 - (sum % 10)) % 10;
}
