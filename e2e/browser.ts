import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** How Playwright starts Chromium. */
interface ChromiumLaunch {
  executablePath: string;
  args: string[];
}

const SYSTEM_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Root has no user namespace to sandbox in; the pages under test are our own. */
const NO_SANDBOX = ['--no-sandbox', '--disable-dev-shm-usage'];

/**
 * The Chromium of the browser suite: CHROMIUM_PATH, else one on PATH, else the one in the @sparticuz/chromium package
 * (Linux x64), so that `npm test` needs nothing outside npm. Set GATEHOUSE_TEST_CHROMIUM=package to force the last.
 */
export async function findChromium(env: NodeJS.ProcessEnv): Promise<ChromiumLaunch> {
  const named = env.CHROMIUM_PATH;
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw new Error(`CHROMIUM_PATH is ${named}, which does not exist`);
    return { executablePath: named, args: NO_SANDBOX };
  }
  if (env.GATEHOUSE_TEST_CHROMIUM !== 'package') {
    for (const folder of (env.PATH ?? '').split(delimiter)) {
      for (const name of SYSTEM_NAMES) {
        const path = join(folder, name);
        if (existsSync(path)) return { executablePath: path, args: NO_SANDBOX };
      }
    }
  }
  return packagedChromium(env);
}

async function packagedChromium(env: NodeJS.ProcessEnv): Promise<ChromiumLaunch> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('no Chromium or Chrome on PATH, and the packaged one is for Linux x64 only: install one or set CHROMIUM_PATH');
  }
  // The package unpacks the libraries Chromium needs (nss and others) only where it believes it is on that platform;
  // it reads these at import time.
  env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs22.x';
  env.AWS_LAMBDA_JS_RUNTIME = 'nodejs22.x';
  const { default: chromium } = await import('@sparticuz/chromium');
  chromium.setGraphicsMode = false;
  return { executablePath: await chromium.executablePath(), args: [...NO_SANDBOX, '--no-zygote', '--headless=shell'] };
}
