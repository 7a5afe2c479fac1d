import { createHmac } from 'node:crypto';
import type { z } from 'zod';
import { type Answer, answering, type Received } from './http';
import { type SlackView, slackContent, slackView } from './slackBlocks';

const TEAM = 'T0GATEHOUSE';

export interface SlackUser {
  id: string;
  email?: string;
  confirmed?: boolean;
  teamId?: string;
  guest?: boolean;
}

/**
 * Slack as a bot sees it: the methods we call, with its token, content types, error codes and Block Kit limits, and interactions signed as
 * Slack signs them. Tests only.
 */
export async function slackStandIn({ token, signingSecret }: { token: string; signingSecret: string }) {
  const messages = new Map<string, { channel: string; updates: number; content: z.output<typeof slackContent> }>();
  const users = new Map<string, SlackUser>();
  const views: SlackView[] = [];
  const ephemeral: { text: string }[] = [];
  const calls: string[] = [];
  const triggers = new Set<string>();
  let clock = 1_700_000_000;
  let failNext: Answer[] = [];

  const ok = (body: object): Answer => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ok: true, ...body }),
  });
  const no = (error: string): Answer => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ok: false, error }),
  });

  const server = await answering((request) => {
    if (request.path.startsWith('/response/')) {
      ephemeral.push(JSON.parse(request.body) as { text: string });
      return { status: 200, body: 'ok' };
    }
    const method = request.path.replace('/api/', '');
    calls.push(method);
    const failure = failNext.shift();
    if (failure !== undefined) return failure;
    if (request.headers.authorization !== `Bearer ${token}`) return no('invalid_auth');
    return methods(method, request);
  });

  function methods(method: string, request: Received): Answer {
    const isJson = request.headers['content-type'] === 'application/json; charset=utf-8';
    switch (method) {
      case 'auth.test':
        return ok({ team_id: TEAM, user_id: 'UBOT00001' });
      case 'users.info': {
        // Reading methods do not take JSON.
        const user = users.get(new URLSearchParams(request.body).get('user') ?? '');
        if (isJson || user === undefined) return no('user_not_found');
        return ok({
          user: {
            id: user.id,
            team_id: user.teamId ?? TEAM,
            is_email_confirmed: user.confirmed ?? true,
            is_restricted: user.guest ?? false,
            profile: user.email === undefined ? {} : { email: user.email },
          },
        });
      }
      case 'chat.postMessage':
      case 'chat.update': {
        if (!isJson) return no('invalid_form_data');
        const parsed = slackContent.safeParse(JSON.parse(request.body));
        if (!parsed.success) return no('invalid_blocks');
        const { channel, ts } = parsed.data as { channel?: unknown; ts?: unknown };
        if (channel !== 'C0APPROVALS') return no('channel_not_found');
        if (method === 'chat.postMessage') {
          const made = `${++clock}.000100`;
          messages.set(made, { channel, updates: 0, content: parsed.data });
          return ok({ channel, ts: made });
        }
        const known = messages.get(String(ts));
        if (known === undefined) return no('message_not_found');
        messages.set(String(ts), { channel, updates: known.updates + 1, content: parsed.data });
        return ok({ channel, ts });
      }
      case 'views.open': {
        const { trigger_id, view } = JSON.parse(request.body) as { trigger_id: string; view: unknown };
        if (!triggers.delete(trigger_id)) return no('expired_trigger_id');
        const parsed = slackView.safeParse(view);
        if (!parsed.success) return no('invalid_arguments');
        views.push(parsed.data);
        return ok({ view: { id: 'V1' } });
      }
      default:
        return no('unknown_method');
    }
  }

  const signed = (payload: object, at = Math.floor(Date.now() / 1_000), secret = signingSecret) => {
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const signature = `v0=${createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex')}`;
    return {
      body,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': String(at),
        'x-slack-signature': signature,
      },
    };
  };

  let presses = 0;
  const person = (userId: string) => {
    const user = users.get(userId);
    return { team: { id: TEAM }, enterprise: null, user: { id: userId, team_id: user?.teamId ?? TEAM } };
  };

  return {
    ...server,
    apiUrl: `${server.url}/api/`,
    messages,
    users,
    views,
    ephemeral,
    calls,
    signed,
    failNext(...answers: Answer[]) {
      failNext = answers;
    },
    /** The button with this text in a message, as an interaction of this user. */
    press(userId: string, ts: string, words: string) {
      const found = messages
        .get(ts)
        ?.content.blocks.flatMap((block) => (block.type === 'actions' ? block.elements : []))
        .find((element) => element.text.text === words);
      if (found === undefined) throw new Error(`the message has no button ${words}`);
      const trigger = `trigger.${++presses}`;
      triggers.add(trigger);
      return {
        type: 'block_actions',
        ...person(userId),
        trigger_id: trigger,
        response_url: `${server.url}/response/${presses}`,
        channel: { id: 'C0APPROVALS' },
        container: { type: 'message', message_ts: ts, channel_id: 'C0APPROVALS' },
        actions: [
          {
            action_id: found.action_id,
            ...(found.value === undefined ? {} : { value: found.value }),
            type: 'button',
            action_ts: `${presses}`,
          },
        ],
      };
    },
    /** The last form that was opened, handed in by this user. */
    submit(userId: string, reason: string) {
      const view = views.at(-1);
      if (view === undefined) throw new Error('no form was opened');
      const [block] = view.blocks;
      return {
        type: 'view_submission',
        ...person(userId),
        hash: `${++presses}`,
        view: {
          ...view,
          state: { values: { [block?.block_id ?? '']: { [block?.element.action_id ?? '']: { type: 'plain_text_input', value: reason } } } },
        },
      };
    },
  };
}
