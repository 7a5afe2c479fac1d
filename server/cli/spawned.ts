import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { CliError } from './errors';

/**
 * Runs a command in this terminal and answers with its exit code; 128 and the signal's number when one ended it, as a shell does.
 * @throws CliError when it cannot be started
 */
export function runHere(program: string, args: readonly string[], env: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } });
    // Ctrl-C is for the command: psql cancels its statement and lives on.
    const ignore = () => undefined;
    const pass = (signal: NodeJS.Signals) => child.kill(signal);
    process.on('SIGINT', ignore).on('SIGTERM', pass).on('SIGHUP', pass);
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(new CliError(error.code === 'ENOENT' ? `${program} is not installed, or not on PATH` : `${program} could not be started`)),
    );
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

/** Starts a program for good: it keeps nothing of this terminal. That it cannot be started is no failure, since the address is printed too. */
export function openBeside(program: string, args: readonly string[]): void {
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}
