import type { ConnectionLimits } from '../../db/schema/shapes';
import { constantText, qualifiedName, settingValue } from '../sql/session';
import { list, type SqlNode, text, walk } from '../sql/tree';
import type { Refusal } from './functions';

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time as PostgreSQL takes it for a setting in milliseconds (config.c, parse_int and convert_to_base_unit); null when it is none. */
export function readTimeoutMs(value: string): number | null {
  const [, number, unit = ''] = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-z]*)\s*$/i.exec(value) ?? [];
  const factor = UNIT_MS[unit === '' ? 'ms' : unit];
  if (number === undefined || factor === undefined) return null;
  const ms = Math.round(Number(number) * factor);
  return Number.isFinite(ms) ? ms : null;
}

const limitOf = (name: string, limits: ConnectionLimits): number | undefined => {
  switch (name) {
    case 'statement_timeout':
      return limits.statementTimeoutMs;
    case 'lock_timeout':
      return limits.lockTimeoutMs;
    default:
      return undefined;
  }
};

/** Why a timeout may not be set to this; null when it may: shorter is fine, longer and none are not. `value` null: not said by the text. */
function problem(setting: string, value: string | null, limits: ConnectionLimits): Refusal | null {
  const name = setting.toLowerCase();
  const limitMs = limitOf(name, limits);
  if (limitMs === undefined) return null;
  const ms = value === null ? null : readTimeoutMs(value);
  if (ms !== null && ms > 0 && ms <= limitMs) return null;
  return { why: `${name} may be at most ${limitMs} ms on this connection, and not 0`, unless: 'never' };
}

/**
 * Every place of a statement that gives one of the limited timeouts a value: SET, SET LOCAL, ALTER ROLE … SET, ALTER DATABASE … SET, ALTER
 * SYSTEM, the SET clause of a function, set_config(). RESET and DEFAULT give back what the session began with, which is within the limit. Pure.
 */
export function timeoutRefusals(root: SqlNode, limits: ConnectionLimits | undefined): Refusal[] {
  if (limits?.statementTimeoutMs === undefined && limits?.lockTimeoutMs === undefined) return [];
  const found: Refusal[] = [];
  const add = (refusal: Refusal | null) => {
    if (refusal !== null) found.push(refusal);
  };
  walk(root, (node) => {
    if (node.tag === 'VariableSetStmt' && text(node, 'kind') === 'VAR_SET_VALUE')
      add(problem(text(node, 'name') ?? '', settingValue(node), limits));
    if (node.tag !== 'FuncCall' || qualifiedName(list(node, 'funcname')).name !== 'set_config') return;
    const [name, value] = list(node, 'args').map(constantText);
    // A name that is computed may be any.
    if (typeof name === 'string') add(problem(name, value ?? null, limits));
    else add(problem('statement_timeout', null, limits) ?? problem('lock_timeout', null, limits));
  });
  return found;
}
