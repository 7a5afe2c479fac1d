import type { Command } from 'commander';
import type { Define } from './run';

export function principalCommands(program: Command, define: Define): void {
  const principals = program.command('principals').description('people, agents and services');
  define(
    principals,
    'sign-out <name>',
    'sign somebody out everywhere: sessions, console and access tokens of before end',
    async ({ client, print }, [name]) => {
      const done = await client.principals.signOut.mutate({ principal: name ?? '' });
      print(done, `signed out ${done.principal}; access tokens revoked: ${done.tokensRevoked}`);
    },
  );
  define(
    principals,
    'remove-password <name>',
    'take a person’s password, authenticator and recovery codes away; console sessions they opened end',
    async ({ client, print }, [name]) => {
      const done = await client.localAccounts.remove.mutate({ principal: name ?? '' });
      print(done, `${done.principal} has no password any more; gatehouse sign-in --principal ${done.principal} lets them set up a new one`);
    },
  );
}
