import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Define } from './run';

export function secretCommands(program: Command, define: Define): void {
  const secrets = program.command('secrets').description('the keys that seal what the store keeps');
  define(
    secrets,
    'rotate',
    'make a new key and seal everything with it; sessions go on',
    async ({ client, print, warn }, _args, options) => {
      const key = typeof options.keyFile === 'string' ? readFileSync(options.keyFile, 'utf8').trim() : undefined;
      const result = await client.secrets.rotate.mutate(key === undefined ? {} : { key });
      print(result, result.key ?? `rotated: ${result.previousKeyId} → ${result.keyId}, ${result.resealed} secrets sealed anew`);
      if (result.key !== null)
        warn(
          `rotated: ${result.previousKeyId} → ${result.keyId}, ${result.resealed} secrets sealed anew. The line above is the new GATEHOUSE_SECRET_KEY and is shown this once.`,
        );
      if (result.key !== null || key !== undefined)
        warn(
          `Both keys open the store now. Give every gateway the new one, restart them one by one, then: gatehouse secrets retire ${result.previousKeyId}`,
        );
    },
  ).option('--key-file <path>', 'the next key, 32 bytes in base64; made and printed when left out');
  define(
    secrets,
    'retire <key-id>',
    'end a rotation: the key of before no longer opens the store',
    async ({ client, print }, [keyId = '']) => {
      const result = await client.secrets.retire.mutate({ keyId });
      print(result, `${keyId} no longer opens the store`);
    },
  );
}
