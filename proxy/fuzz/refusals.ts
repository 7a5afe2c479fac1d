import type { ModelPortal, ModelServer, ModelStatement, Refusals } from './modelServer';
import { decisionOf, judgeWords } from './words';

/** Of every message but Bind, CopyData and FunctionCall; small, so that programs can be too large for it. */
export const STATEMENT_BYTES = 2_000;
export const MESSAGE_BYTES = 8_000;

/**
 * What a session of the gateway refuses, said once more and more simply: by the texts and the names the server really has, with every
 * decision known beforehand. A server that refuses this by itself is what a client must not be able to tell from the gateway.
 */
export const REFUSALS: Refusals = {
  query: (sql, server) => tooLarge(sql) || !mayRun(sql, server, false),
  parse: (sql) => tooLarge(sql) || actionOf(sql) === 'deny',
  bind: (statement, server) => (isBySql(statement) ? !isLetThrough(statement.told, statement.told) : !mayRun(statement.sql, server, true)),
  execute: (portal, server) => hasMoved(portal, server),
  overrun: () => false,
};

/** Nothing but limits on changed rows. */
export const LIMITS: Refusals = {
  query: () => false,
  parse: () => false,
  bind: () => false,
  execute: (portal, server) => hasMoved(portal, server),
  overrun: (told, rows) => rows > Number(/limit (\d+)/.exec(told)?.[1] ?? Number.POSITIVE_INFINITY),
};

const tooLarge = (sql: string) => Buffer.byteLength(sql) + 10 > STATEMENT_BYTES;

/** Made by SQL PREPARE, which was judged as a whole. */
const isBySql = (statement: ModelStatement) => statement.sql !== statement.told && statement.told.startsWith('prepare ');

function actionOf(text: string): 'allow' | 'hold' | 'deny' {
  try {
    return judgeWords(text).action;
  } catch {
    return 'deny';
  }
}

function isLetThrough(judged: string, shown: string): boolean {
  const action = actionOf(judged);
  return action === 'allow' || (action === 'hold' && decisionOf(shown) === 'approve');
}

/**
 * Whether a text runs: PREPARE in it is held when it is executed, EXECUTE is what it executes, and an unknown name fails the whole text;
 * bound, it fails only when it is executed.
 */
function mayRun(sql: string, server: ModelServer, atBind: boolean): boolean {
  if (actionOf(sql) === 'deny') return false;
  const prepared = new Map<string, string>();
  const runs: string[] = [];
  let held = false;
  for (const { facts, verdict } of judgeWords(sql).statements) {
    if (facts.session?.type === 'prepare') prepared.set(facts.session.name, facts.text);
    else held ||= verdict.action === 'hold';
    if (facts.session?.type !== 'execute') continue;
    const known = server.statements.get(facts.session.name);
    const text = prepared.get(facts.session.name) ?? known?.told;
    if (text === undefined) return atBind;
    if (!prepared.has(facts.session.name) && known !== undefined && !isBySql(known) && changesNames(text)) return false;
    runs.push(text);
    if (actionOf(text) === 'deny') return false;
    held ||= actionOf(text) === 'hold';
  }
  return !held || decisionOf([sql, ...runs].join('\n')) === 'approve';
}

function changesNames(text: string): boolean {
  return judgeWords(text).statements.some(({ facts }) => facts.session !== null);
}

/** An EXECUTE that was bound runs what it named then, or nothing. */
function hasMoved({ statement, runs }: ModelPortal, server: ModelServer): boolean {
  if (isBySql(statement) || statement.spoken?.kind !== 'execute') return false;
  return (server.statements.get(statement.spoken.name)?.told ?? null) !== runs || !wasNamed(statement.spoken.name, server);
}

const wasNamed = (name: string, server: ModelServer) => server.statements.has(name);
