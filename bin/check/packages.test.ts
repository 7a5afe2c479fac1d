import { expect, test } from 'vitest';
import { licenceFaults, registryFaults } from './packages.mjs';

test('licences that ask for more than a notice are named', () => {
  const packages = {
    '': { license: 'GPL-3.0' },
    'node_modules/free': { license: 'MIT' },
    'node_modules/either': { license: '(MIT OR GPL-3.0)' },
    'node_modules/both': { license: 'MIT AND GPL-3.0' },
    'node_modules/test-only': { license: 'GPL-3.0', dev: true },
    'node_modules/free/node_modules/copyleft': { license: 'GPL-3.0' },
    'node_modules/silent': {},
    'node_modules/lightningcss-linux-x64-gnu': { license: 'MPL-2.0' },
    'node_modules/other': { license: 'MPL-2.0' },
  };
  expect(licenceFaults({ packages }).map((fault) => fault.split(':')[0])).toEqual(['both', 'copyleft', 'silent', 'other']);
});

test('a registry host in the lock file is named', () => {
  expect(registryFaults('{\n  "resolved": "https://registry.example/a.tgz",\n  "integrity": "sha512-x"\n}')).toEqual([
    expect.stringContaining(':2 '),
  ]);
  expect(registryFaults('{ "version": "1.0.0", "integrity": "sha512-x", "url": "https://example.org/fund" }')).toEqual([]);
});
