import superjson, { type SuperJSONResult } from 'superjson';
import type { StatementRow } from '../audit/shape';
import { apiUrl, bearer, type Environment, gatewayUrl } from './client';
import { CliError } from './errors';

const RETRY_MS = 1_000;

/**
 * Follows `audit.onStatement` over server-sent events, which Node 20 has no client for. Reconnects where it left off for as long as it is
 * read; throws only when the first connection fails or the gateway refuses the token.
 */
export async function* tailStatements(env: Environment): AsyncGenerator<StatementRow, void> {
  let lastEventId: string | null = null;
  for (let connected = false; ; connected = true) {
    try {
      for await (const event of connect(env, lastEventId)) {
        lastEventId = event.id ?? lastEventId;
        yield event.row;
      }
    } catch (error) {
      if (error instanceof CliError) throw error;
      if (!connected) throw new CliError(`no gateway answers at ${gatewayUrl(env)}: start it with npm start, or set GATEHOUSE_URL`);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function* connect(env: Environment, lastEventId: string | null): AsyncGenerator<{ id: string | null; row: StatementRow }, void> {
  const headers = { ...bearer(env), accept: 'text/event-stream', ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }) };
  const response = await fetch(`${apiUrl(env)}/audit.onStatement`, { headers });
  if (response.status === 401) throw new CliError('the gateway does not accept this token: it is unknown, expired or revoked');
  if (!response.ok || response.body === null) throw new CliError(`the gateway answered ${response.status}`);
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const fields = new Map(
        event
          .split('\n')
          .map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]),
      );
      if (fields.get('event') === 'serialized-error') throw new CliError('the gateway refused to go on; is the token still good?');
      const data = fields.get('data');
      if (fields.has('event') || data === undefined || data === '') continue;
      yield { id: fields.get('id') ?? null, row: statementOf(data) };
    }
  }
}

/** The gateway speaks our own version of the API: one cast, at the one place where bytes become a row. */
const statementOf = (data: string): StatementRow => superjson.deserialize<StatementRow>(JSON.parse(data) as SuperJSONResult);
