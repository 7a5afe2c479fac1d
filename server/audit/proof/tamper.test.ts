import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCheckpoint, signCheckpoint } from '../../../proxy/tlog/checkpoint';
import { noteSigner, parseNoteKey } from '../../../proxy/tlog/noteKey';
import type { FindingKind } from './report';
import { exported, keptAt, verifyText } from './sampleExport';
import { newestCheckpoint, SampleLog, sampleLog } from './sampleLog';

const log = sampleLog();
const text = await exported(log);
const lines = text.split('\n').slice(0, -1);
/** A checkpoint the customer kept, somewhere in the middle. */
const kept = keptAt(log, 3);
const keptSize = kept.checkpoints[0]?.size ?? 0;
const join = (changed: readonly string[]) => changed.map((line) => `${line}\n`).join('');
const forger = noteSigner('gatehouse.example/gw_1', Buffer.alloc(32, 66));

/** Line of the file that holds entry `index`. */
const at = (index: number) => index + 1;
const entryWith = (part: string) => lines.findIndex((line) => line.includes(part)) - 1;
const middle = entryWith('"id":"stm_20"');

const changed = (line: number, change: (line: string) => string) => join(lines.map((old, number) => (number === line ? change(old) : old)));
const without = (from: number, to: number) => join([...lines.slice(0, from), ...lines.slice(to)]);

/** An entry with another number in front, all else as it was. */
const renumber = (line: string, by: number) => line.replace(/^\{"index":(\d+)/, (_, index: string) => `{"index":${Number(index) + by}`);

interface Tampering {
  name: string;
  text: string;
  /** One of the findings is of this kind. */
  kind: FindingKind;
}

/** The same file with one leaf field changed, for each field of an intent, an outcome, an action and a checkpoint. */
function editedFields(): Tampering[] {
  const found: Tampering[] = [];
  for (const part of ['"id":"stm_20","sessionId"', '"id":"stm_20","status"', '"id":"act_19"', '"type":"checkpoint"', '"gatewayId"']) {
    const index = entryWith(part);
    const line = lines[at(index)] ?? '';
    const leafText = /"leaf":(\{.*?\})(,"opened":\{"sql.*)?\}$/.exec(line)?.[1] ?? '';
    for (const [path, json] of leavesOf(JSON.parse(leafText))) {
      const forged = typeof json === 'number' ? json + 1 : typeof json === 'string' ? `${json}x` : 'changed';
      const edited = JSON.stringify(set(JSON.parse(leafText), path, forged));
      found.push({
        name: `edit ${path.join('.')} of entry ${index}`,
        text: changed(at(index), (old) => old.replace(leafText, edited)),
        kind: 'root',
      });
    }
  }
  return found;
}

function leavesOf(value: unknown, path: string[] = []): [string[], unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

function set(value: unknown, [key, ...rest]: string[], to: unknown): unknown {
  if (key === undefined) return to;
  if (Array.isArray(value)) return value.map((item, index) => (String(index) === key ? set(item, rest, to) : item));
  return Object.fromEntries(Object.entries(value as object).map(([name, inner]) => [name, name === key ? set(inner, rest, to) : inner]));
}

/** The log as somebody with the disk makes it anew, with other statements. */
const rebuilt = (signer = log.signer) => exported(sampleLog(40, 9, new SampleLog(signer), 'rebuilt'));
const forgedNote = signCheckpoint({ size: newestCheckpoint(log).size, root: newestCheckpoint(log).root }, forger);
const endWith = (note: string) => join([...lines.slice(0, -1), JSON.stringify({ type: 'end', checkpoint: note })]);
const newest = newestCheckpoint(log).source;
const earlier = log.notes[4] ?? '';

const tamperings: Tampering[] = [
  ...editedFields(),
  { name: 'an entry dropped', text: without(at(middle), at(middle) + 1), kind: 'index' },
  {
    name: 'an entry dropped and the rest renumbered',
    text: join([...lines.slice(0, at(middle)), ...lines.slice(at(middle) + 1).map((line) => renumber(line, -1))]),
    kind: 'root',
  },
  { name: 'the first entry dropped', text: without(1, 2), kind: 'index' },
  { name: 'the last entry dropped', text: without(lines.length - 2, lines.length - 1), kind: 'incomplete' },
  {
    name: 'two entries exchanged',
    text: join(
      lines.map((line, number) => lines[number === at(middle) ? at(middle) + 1 : number === at(middle) + 1 ? at(middle) : number] ?? line),
    ),
    kind: 'index',
  },
  {
    name: 'two entries exchanged and renumbered',
    text: join(
      lines.map((line, number) =>
        number === at(middle)
          ? renumber(lines[number + 1] ?? '', -1)
          : number === at(middle) + 1
            ? renumber(lines[number - 1] ?? '', 1)
            : line,
      ),
    ),
    kind: 'root',
  },
  { name: 'a line twice', text: join(lines.flatMap((line, number) => (number === at(middle) ? [line, line] : [line]))), kind: 'index' },
  {
    name: 'a line twice and the rest renumbered',
    text: join(
      lines.flatMap((line, number) =>
        number < at(middle) ? [line] : number === at(middle) ? [line, renumber(line, 1)] : [renumber(line, 1)],
      ),
    ),
    kind: 'root',
  },
  { name: 'an entry renumbered', text: changed(at(middle), (line) => renumber(line, 1)), kind: 'index' },
  { name: 'all entries renumbered', text: join(lines.map((line) => renumber(line, 1))), kind: 'index' },
  { name: 'cut at a line', text: join(lines.slice(0, 60)), kind: 'incomplete' },
  { name: 'cut within a line', text: text.slice(0, text.length - 40), kind: 'incomplete' },
  { name: 'cut before the last end of a line', text: text.slice(0, -1), kind: 'incomplete' },
  { name: 'cut to the header', text: join(lines.slice(0, 1)), kind: 'incomplete' },
  { name: 'emptied', text: '', kind: 'incomplete' },
  { name: 'without the header', text: join(lines.slice(1)), kind: 'malformed' },
  {
    name: 'cut back to an earlier checkpoint that is genuine',
    text: join([
      ...lines.slice(0, at(parseCheckpoint(log.notes[2] ?? '').size)),
      JSON.stringify({ type: 'end', checkpoint: log.notes[2] }),
    ]),
    kind: 'kept checkpoint',
  },
  {
    name: 'the beginning cut off, genuinely exported from later',
    text: await exported(log, { from: keptSize + 1 }),
    kind: 'kept checkpoint',
  },
  { name: 'the beginning cut off and the header left', text: without(1, 20), kind: 'index' },
  { name: 'rebuilt from the start with the same key', text: await rebuilt(), kind: 'kept checkpoint' },
  { name: 'rebuilt from the start with another key', text: await rebuilt(forger), kind: 'kept checkpoint' },
  {
    name: 'rebuilt, and begins behind the kept checkpoint',
    text: await exported(sampleLog(40, 9, new SampleLog(), 'x'), { from: keptSize + 1, kept: [keptSize] }),
    kind: 'kept checkpoint',
  },
  {
    name: 'a fork that left before the kept checkpoint',
    text: await exported(sampleLog(80, 9, new SampleLog(), 'fork')),
    kind: 'kept checkpoint',
  },
  { name: 'the last checkpoint replaced by an earlier one', text: endWith(earlier), kind: 'incomplete' },
  {
    name: 'the last checkpoint replaced by one of another log',
    text: endWith(newestCheckpoint(sampleLog(40, 9, new SampleLog(), 'x')).source),
    kind: 'root',
  },
  { name: 'the last checkpoint with another size', text: endWith(newest.replace(/\n\d+\n/, '\n5\n')), kind: 'signature' },
  {
    name: 'the last checkpoint with another root',
    text: endWith(newest.replace(/\n[\w+/]{43}=\n/, `\n${Buffer.alloc(32).toString('base64')}\n`)),
    kind: 'signature',
  },
  {
    name: 'the last checkpoint with another origin',
    text: endWith(newest.replace('gatehouse.example/gw_1\n', 'gatehouse.example/gw_3\n')),
    kind: 'origin',
  },
  { name: 'the last checkpoint without signature', text: endWith(newest.slice(0, newest.indexOf('\n\n') + 2)), kind: 'signature' },
  {
    name: 'the last checkpoint with another signature',
    text: endWith(newest.slice(0, newest.indexOf('\n\n') + 2) + earlier.slice(earlier.indexOf('\n\n') + 2)),
    kind: 'signature',
  },
  { name: 'the last checkpoint signed by another', text: endWith(forgedNote), kind: 'signature' },
  {
    name: 'signed by another, and the key replaced',
    text: endWith(forgedNote).replace(log.publicKey, forger.text),
    kind: 'kept checkpoint',
  },
  { name: 'the key replaced', text: text.replace(log.publicKey, forger.text), kind: 'signature' },
  { name: 'the key damaged', text: text.replace(log.publicKey, log.publicKey.slice(0, -2)), kind: 'key' },
  {
    name: 'the origin replaced',
    text: text.replace('"origin":"gatehouse.example/gw_1"', '"origin":"gatehouse.example/gw_3"'),
    kind: 'origin',
  },
  { name: 'the version replaced', text: text.replace('"v":1', '"v":2'), kind: 'malformed' },
  { name: 'the type replaced', text: text.replace('gatehouse-export', 'gatehouse-other'), kind: 'malformed' },
  {
    name: 'a beginning invented',
    text: text.replace('"prefix":{"size":0,"hashes":[]}', `"prefix":{"size":1,"hashes":["${Buffer.alloc(32).toString('base64')}"]}`),
    kind: 'index',
  },
  { name: 'a field added to the header', text: text.replace('"v":1', '"v":1,"note":"x"'), kind: 'malformed' },
  { name: 'a second header', text: join([...lines.slice(0, 5), lines[0] ?? '', ...lines.slice(5)]), kind: 'malformed' },
  { name: 'an entry behind the end', text: `${text}${lines[at(middle)]}\n`, kind: 'malformed' },
  { name: 'an empty line', text: join([...lines.slice(0, 5), '', ...lines.slice(5)]), kind: 'malformed' },
  { name: 'no JSON', text: changed(at(middle), (line) => `${line}x`), kind: 'malformed' },
  { name: 'white space in a leaf', text: changed(at(middle), (line) => line.replace('"leaf":{"v":1', '"leaf":{"v": 1')), kind: 'root' },
  { name: 'white space around a line', text: changed(at(middle), (line) => ` ${line}`), kind: 'malformed' },
  {
    name: 'a field of a line twice',
    text: changed(at(middle), (line) => line.replace('"leaf":', '"leaf":{"v":1},"leaf":')),
    kind: 'malformed',
  },
  {
    name: 'a leaf of a format nobody knows',
    text: changed(at(middle), (line) => line.replace('"leaf":{"v":1', '"leaf":{"v":2')),
    kind: 'malformed',
  },
  { name: 'a value changed', text: changed(at(middle), (line) => line.replace("SELECT 'ü', 20", "SELECT 'ü', 21")), kind: 'value' },
  { name: 'a salt changed', text: changed(at(middle), (line) => line.replace(/"sql":\["../, '"sql":["AA')), kind: 'value' },
  {
    name: 'two values exchanged',
    text: changed(at(middle), (line) =>
      line.replace(/"opened":\{"sql":(\[.*\]),"parameters":(\[.*\])\}/, '"opened":{"sql":$2,"parameters":$1}'),
    ),
    kind: 'value',
  },
  {
    name: 'the values of another entry',
    text: changed(at(middle), (line) =>
      line.replace(/,"opened".*/, (lines[at(entryWith('"id":"stm_21"'))] ?? '').replace(/.*(?=,"opened")/, '')),
    ),
    kind: 'value',
  },
  {
    name: 'a value added',
    text: changed(at(middle), (line) => line.replace('"opened":{', '"opened":{"rows":["AAAAAAAAAAAAAAAAAAAAAA==","x"],')),
    kind: 'value',
  },
  {
    name: 'a value under a name of every object',
    text: changed(at(middle), (line) => line.replace('"opened":{', '"opened":{"toString":["AAAAAAAAAAAAAAAAAAAAAA==","x"],')),
    kind: 'value',
  },
  {
    name: 'a value twice',
    text: changed(at(middle), (line) => line.replace('"opened":{', '"opened":{"sql":["AAAAAAAAAAAAAAAAAAAAAA==","x"],')),
    kind: 'malformed',
  },
  {
    name: 'a commitment changed',
    text: changed(at(middle), (line) => line.replace(/"values":\{"sql":"../, '"values":{"sql":"AA')),
    kind: 'root',
  },
  { name: 'a path that proves nothing', text: changed(at(middle), (line) => line.replace(/\}$/, ',"path":[]}')), kind: 'malformed' },
];

test('untouched it holds', () => {
  const report = verifyText(text, kept);
  expect(report.findings).toEqual([]);
  expect(report.keptMet).toEqual([keptSize]);
});

describe('what is found', () => {
  test.each(tamperings.map((tampering) => [tampering.name, tampering] as const))('%s', (_name, tampering) => {
    expect(tampering.text).not.toBe(text);
    const report = verifyText(tampering.text, kept);
    expect(report.ok).toBe(false);
    expect(report.findings.map(({ kind }) => kind)).toContain(tampering.kind);
    // Each is a sentence for a person, and shows no bytes of others unescaped.
    for (const { message } of report.findings) expect(message).toMatch(/^[A-Z"][^\n]*\.$/);
  });

  test('a key that was kept finds a log rebuilt with another, and no other checkpoint is needed', async () => {
    const key = { checkpoints: [], publicKey: parseNoteKey(log.publicKey) };
    expect(verifyText(text, key).ok).toBe(true);
    expect(verifyText(await rebuilt(forger), key).findings.map(({ kind }) => kind)).toContain('key');
  });

  test('where something was changed is narrowed down by the checkpoints around it', () => {
    const report = verifyText(
      changed(at(middle), (line) => line.replace('"kind":"SELECT"', '"kind":"DELETE"')),
      kept,
    );
    const sizes = log.notes.map((note) => parseCheckpoint(note).size);
    const before = sizes.filter((size) => size <= middle).at(-1);
    const after = sizes.find((size) => size > middle) ?? 0;
    expect(report.findings.filter(({ kind }) => kind === 'root')).toMatchObject([
      { message: expect.stringContaining(`Entries ${before} to ${after - 1} are not what was signed`) },
    ]);
  });

  test('a checkpoint of another log is no help', () => {
    const other = {
      checkpoints: [parseCheckpoint(signCheckpoint({ size: 3, root: Buffer.alloc(32) }, noteSigner('other', Buffer.alloc(32, 5))))],
      publicKey: null,
    };
    expect(verifyText(text, other).findings).toMatchObject([{ kind: 'kept checkpoint' }]);
  });
});

test('any changed byte is found', async () => {
  const short = sampleLog(4, 5);
  const bytes = Buffer.from(await exported(short));
  const own = keptAt(short, 0);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, flip) => {
      const forged = Buffer.from(bytes);
      forged[place] = (forged[place] ?? 0) ^ flip;
      // As text, as the file would be read; a byte that is no UTF-8 changes the text too.
      expect(verifyText(forged.toString('utf8'), own).ok).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test.each([' ', '\v', '\u00a0', '', '00', '-0', '+0', '0.', '0e0', '0x0', '"0"', 'null'])(
  'an index that is written %j is found',
  async (written) => {
    const short = sampleLog(4, 5);
    const text = await exported(short);
    const forged = text.replace('{"index":0,', () => `{"index":${written},`);
    expect(forged).not.toBe(text);
    expect(verifyText(forged, keptAt(short, 0)).ok).toBe(false);
  },
);

test('any line left out, and any two exchanged, is found', () => {
  for (let line = 0; line < lines.length; line++) {
    expect(verifyText(without(line, line + 1), kept).ok).toBe(false);
    const other = (line * 7 + 3) % lines.length;
    if (other === line) continue;
    const exchanged = [...lines];
    exchanged[line] = lines[other] ?? '';
    exchanged[other] = lines[line] ?? '';
    expect(verifyText(join(exchanged), kept).ok).toBe(false);
  }
});
