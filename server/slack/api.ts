import type { Outcome } from '../notifications/outcome';
import { post } from '../notifications/post';

/** Slack's own; another one stands in for it in tests. */
export const SLACK_API_URL = 'https://slack.com/api/';

/** Where Slack's Web API is, with a slash at the end. */
export interface SlackApi {
  baseUrl: string;
  botToken: string;
}

export type SlackAnswer = { ok: true; body: Record<string, unknown> } | { ok: false; error: string; outcome: Outcome };

/** What Slack may say of a call that can be tried again; any other error stays what it is. */
const PASSING = new Set([
  'ratelimited',
  'rate_limited',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);

/** Calls one method with JSON. What Slack says is told by its error code alone. */
export async function callSlack(api: SlackApi, method: string, body: object, signal: AbortSignal): Promise<SlackAnswer> {
  const result = await post(new URL(method, api.baseUrl).href, {
    headers: { 'content-type': 'application/json; charset=utf-8', authorization: `Bearer ${api.botToken}` },
    body: JSON.stringify(body),
    signal,
  });
  return answerOf(result);
}

/** The methods that read take a form only. */
export async function askSlack(api: SlackApi, method: string, fields: Record<string, string>, signal: AbortSignal): Promise<SlackAnswer> {
  const result = await post(new URL(method, api.baseUrl).href, {
    headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Bearer ${api.botToken}` },
    body: new URLSearchParams(fields).toString(),
    signal,
  });
  return answerOf(result);
}

function answerOf(result: Awaited<ReturnType<typeof post>>): SlackAnswer {
  if ('failed' in result) return { ok: false, error: 'unreachable', outcome: result.failed };
  const { status, askedMs, text } = result.answer;
  if (status === 429 || status >= 500)
    return { ok: false, error: 'unavailable', outcome: { kind: 'retry', error: `Slack answered ${status}`, askedMs } };
  const body = parsed(text);
  if (status !== 200 || body === null)
    return { ok: false, error: 'not Slack', outcome: { kind: 'dead', error: `Slack did not answer as Slack does (${status})` } };
  if (body.ok === true) return { ok: true, body };
  const error = typeof body.error === 'string' && /^[a-z0-9_]{1,60}$/.test(body.error) ? body.error : 'unknown_error';
  return { ok: false, error, outcome: { kind: PASSING.has(error) ? 'retry' : 'dead', error: `Slack says ${error}` } };
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
