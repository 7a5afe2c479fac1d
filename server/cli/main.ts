import { runCli } from './run';
import { openBeside, runHere } from './spawned';

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  interactive: process.stderr.isTTY === true,
  run: runHere,
  open: openBeside,
});
