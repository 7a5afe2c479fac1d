import { Command, CommanderError } from 'commander';
import { accessCommands } from './access';
import { approvalCommands } from './approvals';
import { auditCommands } from './audit';
import { auditProofCommands } from './auditProof';
import { checkCommand } from './check';
import { type Client, createClient, type Environment, gatewayUrl } from './client';
import { connectCommands } from './connect';
import { connectionCommands } from './connections';
import { describeFailure } from './errors';
import { identityCommands } from './identities';
import { loginCommands } from './login';
import { passkeyCommands } from './passkeys';
import { policyCommands } from './policy';
import { principalCommands } from './principals';
import { reportCommand } from './report';
import { secretCommands } from './secrets';
import { sessionCommands } from './sessions';
import { signInCommand } from './signIn';
import { tokenCommands } from './tokens';

export interface Terminal {
  env: Environment & Readonly<Record<string, string | undefined>>;
  out(text: string): void;
  err(text: string): void;
  /** Somebody watches `err`: progress may be drawn there. */
  interactive?: boolean;
  /** Runs another command in this terminal; answers with its exit code. */
  run(program: string, args: readonly string[], env: Record<string, string>): Promise<number>;
}

/** What a command works with. `print` writes the value as JSON under `--json`, and as its text otherwise. */
export interface Context {
  client: Client;
  env: Terminal['env'];
  json: boolean;
  print(value: unknown, text: string): void;
  warn(text: string): void;
  /** A line that is drawn over with the next one, and with '' removed; nothing where nobody watches. */
  progress(text: string): void;
  /** Makes the command end with code 1 although nothing threw. */
  fail(): void;
  /** Makes the command end with another one's exit code. */
  end(code: number): void;
  run: Terminal['run'];
}

/** Adds a command: its options, and what it does. */
export type Define = (
  parent: Command,
  usage: string,
  description: string,
  action: (context: Context, args: string[], options: Readonly<Record<string, string | boolean | undefined>>) => Promise<void>,
) => Command;

/** Runs one command line; returns the exit code: of ours 0, 1 or 2. Never throws. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  let json = argv.includes('--json');
  const program = new Command('gatehouse')
    .description('The command line of a running Gatehouse gateway.')
    .showHelpAfterError('(add --help for usage)')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) });

  const define: Define = (parent, usage, description, action) => {
    const command = parent.command(usage).description(description).option('--json', 'print JSON');
    // Commands made by .command() do not inherit exitOverride settings that were made after them, so each gets its own.
    command.exitOverride().configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) });
    command.action(async (...given: unknown[]) => {
      const options = command.opts<Record<string, string | boolean | undefined>>();
      json = options.json === true;
      const args = given
        .slice(0, -2)
        .flat()
        .map((value) => (value === undefined ? '' : String(value)));
      await action(
        {
          // Made when it is used: what works offline needs no token.
          get client() {
            return createClient(terminal.env);
          },
          env: terminal.env,
          json,
          print: (value, text) =>
            terminal.out(json ? `${JSON.stringify(value, null, 2)}\n` : text === '' || text.endsWith('\n') ? text : `${text}\n`),
          warn: (text) => terminal.err(`${text}\n`),
          progress: (text) => {
            if (terminal.interactive === true) terminal.err(`\r\u001b[K${text}`);
          },
          fail: () => {
            exitCode = 1;
          },
          end: (code) => {
            exitCode = code;
          },
          run: terminal.run,
        },
        args,
        options,
      );
    });
    return command;
  };

  policyCommands(program, define);
  signInCommand(program, define);
  loginCommands(program, define);
  tokenCommands(program, define);
  approvalCommands(program, define);
  accessCommands(program, define);
  sessionCommands(program, define);
  principalCommands(program, define);
  passkeyCommands(program, define);
  identityCommands(program, define);
  secretCommands(program, define);
  auditProofCommands(auditCommands(program, define), define);
  connectionCommands(program, define);
  connectCommands(program, define);
  checkCommand(program, define);
  reportCommand(program, define);

  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const failure = describeFailure(error, gatewayUrl(terminal.env));
    if (json) terminal.err(`${JSON.stringify({ error: { code: failure.code, message: failure.message, policy: failure.policy } })}\n`);
    else if (failure.policy.length > 0)
      for (const issue of failure.policy)
        terminal.err(
          `gatehouse: line ${issue.line}, column ${issue.column}: ${issue.path === '' ? '' : `${issue.path}: `}${issue.message}\n`,
        );
    else terminal.err(`gatehouse: ${failure.message}\n`);
    return failure.exitCode;
  }
}
