import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Rotation } from '../secrets/rotate';
import { durationOf } from './durationOf';
import type { Context, Define } from './run';
import { time } from './table';

export function secretCommands(program: Command, define: Define): void {
  const secrets = program.command('secrets').description('the keys that seal what the store keeps');
  define(secrets, 'rotate', 'make a new key and seal everything with it; sessions go on', async (context, _args, options) => {
    const { print, warn } = context;
    const key = typeof options.keyFile === 'string' ? readFileSync(options.keyFile, 'utf8').trim() : undefined;
    const input = key === undefined ? {} : { key };
    const result = options.offline === true ? await offline(context.env, input) : await context.client.secrets.rotate.mutate(input);
    print(result, result.key ?? `rotated: ${result.previousKeyId} → ${result.keyId}, ${result.resealed} secrets sealed anew`);
    if (result.key !== null)
      warn(
        `rotated: ${result.previousKeyId} → ${result.keyId}, ${result.resealed} secrets sealed anew. The line above is the new GATEHOUSE_SECRET_KEY and is shown this once.`,
      );
    if (result.key !== null || key !== undefined)
      warn(
        `Both keys open the store now. Give every gateway the new one, restart them one by one, then: gatehouse secrets retire ${result.previousKeyId}`,
      );
  })
    .option('--key-file <path>', 'the next key, 32 bytes in base64; made and printed when left out')
    .option('--offline', 'the gateway is stopped: work on its store directly, with its settings and key');
  define(
    secrets,
    'retire <key-id>',
    'end a rotation: the key of before no longer opens the store',
    async ({ client, print }, [keyId = '']) => {
      const result = await client.secrets.retire.mutate({ keyId });
      print(result, `${keyId} no longer opens the store`);
    },
  );
  define(
    secrets,
    'rotate-saml',
    'make the next SAML key pair and print its certificate; the one before goes on for a while',
    async ({ client, print, warn }, _args, options) => {
      const overlapMs = durationOf(options.overlap, '--overlap');
      const made = await client.secrets.rotateSaml.mutate(overlapMs === null ? {} : { overlapMs });
      print(made, made.certificate.trimEnd());
      warn(`Both pairs are in the metadata; ${time(made.alone)} the new one begins to sign, and the one before opens nothing any more.`);
    },
  ).option('--overlap <duration>', 'how long the pair of before signs and opens (default 14d; 0s ends it now)');
}

/** A bundle of its own: what reaches the store would make every command slower to start. */
async function offline(env: Context['env'], input: unknown): Promise<Rotation> {
  const { rotateOffline } = await import('./offline.js');
  return rotateOffline(env, input);
}
