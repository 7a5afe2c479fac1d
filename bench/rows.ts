import { PerformanceObserver } from 'node:perf_hooks';
import { Writable } from 'node:stream';
import type { MaskSpec } from '../db/schema/shapes';
import { maskRow, type RowMask } from '../proxy/masking/rows';
import { cellMaskFor } from '../proxy/masking/transforms/cellMaskFor';
import { Out } from '../proxy/session/out';
import { Backend } from '../proxy/wire/messages';
import { BackendScanner } from '../proxy/wire/stream';
import { MessageWriter } from '../proxy/wire/writer';

/**
 * What masking costs a row: the server's bytes through the scanner into a session's output, passed on and with one of five columns masked.
 * Rounds are interleaved, ratios are taken within a round.
 *
 *   npm run bench:rows -- [rounds] [thousand rows a round]
 */
const ROUNDS = Number(process.argv[2] ?? 7);
const ROWS = Number(process.argv[3] ?? 200) * 1_000;
const CHUNK_BYTES = 65_536;

const CASES: readonly [name: string, mask: MaskSpec | null, column: number, typeOid: number][] = [
  ['passed on', null, 0, 0],
  ['redact text', { type: 'redact' }, 2, 25],
  ['null', { type: 'null' }, 2, 25],
  ['partial text', { type: 'partial', keepLast: 4 }, 2, 25],
  ['email text', { type: 'email' }, 3, 25],
  ['hash text', { type: 'hash' }, 2, 25],
  ['hash int4', { type: 'hash' }, 0, 23],
  ['number int4', { type: 'number', bucket: 100 }, 0, 23],
  ['date', { type: 'date', truncate: 'year' }, 4, 1082],
];

let collections = 0;
new PerformanceObserver((list) => {
  collections += list.getEntries().length;
}).observe({ entryTypes: ['gc'] });
/** The observer is told a little later. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

const chunks = chunksOf(ROWS);
const rates = new Map<string, number[]>(CASES.map(([name]) => [name, []]));
const garbage = new Map<string, number>();
for (let round = -1; round < ROUNDS; round++) {
  for (const [name, spec, column, typeOid] of CASES) {
    const masks = spec === null ? null : masksOf(spec, column, typeOid);
    await settled();
    collections = 0;
    const startedAtMs = performance.now();
    run(masks);
    const seconds = (performance.now() - startedAtMs) / 1_000;
    await settled();
    // The first round is for the compiler.
    if (round < 0) continue;
    rates.get(name)?.push(ROWS / seconds);
    garbage.set(name, (garbage.get(name) ?? 0) + collections);
  }
}

const base = rates.get('passed on') ?? [];
console.log(`${ROUNDS} rounds of ${ROWS} rows of 5 columns; median`);
for (const [name, own] of rates) {
  const ratio = median(own.map((rate, i) => rate / (base[i] ?? Number.NaN)));
  const perMillion = ((garbage.get(name) ?? 0) / ROUNDS / ROWS) * 1_000_000;
  const added = median(own.map((rate, i) => 1e9 / rate - 1e9 / (base[i] ?? Number.NaN)));
  console.log(
    `  ${name.padEnd(13)} ${(median(own) / 1e6).toFixed(2).padStart(6)} M rows/s   ${ratio.toFixed(2)} of passed on   ${added.toFixed(0).padStart(5)} ns a row more   ${perMillion.toFixed(0).padStart(4)} collections per million rows`,
  );
}
process.exit(0);

function run(masks: RowMask | null): void {
  const out = new Out(new Writable({ write: (_chunk, _encoding, done) => done() }));
  const scanner = new BackendScanner({
    treat: () => (masks === null ? 'pass' : 'whole'),
    message: (_type, bytes) => {
      if (masks === null) return 'pass';
      maskRow(bytes, masks, out.room());
      return 'taken';
    },
    cut: () => undefined,
    forward: (bytes) => out.append(bytes),
  });
  for (const chunk of chunks) {
    scanner.push(chunk);
    out.flush();
  }
}

function masksOf(spec: MaskSpec, column: number, typeOid: number): RowMask {
  const mask = cellMaskFor({ spec, typeOid, format: 0, types: new Map(), hashKey: Buffer.alloc(32, 7) });
  return Array.from({ length: 5 }, (_, i) => (i === column ? mask : null));
}

/** The rows as a socket delivers them. */
function chunksOf(rows: number): Buffer[] {
  const writer = new MessageWriter();
  for (let i = 0; i < rows; i++) {
    const ssn = String((i * 7_919) % 1_000_000_000).padStart(9, '0');
    const born = new Date(i * 7_919 * 1_000_000).toISOString().slice(0, 10);
    const cells = [String(i), `name of ${i}`, `${ssn.slice(0, 3)}-${ssn.slice(3, 5)}-${ssn.slice(5)}`, `person${i}@example.com`, born];
    writer.begin(Backend.dataRow).int16(cells.length);
    for (const cell of cells) writer.int32(cell.length).bytes(Buffer.from(cell));
    writer.end();
  }
  const bytes = writer.take();
  return Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, i) => bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
