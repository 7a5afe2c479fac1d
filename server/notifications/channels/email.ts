import { createTransport } from 'nodemailer';
import type { ChannelConfig } from '../../../db/schema/notificationShapes';
import type { Message } from '../message';
import type { Outcome } from '../outcome';
import { mailOf } from './mail';

const TIMEOUT_MS = 10_000;

/**
 * Sends one mail by SMTP. TLS is verified and never given up for plain text; a server that says no for good (5xx) is not asked again.
 * The Message-ID is the event's, so that a mail sent twice is recognised, and all mails of one subject make one thread.
 */
export async function sendEmail(
  config: Extract<ChannelConfig, { kind: 'email' }>,
  password: string | null,
  message: Message,
): Promise<Outcome> {
  const transport = createTransport({
    host: config.host,
    port: config.port,
    secure: config.security === 'tls',
    requireTLS: config.security === 'starttls',
    ignoreTLS: config.security === 'none',
    ...(config.username === null ? {} : { auth: { user: config.username, pass: password ?? '' } }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      from: config.from,
      to: config.to,
      ...mailOf(message),
      messageId: `<${message.eventId}@gatehouse.invalid>`,
      references: `<${message.subject}@gatehouse.invalid>`,
      headers: { 'auto-submitted': 'auto-generated' },
    });
    return { kind: 'delivered' };
  } catch (error) {
    return outcomeOfError(error);
  } finally {
    transport.close();
  }
}

/** The server's own words may repeat an address or a password: only its code is told. */
function outcomeOfError(error: unknown): Outcome {
  const { code, responseCode } = error instanceof Error ? (error as Error & { code?: unknown; responseCode?: unknown }) : {};
  const said = typeof responseCode === 'number' ? responseCode : null;
  const words = [typeof code === 'string' ? code : 'failed', ...(said === null ? [] : [String(said)])].join(' ');
  if (code === 'ETLS') return { kind: 'dead', error: 'the mail server offers no TLS (ETLS)' };
  if (code === 'EAUTH' && said !== null && said >= 500) return { kind: 'dead', error: `the mail server refused the sign-in (${words})` };
  if (said !== null && said >= 500) return { kind: 'dead', error: `the mail server refused the mail (${words})` };
  return { kind: 'retry', error: `the mail server did not take the mail (${words})` };
}
