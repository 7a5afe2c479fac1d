import type { Command } from 'commander';
import { gatewayUrl } from './client';
import type { Define } from './run';

export function signInCommand(program: Command, define: Define): void {
  define(
    program,
    'sign-in',
    'make a link that signs a person in to the console, and print it',
    async ({ client, env, print }, _args, options) => {
      const principal = typeof options.principal === 'string' ? options.principal : (await client.me.get.query()).name;
      const { path, expiresAt } = await client.principals.signInLink.mutate({ principal });
      const address = gatewayUrl(env) + path;
      print({ principal, address, expiresAt }, address);
    },
  ).option('--principal <name>', 'who is signed in (default: whoever asks)');
}
