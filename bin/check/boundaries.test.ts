import { describe, expect, test } from 'vitest';
import { boundaryFaults, importsOf } from './boundaries.mjs';

describe('imports of a source', () => {
  test.each([
    ["import { a } from './a'", './a', false],
    ["import a, { type B } from './a'", './a', false],
    ["import type { A } from './a'", './a', true],
    ["import { type A, type B } from './a'", './a', true],
    ["import { type A, b } from './a'", './a', false],
    ["import type from './a'", './a', false],
    ["import * as a from './a'", './a', false],
    ["import './a.css'", './a.css', false],
    ["export * from './a'", './a', false],
    ["export type { A } from './a'", './a', true],
    ["import {\n  a,\n  b,\n} from './a'", './a', false],
    ["const a = await import('./a')", './a', false],
    ["const a = require('./a')", './a', false],
    ["let a: import('./a').A", './a', true],
    ["let a: typeof import('./a')", './a', true],
  ])('%j', (source, specifier, typeOnly) => {
    expect(importsOf(source)).toEqual([{ specifier, typeOnly, line: 1 }]);
  });

  test('comments and strings are no imports', () => {
    expect(importsOf("// import { a } from './a'\n/* import './b' */\nconst url = 'http://x'; // from './c'\n")).toEqual([]);
  });

  test('the line is that of the statement', () => {
    expect(importsOf("\n\n  import { a } from './a'\n")).toMatchObject([{ line: 3 }]);
  });
});

describe('the order of the house', () => {
  test.each([
    ['app/page.tsx', "import { verb } from '../server/approvals/list'"],
    ['app/page.tsx', "import type { Row } from '@/db/schema/shapes'"],
    ['server/main.ts', "import { decide } from '../proxy/policy/decide'"],
    ['proxy/session/step.ts', "import { newId } from '../../db/ids'"],
    ['proxy/session/step.ts', "import { frame } from '../wire/reader'"],
    ['app/queue.tsx', "'use client'\nimport type { AppRouter } from '../server/api/router'"],
    ['e2e/gateway.ts', "import type { AppRouter } from '../server/api/router'"],
    ['bin/start.mjs', "import './anything'"],
    ['db/store.ts', "import pg from 'pg'"],
  ])('%s may say %s', (path, source) => {
    expect(boundaryFaults(path, source)).toEqual([]);
  });

  test.each([
    ['db/store.ts', "import { x } from '../proxy/wire/reader'", 'db may not import proxy'],
    ['db/store.ts', "import type { X } from '../proxy/wire/reader'", 'db may not import proxy'],
    ['proxy/worker/main.ts', "import { x } from '../../server/runtime'", 'proxy may not import server'],
    ['proxy/worker/main.ts', "export * from '@/app/theme'", 'proxy may not import app'],
    ['server/main.ts', "await import('../app/theme')", 'server may not import app'],
    ['app/page.tsx', "import { store } from '../db/store'", 'types may be imported with `import type`'],
    ['app/queue.tsx', '"use client";\nimport { verb } from "../server/approvals/list"', 'import types only'],
    ['e2e/masking.test.ts', "import { mask } from '../proxy/masking/transforms/cellMaskFor'", 'a second copy of it'],
  ])('%s may not say %s', (path, source, words) => {
    expect(boundaryFaults(path, source)).toEqual([expect.stringContaining(words)]);
  });
});
