import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedGateway } from '../gateway';
import { comparable, readSaid, type Said } from './compare';
import { answerToSslRequest, makeDriversDatabase } from './database';
import { PROGRAMS } from './programs';

// Each driver's program runs twice as the same role of the same database: direct, and through a gateway that refuses nothing.
const gateway = sharedGateway();
/** In CI a driver that is not installed is a failure. */
const required = process.env.GATEHOUSE_TEST_REQUIRE_DRIVERS === 'on';
const tlsAnswer = await answerToSslRequest('127.0.0.1', gateway.proxyPort);

/** Steps in which nothing may fail, not even without the gateway: two equal failures would show nothing. */
const SUCCEEDS = /\btypes\b|\d+ parameters|notify|\bpid\b|parameter status|reset|reconnect|metadata|values of|empty query$/;
/** Steps that go through every type. */
const EVERY_TYPE = /\btypes\b|(?:^|: )parameters\b/;

let database: Awaited<ReturnType<typeof makeDriversDatabase>>;
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-drivers-'));
beforeAll(async () => {
  database = await makeDriversDatabase(gateway);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database.remove();
});

test.skipIf(tlsAnswer !== 'S')(`drivers are compared over TLS too (the gateway answers SSLRequest with ${tlsAnswer})`, () => {
  expect(PROGRAMS.filter((program) => program.tls && program.installed()).map((program) => program.driver)).toContain('node-postgres');
});

for (const program of PROGRAMS) {
  const installed = program.installed();
  describe.skipIf(!installed && !required)(installed ? program.driver : `${program.driver} (needs ${program.packages})`, () => {
    let direct: Said;
    let through: Said;
    let overTls: Said | undefined;
    beforeAll(async () => {
      if (!installed) throw new Error(`${program.driver} is not installed: apt-get install ${program.packages}`);
      await program.compile?.(folder);
      // One after the other: they use the same names.
      direct = readSaid(await program.run(database.direct, folder));
      through = readSaid(await program.run(database.through, folder));
      if (program.tls && tlsAnswer === 'S') overTls = readSaid(await program.run({ ...database.through, tls: true }, folder));
    }, 120_000);

    test('the program goes through all of its steps, and nothing that should work fails', () => {
      expect([...direct.keys()]).toEqual(program.steps);
      for (const [step, lines] of direct) {
        expect(
          lines.filter((line) => line.startsWith('!') || (SUCCEEDS.test(step) && /^error\b|ERROR:/.test(line))),
          step,
        ).toEqual([]);
        if (!EVERY_TYPE.test(step)) continue;
        for (const type of database.types)
          expect(
            lines.some((line) => line.includes(type) || step.startsWith('PDO')),
            `${step}: ${type}`,
          ).toBe(true);
      }
      expect(database.types.length).toBeGreaterThanOrEqual(25);
    });

    test.each(program.steps.filter((step) => step !== 'transport'))('%s: as without the gateway', (step) => {
      const both = comparable(direct.get(step) ?? [], through.get(step) ?? []);
      expect(both.direct.length).toBeGreaterThan(0);
      expect(both.through).toEqual(both.direct);
    });

    if (!program.tls || tlsAnswer !== 'S') return;
    describe('over TLS', () => {
      test.each(program.steps)('%s: as without the gateway', (step) => {
        if (step === 'transport') return expect(overTls?.get(step)).toEqual(['tls=yes']);
        const both = comparable(direct.get(step) ?? [], overTls?.get(step) ?? []);
        expect(both.direct.length).toBeGreaterThan(0);
        expect(both.through).toEqual(both.direct);
      });
    });
  });
}
