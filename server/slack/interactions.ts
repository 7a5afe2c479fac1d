import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { and, eq, isNull } from 'drizzle-orm';
import { notificationChannels, slackInteractions } from '../../db/schema/notifications';
import type { Store } from '../../db/store';
import { codeOf } from '../../proxy/worker/shownError';
import { log } from '../log';
import { APPROVE_ACTION, escapeMrkdwn, REJECT_ACTION } from '../notifications/channels/slackBlocks';
import { post } from '../notifications/post';
import { openSecrets } from '../notifications/secrets';
import { isLocal } from '../notifications/shape';
import type { Channel } from '../notifications/take';
import { callSlack, type SlackApi } from './api';
import { type DecideContext, decideFromSlack } from './decide';
import { REASON_BLOCK, readReason, reasonModal } from './modal';
import { type Interaction, readInteraction } from './payload';
import { isFromSlack } from './verify';
import type { SlackPerson } from './who';

/** Slack shows an error to the person when an answer takes three seconds. */
const ANSWER_WITHIN_MS = 2_500;
const WORK_WITHIN_MS = 15_000;
const MOST_BODY_BYTES = 256 * 1024;

export interface SlackOptions {
  store: Store;
  secretKey: Buffer;
  slackApiUrl: string;
}

interface Reply {
  status: number;
  body?: object;
}

const DONE: Reply = { status: 200 };

/** What Slack sends when somebody presses a button or hands in a form. It is believed for its signature alone, and each only once. */
export function createSlackHandler(options: SlackOptions): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  return async (req, res) => {
    const reply = await handle(options, req).catch((error: unknown): Reply => {
      log.error({ code: codeOf(error) }, 'an interaction from Slack could not be taken');
      return { status: 503 };
    });
    res.writeHead(reply.status, {
      'cache-control': 'no-store',
      ...(reply.body === undefined ? {} : { 'content-type': 'application/json' }),
    });
    res.end(reply.body === undefined ? '' : JSON.stringify(reply.body));
  };
}

async function handle(options: SlackOptions, req: IncomingMessage): Promise<Reply> {
  if (req.method !== 'POST') return { status: 405 };
  const body = await readBody(req);
  if (body === null) return { status: 413 };
  const signature = header(req, 'x-slack-signature');
  const request = { timestamp: header(req, 'x-slack-request-timestamp'), signature, body };
  const signed = (await slackChannels(options.store)).filter((channel) => signedBy(options.secretKey, channel, request));
  const interaction = readInteraction(body);
  if (signed.length === 0) return { status: 401 };
  if (!(await takeOnce(options.store, signature))) return { status: 409 };
  if (interaction === null) return DONE;
  // One app may post to several of our channels; any of its tokens will do, its own conversation's first.
  const conversation = interaction.type === 'block_actions' ? interaction.channel?.id : undefined;
  const channel = signed.find(({ config }) => config.kind === 'slack' && config.channel === conversation) ?? signed[0];
  if (channel === undefined) return { status: 401 };
  const api: SlackApi = { baseUrl: options.slackApiUrl, botToken: openSecrets(options.secretKey, channel, 'slack').botToken };
  const { store, secretKey } = options;
  return answerTo({ store, secretKey, api, signal: AbortSignal.timeout(WORK_WITHIN_MS) }, interaction);
}

async function answerTo(context: DecideContext, interaction: Interaction): Promise<Reply> {
  const person: SlackPerson = {
    userId: interaction.user.id,
    teamId: interaction.user.team_id ?? interaction.team?.id ?? null,
    enterpriseId: interaction.enterprise?.id ?? null,
  };
  switch (interaction.type) {
    case 'block_actions': {
      const [action] = interaction.actions;
      const id = action?.value;
      const responseUrl = interaction.response_url ?? null;
      if (id === undefined) return DONE;
      if (action?.action_id === APPROVE_ACTION) {
        const work = decideFromSlack(context, person, { id, decision: 'approve', reason: null }).then((refused) =>
          refused === null ? undefined : tell(context, responseUrl, refused),
        );
        await inTime(work);
        return DONE;
      }
      if (action?.action_id === REJECT_ACTION) {
        // First of all the form: its trigger is good for three seconds. Who may reject is asked when it is handed in.
        const trigger = { trigger_id: interaction.trigger_id, view: reasonModal(id, responseUrl) };
        const work = callSlack(context.api, 'views.open', trigger, context.signal).then((opened) =>
          opened.ok
            ? undefined
            : tell(context, responseUrl, `Slack did not open the form for the reason (${opened.error}); press Reject again`),
        );
        await inTime(work);
      }
      return DONE;
    }
    case 'view_submission': {
      const form = readReason(interaction.view);
      if (form === null) return DONE;
      const decided = decideFromSlack(context, person, { id: form.id, decision: 'reject', reason: form.reason });
      const answer = await inTime(decided);
      if (answer === 'late') {
        void decided.then((refused) => (refused === null ? undefined : tell(context, form.responseUrl, refused)));
        return DONE;
      }
      return answer === null ? DONE : { status: 200, body: { response_action: 'errors', errors: { [REASON_BLOCK]: sentence(answer) } } };
    }
    default:
      return interaction satisfies never;
  }
}

/** Waits for the work as long as Slack waits for us; what takes longer goes on without an audience. */
async function inTime<T>(work: Promise<T>): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ANSWER_WITHIN_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Tells the person alone why nothing happened. */
async function tell(context: DecideContext, responseUrl: string | null, why: string): Promise<void> {
  if (responseUrl === null || !isSlackAddress(responseUrl, context.api.baseUrl)) return;
  await post(responseUrl, {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ response_type: 'ephemeral', replace_original: false, text: escapeMrkdwn(sentence(why)) }),
    signal: context.signal,
  });
}

/** The address came signed; it is still only followed to Slack. */
function isSlackAddress(address: string, apiUrl: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, origin } = new URL(address);
  if (protocol === 'https:' && (hostname === 'hooks.slack.com' || hostname.endsWith('.slack.com'))) return true;
  return isLocal(hostname) && origin === new URL(apiUrl).origin;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

const slackChannels = (store: Store): Promise<Channel[]> =>
  store
    .select()
    .from(notificationChannels)
    .where(and(eq(notificationChannels.kind, 'slack'), isNull(notificationChannels.disabledAt)));

function signedBy(secretKey: Buffer, channel: Channel, request: Parameters<typeof isFromSlack>[0]): boolean {
  try {
    return isFromSlack(request, openSecrets(secretKey, channel, 'slack').signingSecret, new Date());
  } catch {
    return false;
  }
}

/** False when the same signature was taken before, by whichever gateway. */
async function takeOnce(store: Store, signature: string): Promise<boolean> {
  const taken = await store
    .insert(slackInteractions)
    .values({ signature: createHash('sha256').update(signature).digest('hex') })
    .onConflictDoNothing()
    .returning({ signature: slackInteractions.signature });
  return taken.length > 0;
}

const header = (req: IncomingMessage, name: string): string => {
  const value = req.headers[name];
  return typeof value === 'string' ? value : '';
};

async function readBody(req: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MOST_BODY_BYTES) return null;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
