import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Publication, Witness } from './witness';
import { WitnessError } from './witness';

const TIMEOUT_MS = 60_000;
/** Loose objects are packed now and then. */
const PACK_EVERY = 200;

export interface GitWitnessOptions {
  /** A bare repository; made when it is not there. */
  path: string;
  /** Pushed to after each commit. */
  remote: string | null;
  /** Without one, a branch of the log's own: several gateways may share a remote. */
  branch: string | null;
}

/** Each checkpoint a commit, which names the one before it: whoever has fetched one notices a history that was rewritten. */
export function gitWitness({ path, remote, branch }: GitWitnessOptions): Witness {
  let commits = 0;
  return {
    name: `git ${path}`,
    async publish({ checkpoint, nowMs }: Publication) {
      const git = (args: readonly string[], input = '') => run(path, args, input, nowMs);
      if (!existsSync(path)) await run(null, ['init', '--quiet', '--bare', path], '', nowMs);
      const name = checkpoint.origin.replace(/[^A-Za-z0-9._/-]/g, '_');
      const reference = `refs/heads/${branch ?? `checkpoints/${name}`}`;
      const parent = await git(['rev-parse', '--quiet', '--verify', `${reference}^{commit}`]).catch((error: unknown) => {
        if (error instanceof GitError && error.exitCode === 1) return '';
        throw error;
      });
      const blob = await git(['hash-object', '-w', '--stdin'], checkpoint.source);
      const file = `${name.replaceAll('/', '_')}.checkpoint`;
      const rest = parent === '' ? '' : await git(['ls-tree', parent]);
      const others = rest.split('\n').filter((line) => line !== '' && !line.endsWith(`\t${file}`));
      // Published before a restart, or before its push failed.
      if (!rest.split('\n').includes(`100644 blob ${blob}\t${file}`)) {
        const tree = await git(['mktree'], [...others, `100644 blob ${blob}\t${file}`].map((line) => `${line}\n`).join(''));
        const message = `${checkpoint.origin}: ${checkpoint.size} entries`;
        const commit = await git(['commit-tree', tree, ...(parent === '' ? [] : ['-p', parent]), '-m', message]);
        // Only if nobody else moved it meanwhile.
        await git(['update-ref', reference, commit, parent === '' ? '0'.repeat(commit.length) : parent]);
        commits++;
      }
      if (remote !== null) await git(['push', '--quiet', '--porcelain', '--', remote, `${reference}:${reference}`]);
      if (commits % PACK_EVERY === PACK_EVERY - 1) await git(['gc', '--auto', '--quiet']);
      return [];
    },
  };
}

class GitError extends WitnessError {
  constructor(
    message: string,
    readonly exitCode: number | null,
  ) {
    super(message);
  }
}

function run(directory: string | null, args: readonly string[], input: string, nowMs: number): Promise<string> {
  const time = `${Math.floor(nowMs / 1000)} +0000`;
  const env: NodeJS.ProcessEnv = {
    NODE_ENV: process.env.NODE_ENV,
    // What finds git, and what a push over SSH or HTTPS signs in with. A prompt would wait for nobody.
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    SSH_AUTH_SOCK: process.env.SSH_AUTH_SOCK,
    GIT_SSH_COMMAND: process.env.GIT_SSH_COMMAND ?? 'ssh -o BatchMode=yes',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    LC_ALL: 'C',
    GIT_AUTHOR_NAME: 'gatehouse',
    GIT_AUTHOR_EMAIL: 'gatehouse@localhost',
    GIT_AUTHOR_DATE: time,
    GIT_COMMITTER_NAME: 'gatehouse',
    GIT_COMMITTER_EMAIL: 'gatehouse@localhost',
    GIT_COMMITTER_DATE: time,
  };
  return new Promise((resolve, reject) => {
    const where = directory === null ? [] : ['--git-dir', directory];
    // A repository that belongs to another user is the operator's choice, as is its path.
    const child = execFile(
      'git',
      ['-c', 'safe.directory=*', '-c', 'core.hooksPath=/dev/null', ...where, ...args],
      { env, timeout: TIMEOUT_MS },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout.trim());
        if ('code' in error && error.code === 'ENOENT')
          return reject(new GitError('git is not installed on this machine, or not in its PATH', null));
        const exitCode = typeof error.code === 'number' ? error.code : null;
        reject(new GitError(`git ${args[0]} failed${exitCode === null ? '' : ` (exit code ${exitCode})`}: ${firstLine(stderr)}`, exitCode));
      },
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** What git said, without the credentials that an address may hold. */
const firstLine = (stderr: string): string =>
  (stderr.split('\n').find((line) => line.trim() !== '') ?? 'no reason given').replace(/\/\/[^/@\s]*@/g, '//').slice(0, 200);
