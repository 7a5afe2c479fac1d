import { expect, test } from 'vitest';
import { nameFault } from './names.mjs';

test.each([
  'server/utils.ts',
  'proxy/helpers/hex.ts',
  'app/lib/theme.ts',
  'db/common.test.ts',
  'proxy/wire/index.ts',
  'app/misc.tsx',
  'bin/Utils.mjs',
])('%s says nothing about what is inside', (path) => {
  expect(nameFault(path)).toContain(path);
});

test.each([
  'server/approvals/approve.ts',
  'proxy/wire/reader.test.ts',
  'app/approvals/page.tsx',
  'db/schema/index-columns.ts',
  'docs/common-questions.md',
])('%s is a name', (path) => {
  expect(nameFault(path)).toBeUndefined();
});
