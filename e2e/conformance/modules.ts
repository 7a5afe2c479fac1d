import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './command';
import type { Installation } from './packages';

export interface TestModules {
  /** Holds regress.so, and refint.so and autoinc.so of contrib. */
  dlpath: string;
  libpqPipeline: string;
}

const COMPILE_TIMEOUT_MS = 120_000;

/** Compiles what the tests load and run, against the headers and libraries of their own version. */
export async function compileModules(postgres: Installation, folder: string): Promise<TestModules> {
  mkdirSync(folder, { recursive: true });
  const options = { cwd: folder, timeoutMs: COMPILE_TIMEOUT_MS };
  const headers = [`-I${postgres.includedirServer}`, `-I${postgres.includedir}`];
  const regress = join(postgres.source, 'src/test/regress/regress.c');
  await must('gcc', ['-O2', '-fPIC', '-shared', ...headers, '-o', 'regress.so', regress], options);
  for (const name of ['refint.so', 'autoinc.so']) copyFileSync(join(postgres.pkglibdir, name), join(folder, name));
  const pipeline = join(postgres.source, 'src/test/modules/libpq_pipeline/libpq_pipeline.c');
  const libraries = [`-L${postgres.libdir}`, `-L${postgres.pkglibdir}`, '-lpq', '-lpgcommon', '-lpgport', '-lm'];
  await must('gcc', ['-O2', '-D_GNU_SOURCE', ...headers, '-o', 'libpq_pipeline', pipeline, ...libraries], options);
  return { dlpath: folder, libpqPipeline: join(folder, 'libpq_pipeline') };
}
