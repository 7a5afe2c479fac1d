import { ASKED_METHODS, type AskedMethod } from '../identity/chooseMethod';
import { readTimeoutMs } from '../policy/timeouts';
import { startUpRefused, type WireError } from '../wire/errors';
import { readOptions } from '../wire/startUp';

/** What a client asked for in its start-up packet, sorted by who deals with it. */
export interface StartUpRequest {
  user: string;
  /** The connection's name. */
  database: string;
  applicationName: string;
  /** For the upstream start-up packet. */
  upstream: Record<string, string>;
  /** The requester's own words for a reviewer, from `-c gatehouse.reason=…`. */
  reason: string | null;
  /** What a statement that needs a person does: wait on its connection, or fail at once and be sent again. */
  onHold: OnHold;
  /** Runs at once what needs approval, where a rule lets the principal do that; needs a reason. */
  breakGlass: boolean;
  /** How the client wants to be asked who it is; null leaves that to the gateway. */
  signIn: AskedMethod | null;
  /** The identity provider it wants to hear of, by name. */
  issuer: string | null;
}

export type OnHold = 'wait' | 'error';

/** Settings a client may bring along: they change formats and limits, not what a statement means. */
const ALLOWED = new Set([
  'application_name',
  'bytea_output',
  'client_min_messages',
  'datestyle',
  'default_transaction_deferrable',
  'default_transaction_isolation',
  'default_transaction_read_only',
  'extra_float_digits',
  'geqo',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'intervalstyle',
  'jit',
  'lc_messages',
  'lc_monetary',
  'lc_numeric',
  'lc_time',
  'lock_timeout',
  'plan_cache_mode',
  'search_path',
  'statement_timeout',
  'synchronous_commit',
  'timezone',
  'transaction_timeout',
  'work_mem',
  'xmloption',
]);

/**
 * Reads start-up parameters and `options`.
 * @throws WireError FATAL 0A000 for replication, for settings that would change how statements are read, and for unknown ones.
 */
export function readStartUp(parameters: ReadonlyMap<string, string>): StartUpRequest {
  const settings = new Map<string, string>();
  for (const [name, value] of parameters) {
    const key = name.toLowerCase();
    if (key === 'user' || key === 'database' || key === 'options') continue;
    settings.set(key, value);
  }
  for (const [name, value] of readOptions(parameters.get('options') ?? '')) settings.set(name, value);

  const user = parameters.get('user') ?? '';
  const request: StartUpRequest = {
    user,
    database: parameters.get('database') ?? user,
    applicationName: '',
    upstream: {},
    reason: null,
    onHold: 'wait',
    breakGlass: false,
    signIn: null,
    issuer: null,
  };
  for (const [name, value] of settings) {
    const refusal = place(request, name, value);
    if (refusal !== null) throw refusal;
  }
  if (request.breakGlass && (request.reason ?? '').trim() === '')
    throw startUpRefused('gatehouse.break_glass=on needs a reason', 'Add -c gatehouse.reason=…, it is recorded and announced.');
  return request;
}

function place(request: StartUpRequest, name: string, value: string): WireError | null {
  switch (name) {
    case 'replication':
      return ['false', 'off', 'no', '0'].includes(value.toLowerCase()) ? null : startUpRefused('replication is not offered');
    case 'client_encoding': {
      const encoding = value.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
      return ['utf8', 'unicode', 'auto', 'sqlascii'].includes(encoding)
        ? null
        : startUpRefused(`client_encoding ${value} is not offered`, 'Use UTF8.');
    }
    case 'standard_conforming_strings':
      return ['on', 'true', 'yes', '1'].includes(value.toLowerCase())
        ? null
        : startUpRefused('standard_conforming_strings cannot be turned off');
    case 'gatehouse.reason':
      request.reason = value.slice(0, 500);
      return null;
    case 'gatehouse.on_hold':
      if (value !== 'wait' && value !== 'error')
        return startUpRefused(`gatehouse.on_hold=${value} is not offered`, 'Use gatehouse.on_hold=wait or gatehouse.on_hold=error.');
      request.onHold = value;
      return null;
    case 'gatehouse.sign_in': {
      const asked = ASKED_METHODS.find((each) => each === value);
      if (asked === undefined)
        return startUpRefused(`gatehouse.sign_in=${value} is not offered`, 'Use gatehouse.sign_in=scram, password or oauth.');
      request.signIn = asked;
      return null;
    }
    case 'gatehouse.issuer':
      request.issuer = value;
      return null;
    case 'gatehouse.break_glass':
      if (value !== 'on' && value !== 'off')
        return startUpRefused(
          `gatehouse.break_glass=${value} is not offered`,
          'Use gatehouse.break_glass=on or gatehouse.break_glass=off.',
        );
      request.breakGlass = value === 'on';
      return null;
    case 'application_name':
      request.applicationName = value;
      request.upstream.application_name = value;
      return null;
    default:
      // A name with a dot is the application's own variable; the gateway's name space is not.
      if (!ALLOWED.has(name) && (!name.includes('.') || name.startsWith('gatehouse.'))) {
        return startUpRefused(`setting "${name}" is not offered in the startup packet`);
      }
      request.upstream[name] = value;
      return null;
  }
}

/** A client may ask for a shorter timeout than its connection's limit, never for a longer one or none. Milliseconds. */
export function shorterTimeoutMs(asked: string | undefined, limitMs: number): number {
  const askedMs = asked === undefined ? null : readTimeoutMs(asked);
  return askedMs !== null && askedMs > 0 ? Math.min(askedMs, limitMs) : limitMs;
}
