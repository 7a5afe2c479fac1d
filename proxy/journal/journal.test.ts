import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ByteWriter } from './bytes';
import { cutTornTail } from './cut';
import { newPart, writeJudged, writeSession, writeText } from './definitions';
import type { JournalEntry, OutcomeEntry, StatementEntry } from './entries';
import { encodeFrame, encodeHeader, FrameKind, frameAt, HEADER_BYTES, JOURNAL_VERSION } from './frames';
import { JOURNAL_START, type JournalDamage, type JournalPosition, JournalVersionError, KeptDefinitions, readJournal } from './read';
import { writeStatement } from './records';
import { type Journal, openJournal } from './write';

const outcome = (id: string): OutcomeEntry => ({ type: 'outcome', id, status: 'done', rows: 1 });
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const intent = (id: string, sql = 'select 1'): StatementEntry => ({
  type: 'statement',
  id,
  sessionId: 'ses_1',
  principalName: 'bot',
  ownerName: 'ana',
  connectionName: 'shop',
  clientAddress: '127.0.0.1:1',
  applicationName: 'psql',
  atMs: 1_700_000_000_123,
  kind: 'SELECT',
  sql,
  rewritten: null,
  fingerprint: 'f',
  executes: null,
  shape: 'select ?',
  touchedColumns: ['public.t.a'],
  runOf: null,
  transactionId: null,
  protocol: 'extended',
  parameters: [
    { typeOid: 23, value: '42' },
    { typeOid: 4_294_967_295, value: null },
    { typeOid: 25, value: 'ä\u0000 "\\ 💡', truncated: true },
  ],
  relations: [{ name: 'public.t', access: 'read' }],
  effects: ['read'],
  unbounded: false,
  verdict: 'allow',
  rule: null,
  why: 'default',
  tried: [{ rule: 'r', mode: 'enforce', action: 'deny', matched: false, why: 'no' }],
  policyVersion: 7,
  requestId: null,
  grantId: null,
  breakGlass: null,
  status: 'running',
  sqlstate: null,
  analysisMs: 0.25,
  transactionStatus: 'I',
});

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gatehouse-journal-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const folder = (name: string) => join(dir, 'journal', name);
const files = (name: string) => readdirSync(folder(name)).sort();

function readAll(name: string, from: JournalPosition = JOURNAL_START, limitBytes = 1_000_000, kept?: KeptDefinitions) {
  const entries: { seq: number; entry: JournalEntry }[] = [];
  const damage: JournalDamage[] = [];
  let position = from;
  for (;;) {
    const read = readJournal(folder(name), position, limitBytes, kept);
    entries.push(...read.entries);
    damage.push(...read.damage);
    const still = read.next.segment === position.segment && read.next.offset === position.offset;
    position = read.next;
    if (still || read.ended) return { entries, damage, position, ended: read.ended };
  }
}

const idsOf = (entries: { entry: JournalEntry }[]) => entries.map(({ entry }) => ('id' in entry ? entry.id : entry.type));
const seqsOf = (entries: { seq: number }[]) => entries.map(({ seq }) => seq);

describe('writing', () => {
  test('what a turn gathered is on disk when whenWritten says so, in order, over segments', async () => {
    const journal = openJournal(dir, 'w1', { segmentBytes: 400 });
    const ids = Array.from({ length: 40 }, (_, i) => `stm_${i}`);
    for (const id of ids) {
      journal.append(outcome(id));
      if (id.endsWith('5')) await written(journal);
    }
    await written(journal);
    const { entries, damage, ended } = readAll('w1');
    expect(idsOf(entries)).toEqual(ids);
    expect(seqsOf(entries)).toEqual(ids.map((_, i) => i));
    expect(damage).toEqual([]);
    expect(ended).toBe(false);
    expect(files('w1').length).toBeGreaterThan(2);
    journal.close();
    expect(readAll('w1').ended).toBe(true);
    // The room ahead is given back.
    for (const file of files('w1')) expect(statSync(join(folder('w1'), file)).size).toBeLessThan(2_000);
  });

  test('every field comes back, whether it is shared or not, and what is shared is written once', async () => {
    const journal = openJournal(dir, 'w1');
    const of = { session: newPart(), statement: newPart() };
    const entries: JournalEntry[] = [
      intent('stm_1'),
      {
        ...intent('stm_2'),
        parameters: [],
        requestId: 'req_1',
        grantId: 'grt_1',
        breakGlass: 'ünfall',
        reviewers: [{ name: 'bö', decision: 'breakGlass' }],
        sqlstate: '42501',
        runOf: 'stm_1',
        transactionId: 'txn_1',
      },
      { ...intent('stm_3'), status: 'held', protocol: 'function call', transactionStatus: 'E' },
    ];
    for (const entry of entries) journal.append(entry, of);
    journal.append(intent('stm_4', 'nobody shares this'));
    const others: JournalEntry[] = [
      {
        type: 'outcome',
        id: 'stm_1',
        status: 'failed',
        rows: 3,
        bytes: 4e9,
        durationMs: 0.1,
        waitMs: 0,
        upstreamMs: 2.5,
        maskingMs: 1e-3,
        atMs: 5,
        sqlstate: '22012',
        requestId: 'req_1',
      },
      {
        type: 'outcome',
        id: 'stm_1',
        status: 'done',
        maskedColumns: ['a.b.c'],
        detected: [{ rule: 'x', detector: 'email', mode: 'observe', cells: 3 }],
        reviewers: [{ name: 'bo', decision: 'approve', passkey: 'psk_1' }],
      },
      {
        type: 'sessionOpen',
        id: 'ses_1',
        atMs: 1,
        principalName: 'b',
        ownerName: null,
        connectionName: 'c',
        clientAddress: 'd',
        applicationName: 'é',
        method: 'scram',
        encrypted: true,
      },
      {
        type: 'result',
        id: 'stm_1',
        principalName: 'bot',
        atMs: 1,
        columns: [{ name: 'a', typeOid: 23 }],
        rows: [['1', null]],
        truncated: true,
      },
    ];
    for (const entry of others) journal.append(entry);
    journal.close();
    expect(readAll('w1').entries.map(({ entry }) => entry)).toEqual([...entries, intent('stm_4', 'nobody shares this'), ...others]);
    const bytes = readFileSync(join(folder('w1'), '00000000.log')).toString('latin1');
    expect(bytes.split('select 1').length).toBe(2);
    expect(bytes.split('ses_1').length).toBe(4);
  });

  test('what is said of a shape stands once for all its texts, and again when something else is said of it', () => {
    const journal = openJournal(dir, 'w1');
    const session = newPart();
    const base = {
      ...intent('stm_0'),
      fingerprint: 'f',
      shape: 'select ? shaped',
      relations: [{ name: 'public.t', access: 'read' as const }],
    };
    const trial = { rule: 'r', mode: 'enforce' as const, action: 'deny' as const, matched: false, why: 'so' };
    const others: Partial<StatementEntry>[] = [
      ...[{ fingerprint: 'g' }, { touchedColumns: ['public.t.a'] }, { relations: [] }, { effects: ['update'] }, { unbounded: true }],
      ...[{ verdict: 'deny' as const }, { rule: 'r' }, { why: 'because' }, { tried: [trial] }, { tried: [{ ...trial, matched: true }] }],
      { relations: [{ name: 'public.t', access: 'write' as const }] },
    ];
    const entries = [
      ...Array.from({ length: 20 }, (_, i) => ({ ...base, id: `stm_${i}`, sql: `select ${i}`, relations: [...base.relations] })),
      // Each is another than the one before it.
      ...others.map((other, i) => ({ ...base, id: `stm_2${i}`, sql: `select 2${i}`, ...other })),
    ];
    for (const entry of entries) journal.append(entry, { session, statement: newPart() });
    journal.close();
    expect(readAll('w1')).toMatchObject({ damage: [], entries: entries.map((entry) => ({ entry })) });
    // Pieces of a few frames lead to definitions that were passed long before.
    expect(readAll('w1', JOURNAL_START, 100)).toMatchObject({ damage: [], entries: entries.map((entry) => ({ entry })) });
    const bytes = readFileSync(join(folder('w1'), '00000000.log')).toString('latin1');
    expect(bytes.split('select ? shaped').length - 1).toBe(1 + others.length);
  });

  test('what is kept between pieces is of that segment alone, though others have as much at the same places', async () => {
    const journal = openJournal(dir, 'w1', { segmentBytes: 2_000 });
    const sessions = Array.from({ length: 15 }, newPart);
    const entries = Array.from({ length: 60 }, (_, i) => ({ ...intent(`stm_${i + 10}`, `select ${i % 7}`), sessionId: `ses_${i >> 2}` }));
    for (const [i, entry] of entries.entries()) {
      journal.append(entry, { session: sessions[i >> 2] ?? newPart(), statement: newPart() });
      if (i % 5 === 0) await written(journal);
    }
    journal.close();
    expect(files('w1').length).toBeGreaterThan(3);
    for (const limit of [100, 900]) {
      const { entries: read, damage } = readAll('w1', JOURNAL_START, limit, new KeptDefinitions());
      expect(damage).toEqual([]);
      expect(read.map(({ entry }) => entry)).toEqual(entries);
    }
  });

  test('of version 1, in which each text had all that is said of it, are read', () => {
    const entry = { ...intent('stm_1', 'select 7'), shape: 'select ?', relations: [{ name: 'public.t', access: 'read' as const }] };
    const payload = (write: (out: ByteWriter) => void) => {
      const out = new ByteWriter(64);
      write(out);
      return Buffer.from(out.bytes.subarray(0, out.length));
    };
    const session = payload((out) => writeSession(out, entry));
    const text = payload((out) => writeText(out, entry, 0)).subarray(5);
    const whole = Buffer.concat([Buffer.of(2), text, payload((out) => writeJudged(out, entry)).subarray(1)]);
    const definitions = [session, whole].map((bytes) => encodeFrame(FrameKind.define, bytes, 0, 7));
    const places = { session: HEADER_BYTES, statement: HEADER_BYTES + (definitions[0]?.length ?? 0) };
    mkdirSync(folder('old'), { recursive: true });
    writeFileSync(
      join(folder('old'), '00000000.log'),
      Buffer.concat([
        encodeHeader({ version: 1, segment: 0, salt: 7, firstSeq: 0 }),
        ...definitions,
        encodeFrame(
          FrameKind.statement,
          payload((out) => writeStatement(out, entry, places)),
          0,
          7,
        ),
        encodeFrame(FrameKind.end, Buffer.from('{"last":true}'), 1, 7),
      ]),
    );
    expect(readAll('old')).toMatchObject({ entries: [{ seq: 0, entry }], damage: [], ended: true });
  });

  test('a second journal of the same name is refused: two writers would tear each other', () => {
    const journal = openJournal(dir, 'w1');
    expect(() => openJournal(dir, 'w1')).toThrow('EEXIST');
    journal.close();
  });

  test('a closed journal refuses, so that nothing runs unrecorded', () => {
    const journal = openJournal(dir, 'w2');
    journal.close();
    expect(() => journal.append(outcome('stm_x'))).toThrow();
  });

  test('an entry larger than anything before it, and definitions over many blocks', async () => {
    const journal = openJournal(dir, 'w1', { segmentBytes: 8_000_000 });
    const of = { session: newPart(), statement: newPart() };
    const large = 'x'.repeat(3_000_000);
    const texts = [large, ...Array.from({ length: 12 }, (_, i) => `${i}${'y'.repeat(400_000)}`)];
    for (const [i, sql] of texts.entries()) {
      journal.append(intent(`stm_${i}`, sql), { ...of, statement: newPart() });
      journal.append(intent(`stm_${i}b`), of);
      if (i % 3 === 0) await turn();
    }
    journal.close();
    const { entries, damage } = readAll('w1', JOURNAL_START, 100_000);
    expect(damage).toEqual([]);
    expect(entries.map(({ entry }) => (entry.type === 'statement' ? entry.sql : ''))).toEqual(texts.flatMap((text) => [text, 'select 1']));
  });
});

const written = (journal: Journal) =>
  new Promise<void>((resolve, reject) => journal.whenWritten('written', (error) => (error === null ? resolve() : reject(error))));

/** A journal of ten outcomes and its one segment; the places of its frames. */
function tenEntries(name: string, closed: boolean) {
  const journal = openJournal(dir, name);
  const of = { session: newPart(), statement: newPart() };
  for (let i = 0; i < 5; i++) {
    journal.append(intent(`stm_${i}`), of);
    journal.append(outcome(`stm_${i}`));
  }
  const path = join(folder(name), '00000000.log');
  journal.close();
  const whole = readFileSync(path);
  const salt = whole.readUInt32LE(12);
  const places: { at: number; size: number }[] = [];
  for (let at = HEADER_BYTES; at < whole.length; ) {
    const frame = frameAt(whole, at, salt);
    if (frame.is !== 'frame') throw new Error('the journal is not what the test takes it for');
    places.push({ at, size: frame.sizeBytes });
    at += frame.sizeBytes;
  }
  // As a killed worker leaves it: no last words, and the room ahead.
  const end = places.at(-1)?.at ?? 0;
  if (!closed) writeFileSync(path, Buffer.concat([whole.subarray(0, end), Buffer.alloc(10_000)]));
  return { path, places, whole, end };
}

describe('a killed worker', () => {
  test('zeros are the end, again and again, until it is cut; then it has one', () => {
    tenEntries('w1', false);
    const first = readAll('w1');
    expect(first.entries).toHaveLength(10);
    expect(first.ended).toBe(false);
    expect(readJournal(folder('w1'), first.position, 1000)).toEqual({ entries: [], damage: [], next: first.position, ended: false });
    expect(cutTornTail(folder('w1'))).toBe(0);
    expect(readJournal(folder('w1'), first.position, 1000)).toMatchObject({ entries: [], damage: [], ended: true });
    expect(cutTornTail(folder('w1'))).toBe(0);
    expect(readAll('w1')).toMatchObject({ damage: [], ended: true });
  });

  test('a tail torn at any byte is waited for, and cut at start without touching what is whole', () => {
    const { path, places, whole } = tenEntries('w1', false);
    const last = places.at(-2) ?? { at: 0, size: 0 };
    for (let size = 0; size < last.size; size++) {
      for (const rest of [Buffer.alloc(0), Buffer.alloc(500)]) {
        writeFileSync(path, Buffer.concat([whole.subarray(0, last.at + size), rest]));
        const before = readAll('w1');
        expect(before.entries).toHaveLength(9);
        expect(before.damage).toEqual([]);
        expect(before.ended).toBe(false);
        cutTornTail(folder('w1'));
        expect(readAll('w1')).toMatchObject({ damage: [], ended: true, position: { seq: 9 } });
      }
    }
  });

  test('one that died before it had a header, or whose header is lost, has an end too', () => {
    const { path, whole } = tenEntries('w1', false);
    writeFileSync(path, '');
    cutTornTail(folder('w1'));
    expect(readAll('w1')).toMatchObject({ entries: [], damage: [], ended: true });
    rmSync(folder('w1'), { recursive: true });
    tenEntries('w1', false);
    writeFileSync(path, Buffer.concat([Buffer.alloc(HEADER_BYTES), whole.subarray(HEADER_BYTES)]));
    cutTornTail(folder('w1'));
    expect(readAll('w1')).toMatchObject({
      entries: [],
      damage: [{ segment: 0, fromByte: 0, toByte: whole.length, why: expect.stringContaining('header') }],
      ended: true,
    });
  });

  test('one bad copy of the header costs nothing', () => {
    const { path, whole } = tenEntries('w1', true);
    for (const at of [0, 13, 40]) {
      const bad = Buffer.from(whole);
      bad[at] = (bad[at] ?? 0) ^ 1;
      writeFileSync(path, bad);
      expect(readAll('w1')).toMatchObject({ damage: [], ended: true, position: { seq: 10 } });
    }
  });
});

describe('damage in the middle', () => {
  test.each([true, false])(
    'any flipped bit costs the entries it stands in and no other, and is reported with its place (closed: %s)',
    (closed) => {
      const { path, places, end } = tenEntries('w1', closed);
      const whole = readFileSync(path);
      // Three definitions stand in front of the first entry: all that refers to them goes with them.
      for (const [i, { at, size }] of places.entries()) {
        if (at >= end) continue;
        for (let byte = at; byte < at + size; byte += 7) {
          const bad = Buffer.from(whole);
          bad[byte] = (bad[byte] ?? 0) ^ 0x10;
          writeFileSync(path, bad);
          const { entries, damage, position } = readAll('w1');
          const isLast = i === places.length - 2;
          expect(entries.length).toBe(i < 3 ? 5 : 9);
          if (isLast && !closed) expect(damage).toEqual([]);
          else {
            expect(damage[0]).toMatchObject({ segment: 0, fromByte: at, toByte: at + size });
            expect(position.seq).toBe(10);
          }
        }
      }
    },
  );

  test('a range over many entries, zeros among them: the numbers that are gone are said', () => {
    const { path, places, whole } = tenEntries('w1', true);
    const [from, to] = [places[5]?.at ?? 0, places[10]?.at ?? 0];
    for (const rubbish of [0, 0xa5, 0xff]) {
      const bad = Buffer.from(whole).fill(rubbish, from, to);
      writeFileSync(path, bad);
      for (const limit of [1, 300, 1_000_000]) {
        const { entries, damage, ended } = readAll('w1', JOURNAL_START, limit);
        expect(seqsOf(entries)).toEqual([0, 1, 7, 8, 9]);
        expect(damage).toEqual([{ segment: 0, fromByte: from, toByte: to, why: 'damaged: entries 2 to 6 are gone' }]);
        expect(ended).toBe(true);
      }
    }
  });

  test('a text that looks like a frame is not taken for one', () => {
    const { path, places, whole } = tenEntries('w1', true);
    const bad = Buffer.from(whole);
    const target = places[5] ?? { at: 0, size: 0 };
    // A whole frame of the same journal, but of another place: what was read before is not read again.
    whole.copy(bad, target.at, places[4]?.at, (places[4]?.at ?? 0) + (places[4]?.size ?? 0));
    writeFileSync(path, bad);
    expect(seqsOf(readAll('w1').entries)).toEqual([0, 1, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('a segment cut short by somebody, and one that is missing, are said where the next begins', async () => {
    const journal = openJournal(dir, 'w1', { segmentBytes: 200 });
    for (let i = 0; i < 40; i++) {
      journal.append(outcome(`stm_${i}`));
      await turn();
    }
    journal.close();
    expect(files('w1').length).toBeGreaterThan(4);
    truncateSync(join(folder('w1'), '00000001.log'), HEADER_BYTES + 60);
    rmSync(join(folder('w1'), '00000003.log'));
    const { entries, damage, ended } = readAll('w1');
    expect(ended).toBe(true);
    expect(damage.map(({ segment, why }) => [segment, why.replace(/\d+/g, 'n')])).toEqual([
      [1, 'damaged, with nothing whole behind it'],
      [2, 'entries n to n are missing'],
      [3, 'its file is missing'],
      [4, 'entries n to n are missing'],
    ]);
    const seqs = seqsOf(entries);
    expect([...seqs].sort((a, b) => a - b)).toEqual(seqs);
    expect(seqs.at(-1)).toBe(39);
  });
});

describe('a newer version', () => {
  test('is refused with words, and nothing of it is passed over', () => {
    const { path, whole } = tenEntries('w1', true);
    const header = encodeHeader({ version: JOURNAL_VERSION + 1, segment: 0, salt: 1, firstSeq: 0 });
    writeFileSync(path, Buffer.concat([header, whole.subarray(HEADER_BYTES)]));
    expect(() => readJournal(folder('w1'), JOURNAL_START, 1000)).toThrow(JournalVersionError);
    expect(() => readJournal(folder('w1'), JOURNAL_START, 1000)).toThrow(/newer version of Gatehouse .* start that version/);
    expect(() => cutTornTail(folder('w1'))).toThrow(JournalVersionError);
    appendFileSync(join(folder('w1'), '00000001.log'), '');
    expect(() => readJournal(folder('w1'), JOURNAL_START, 1000)).toThrow(JournalVersionError);
  });
});
