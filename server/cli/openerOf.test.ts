import { expect, test } from 'vitest';
import { openerOf } from './openerOf';

const PAGE = 'https://gatehouse.example.com/device?code=BCDF-GHJK';
const DISPLAY = { DISPLAY: ':0' };

test.each<[string, string, Parameters<typeof openerOf>[1], ReturnType<typeof openerOf>]>([
  ['macOS', PAGE, { browser: null, platform: 'darwin', env: {} }, ['open', [PAGE]]],
  ['Windows', PAGE, { browser: null, platform: 'win32', env: {} }, ['rundll32', ['url.dll,FileProtocolHandler', PAGE]]],
  ['X11', PAGE, { browser: null, platform: 'linux', env: DISPLAY }, ['xdg-open', [PAGE]]],
  ['Wayland', PAGE, { browser: null, platform: 'linux', env: { WAYLAND_DISPLAY: 'w' } }, ['xdg-open', [PAGE]]],
  ['a server without a screen', PAGE, { browser: null, platform: 'linux', env: {} }, null],
  ['a program of theirs', PAGE, { browser: 'firefox', platform: 'linux', env: {} }, ['firefox', [PAGE]]],
  ['none', PAGE, { browser: 'none', platform: 'darwin', env: {} }, null],
  [
    'what a shell would run',
    'https://x.example/$(id)"\'`;&| x',
    { browser: null, platform: 'darwin', env: {} },
    ['open', ["https://x.example/$(id)%22'%60;&|%20x"]],
  ],
  ['what is no page', 'file:///etc/passwd', { browser: null, platform: 'darwin', env: {} }, null],
  ['a program in place of a page', 'javascript:alert(1)', { browser: 'firefox', platform: 'darwin', env: {} }, null],
  ['an option', '--version', { browser: 'firefox', platform: 'darwin', env: {} }, null],
])('%s', (_name, address, options, command) => {
  expect(openerOf(address, options)).toEqual(command);
});
