import { expect, test } from 'vitest';
import { documentFaults, pathsNamed } from './documents.mjs';

test('paths are found in prose, code, tables and diagrams', () => {
  const text = [
    'The framer is `proxy/wire/reader.ts`. It stands in proxy/wire/.',
    '| boot | server/boot/start.ts |',
    'A[db/schema/*.ts] --> B(see app/approvals/[id]/page.tsx)',
    'https://example.com/app/nothing and @scope/db/nothing',
  ].join('\n');
  expect(pathsNamed(text)).toEqual([
    { path: 'proxy/wire/reader.ts', line: 1 },
    { path: 'proxy/wire', line: 1 },
    { path: 'server/boot/start.ts', line: 2 },
    { path: 'db/schema', line: 3 },
    { path: 'app/approvals/[id]/page.tsx', line: 3 },
  ]);
});

test('a path that is gone is a fault with its line', () => {
  expect(documentFaults('ARCHITECTURE.md', 'a\n`proxy/old.ts` and `proxy/new.ts`', (path) => path === 'proxy/new.ts')).toEqual([
    'ARCHITECTURE.md:2 names proxy/old.ts, which does not exist',
  ]);
});
