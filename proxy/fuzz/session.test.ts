import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ModelServer, type Refusals } from './modelServer';
import { mutate, mutations } from './mutations';
import { encode, type Op, programs } from './programs';
import { LIMITS, REFUSALS } from './refusals';
import { runSession, type Sent, wordsOf } from './run';
import { SECRET } from './words';

/** A longer run: how many times as many programs. */
const RUNS = Number(process.env.GATEHOUSE_TEST_FUZZ_RUNS ?? 1);

/** Programs have more than this on average. */
const FRAMES_A_PROGRAM = 40;

const bytesOf = (program: readonly Op[]): Sent => program.map(encode);
const seed = fc.integer();

/** What the client of the model server itself would see. */
function directly(sent: Sent, refusals: Refusals | null): string[] {
  const server = new ModelServer(refusals, null);
  for (const bytes of sent) if (bytes !== null) server.push(bytes);
  // Masked values are in it, as they are in the server.
  return wordsOf(Buffer.from(server.take().toString('latin1').replaceAll(SECRET, 'MASKED'), 'latin1'));
}

/** What is the gateway's own, and what a denial changes by intent, left out. */
const types = (words: readonly string[]) =>
  words
    .filter((word) => !word.startsWith('N NOTICE 00000 gatehouse'))
    .map((word) => (word.startsWith('E ') ? word.split(' ', 2).join(' ') : word));
/**
 * Inside COPY the server says ERROR and then FATAL of a message that has no place there; the gateway, which sees it first, only FATAL, and
 * nothing behind the ERROR to a client that has said Terminate.
 */
const upToFatal = (words: readonly string[]) => {
  const end = words.findIndex((word) => word.startsWith('E FATAL'));
  if (end < 0) return words.at(-1) === 'E ERROR' ? [...words.slice(0, -1), 'FATAL'] : words;
  return [...words.slice(0, words[end - 1] === 'E ERROR' ? end - 1 : end), 'FATAL'];
};

/** Runs programs until they have held `frames` messages together: counted, not hoped for. */
async function comparing(frames: number, arbitrary: fc.Arbitrary<[Op[], number]>, refusals: Refusals | null) {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(arbitrary, async ([program, order]) => {
      const sent = bytesOf(program);
      count += sent.length;
      expect(upToFatal(types(await runSession(sent, order)))).toEqual(upToFatal(types(directly(sent, refusals))));
    }),
    { numRuns: Math.ceil((frames / FRAMES_A_PROGRAM) * RUNS) },
  );
  expect(count).toBeGreaterThanOrEqual(frames * RUNS);
}

describe('fuzzed sessions', () => {
  test('a program that is allowed is answered as the server answers it', { timeout: 60_000 * RUNS }, () =>
    comparing(20_000, fc.tuple(programs({ judged: false, leaves: true }, 40), seed), null),
  );

  test('a program that is denied and held in places is answered as by a server that refuses these places', { timeout: 60_000 * RUNS }, () =>
    comparing(20_000, fc.tuple(programs({ judged: true, leaves: false }, 40), seed), REFUSALS),
  );

  test('what changes too much is answered as by a server that fails it there', { timeout: 60_000 * RUNS }, () =>
    comparing(20_000, fc.tuple(programs({ judged: false, leaves: true, limited: true }, 40), seed), LIMITS),
  );

  test('whatever bytes a client sends, nothing crashes, hangs, or passes that may not', { timeout: 60_000 * RUNS }, async () => {
    const frames = 20_000;
    let count = 0;
    await fc.assert(
      fc.asyncProperty(programs({ judged: true, leaves: true }, 40), mutations, seed, async (program, list, order) => {
        const sent = mutate(
          bytesOf(program).filter((bytes) => bytes !== null),
          list,
        );
        count += sent.length;
        const fatal = (await runSession(sent, order)).filter((word) => word.startsWith('E FATAL'));
        expect(fatal.length).toBeLessThanOrEqual(1);
        for (const word of fatal) expect(word).not.toContain('XX000');
      }),
      { numRuns: Math.ceil((frames / FRAMES_A_PROGRAM) * RUNS) },
    );
    expect(count).toBeGreaterThanOrEqual(frames * RUNS);
  });
});
