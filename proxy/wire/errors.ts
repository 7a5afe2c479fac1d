import { Backend } from './messages';
import { MessageWriter } from './writer';

/** The fields of an ErrorResponse or NoticeResponse (chapter 54.8), as far as the gateway writes them. */
export interface WireFields {
  severity: 'ERROR' | 'FATAL' | 'NOTICE' | 'WARNING';
  sqlstate: string;
  /** Short, lower case, no full stop. */
  message: string;
  detail?: string;
  hint?: string;
  /** 1-based character position in the statement. */
  position?: number;
  /** Which part of the gateway spoke: tools tell gateway from database by it. */
  routine: string;
}

/** What a PostgreSQL client sees. Made only by the constructors of this file. */
export class WireError extends Error {
  override name = 'WireError';
  readonly fields: WireFields;

  constructor(fields: WireFields) {
    super(fields.message);
    this.fields = fields;
  }

  /** FATAL: the connection closes after it. */
  get fatal(): boolean {
    return this.fields.severity === 'FATAL';
  }
}

/** Encodes an ErrorResponse, or a NoticeResponse for the severities below ERROR. */
export function encodeFields(fields: WireFields): Buffer {
  const isNotice = fields.severity === 'NOTICE' || fields.severity === 'WARNING';
  const writer = new MessageWriter().begin(isNotice ? Backend.noticeResponse : Backend.errorResponse);
  const field = (code: string, value: string) => writer.int8(code.charCodeAt(0)).cstring(value.replaceAll('\0', ''));
  field('S', fields.severity);
  field('V', fields.severity);
  field('C', fields.sqlstate);
  field('M', fields.message);
  if (fields.detail !== undefined) field('D', fields.detail);
  if (fields.hint !== undefined) field('H', fields.hint);
  if (fields.position !== undefined) field('P', String(fields.position));
  field('F', 'gatehouse');
  field('R', fields.routine);
  return writer.int8(0).end().take();
}

type Extra = Pick<WireFields, 'detail' | 'hint' | 'position'>;

function error(routine: string, sqlstate: string, message: string, extra: Extra = {}): WireError {
  return new WireError({ severity: 'ERROR', sqlstate, message, routine, ...extra });
}

function fatal(routine: string, sqlstate: string, message: string, extra: Extra = {}): WireError {
  return new WireError({ severity: 'FATAL', sqlstate, message, routine, ...extra });
}

// Framing and start-up: the connection closes.

export const protocolViolation = (message: string, sqlstate = '08P01') => fatal('gatehouse_wire', sqlstate, message);
export const tlsRequired = () =>
  fatal('gatehouse_sign_in', '28000', 'SSL connection is required', {
    hint: 'Use sslmode=require or stricter. Set GATEHOUSE_ALLOW_PLAINTEXT=on on the gateway only where the network itself is trusted.',
  });
export const signInFailed = (user: string) =>
  fatal('gatehouse_sign_in', '28P01', `password authentication failed for user "${user}"`, {
    hint: 'The password is an access token: gatehouse token create --principal NAME.',
  });
export const bearerMissing = (user: string) =>
  fatal('gatehouse_sign_in', '28000', `OAuth bearer authentication failed for user "${user}"`, {
    detail: 'The client asked where a token can be had, and was told.',
  });
export const scramMalformed = (detail: string) => fatal('gatehouse_sign_in', '08P01', 'malformed SCRAM message', { detail });
export const channelBindingRefused = (message: string, detail?: string) =>
  fatal('gatehouse_sign_in', '28000', message, detail === undefined ? {} : { detail });
export const saslRefused = (message: string, sqlstate: '0A000' | '08P01', detail?: string) =>
  fatal('gatehouse_sign_in', sqlstate, message, detail === undefined ? {} : { detail });
/** The one refusal that says why: nothing the client sent is wrong. */
export const issuerUnavailable = (provider: string) =>
  fatal('gatehouse_sign_in', '28000', `identity provider "${provider}" cannot be reached to verify the sign-in`, {
    hint: 'Try again shortly. An access token needs no provider: gatehouse token create.',
  });
export const signInTimedOut = () => fatal('gatehouse_sign_in', '08P01', 'canceling authentication due to timeout');
export const signInUnavailable = () =>
  fatal('gatehouse_sign_in', '57P03', 'the gateway cannot verify sign-ins now because its store is unreachable', {
    hint: 'Try again shortly.',
  });
export const startUpRefused = (message: string, hint?: string, sqlstate = '0A000') =>
  fatal('gatehouse_sign_in', sqlstate, message, hint === undefined ? {} : { hint });
export const unknownConnection = (name: string) =>
  fatal('gatehouse_access', '3D000', `database "${name}" does not exist`, {
    hint: 'The database name is the name of a Gatehouse connection.',
  });
/** `askAt`: the console's address where access can be asked for, null where it cannot. */
export const accessDenied = (connection: string, principal: string, askAt: string | null) =>
  fatal('gatehouse_access', '42501', `permission denied for connection "${connection}"`, {
    detail: `No access grant gives a group of "${principal}" this connection.`,
    ...(askAt === null
      ? {}
      : {
          hint: `Ask for access: npx gatehouse access request --connection ${connection} --for 1h --reason "…", or ${askAt}/access?connection=${encodeURIComponent(connection)}`,
        }),
  });
export const notOfToken = (connection: string) =>
  fatal('gatehouse_access', '42501', `permission denied for connection "${connection}"`, {
    detail: 'The access token was made for other connections.',
  });
export const tooManySessions = (of: 'connection' | 'principal', name: string, limit: number) =>
  fatal('gatehouse_access', '53300', `too many sessions ${of === 'connection' ? 'on' : 'of'} ${of} "${name}"`, {
    detail: `Its limit is ${limit}.`,
  });
export const superuserRefused = (connection: string) =>
  fatal('gatehouse_access', '42501', `connection "${connection}" signs in upstream as a superuser or BYPASSRLS role`, {
    detail: 'Masking rests on what the role cannot do.',
    hint: 'Use a plain role, or set superuser: allow on the connection.',
  });
export const upstreamUnreachable = (connection: string, reason: string) =>
  fatal('gatehouse_upstream', '08006', `could not connect to the upstream of "${connection}"`, {
    detail: reason,
    hint: 'Try again shortly.',
  });
export const upstreamLost = (connection: string) =>
  fatal('gatehouse_upstream', '08006', `the upstream of "${connection}" closed the connection`, { hint: 'Connect again.' });
export const terminatedByAdministrator = (detail?: string) =>
  fatal('gatehouse_session', '57P01', 'terminating connection due to administrator command', detail === undefined ? {} : { detail });
export const idleTooLong = () =>
  fatal('gatehouse_session', '57P05', 'terminating connection due to idle-session timeout', {
    detail: 'The connection sets limits.idleTimeout.',
  });
export const idleInTransactionTooLong = () =>
  fatal('gatehouse_session', '25P03', 'terminating connection due to idle-in-transaction timeout', {
    detail: 'The connection sets limits.idleInTransactionTimeout.',
  });
export const answerTooLarge = (sizeBytes: number, limitBytes: number) =>
  fatal('gatehouse_masking', '54000', `a row or message of ${sizeBytes} bytes cannot be looked at; the limit is ${limitBytes} bytes`, {
    detail: 'Rows with masked columns are held whole; others pass at any size.',
    hint: 'Select the large columns without the masked ones.',
  });
export const encodingChanged = (setting: string) =>
  fatal('gatehouse_session', '0A000', `${setting} was changed and statements can no longer be read as the server reads them`);
export const internalError = (errorId: string) =>
  fatal('gatehouse_session', 'XX000', `internal error (${errorId})`, { hint: 'The gateway log holds the cause under this id.' });

// One statement: the session stays.

/** DETAIL and HINT are sentences; reasons come from rules and people, who may not have ended theirs. */
function sentence(text: string): string {
  const trimmed = text.trim();
  // A name such as pg_stats stays as it is written.
  const startsWithName = /^\w*_/.test(trimmed);
  return ended(startsWithName ? trimmed : trimmed.charAt(0).toUpperCase() + trimmed.slice(1));
}

function ended(text: string): string {
  const trimmed = text.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

export interface DenialWords {
  statementId: string;
  rule: string | null;
  why: string;
}

export const statementDenied = (words: DenialWords) =>
  error(
    'gatehouse_policy',
    '42501',
    words.rule === null ? `statement denied (${words.statementId})` : `statement denied by rule "${words.rule}" (${words.statementId})`,
    { detail: `${sentence(words.why)} Nothing was executed.` },
  );
export const statementNotAnalyzed = (construct: string) =>
  error('gatehouse_analysis', '42501', 'statement could not be analyzed and was denied', { detail: sentence(construct) });
export const maskedUseDenied = (statementId: string, reason: string, advice: string | null) =>
  error('gatehouse_masking', '42501', `statement denied because it uses masked data (${statementId})`, {
    detail: `${sentence(reason)} Nothing was executed.`,
    ...(advice === null ? {} : { hint: advice }),
  });
export const resultWithheld = (statementId: string, reason: string) =>
  error('gatehouse_masking', '42501', `result withheld because its columns could not be traced (${statementId})`, {
    detail: reason,
    hint: 'The statement ran; its rows were not released.',
  });
// Limits: measured, and said with the figure that was seen.

const figure = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 2 });

const rowsWords = (rows: number) => `${figure(rows)} ${rows === 1 ? 'row' : 'rows'}`;

export const resultCut = (statementId: string, { maxRows, maxBytes }: { maxRows: number; maxBytes: number }) =>
  error('gatehouse_limits', '54000', `result exceeds a limit of the connection and was cut (${statementId})`, {
    detail: `The limit is ${[
      ...(Number.isFinite(maxRows) ? [`${figure(maxRows)} rows`] : []),
      ...(Number.isFinite(maxBytes) ? [`${figure(maxBytes)} bytes`] : []),
    ].join(' and ')}; what came before this error is the start of the result.`,
    hint: 'Ask for fewer rows or columns: LIMIT, a narrower WHERE, an aggregate.',
  });
export const tooManyAffected = (words: {
  statementId: string;
  rule: string;
  action: 'deny' | 'hold';
  of?: 'preview';
  preview?: number;
  rows: number;
  max: number;
  message: string | null;
}) =>
  words.of === 'preview'
    ? error('gatehouse_limits', '42501', `statement rolled back because it changed more than was approved (${words.statementId})`, {
        detail: `${words.preview === undefined ? '' : `The preview was ${rowsWords(words.preview)}, now it is ${figure(words.rows)}. `}It changed ${rowsWords(words.rows)}, triggers and cascades included; what was approved is at most ${figure(words.max)}. None of it stands.`,
        hint: 'Send it again: it is a new request, with a new preview.',
      })
    : error('gatehouse_limits', '42501', `statement rolled back by rule "${words.rule}" (${words.statementId})`, {
        detail: `It changed ${figure(words.rows)} rows, triggers and cascades included; the rule's limit is ${figure(words.max)}. None of it stands.`,
        hint: aboveLimit(words),
      });

function aboveLimit({ action, message }: { action: 'deny' | 'hold'; message: string | null }): string {
  if (action === 'hold')
    return 'Above the limit the rule asks for approval. Send the statement alone, as a simple query outside a transaction, and it waits for one; or change fewer rows at a time.';
  return message === null ? 'Change fewer rows at a time.' : sentence(message);
}
export const affectedNotCounted = (statementId: string, rule: string, reason: string) =>
  error('gatehouse_limits', '42501', `statement rolled back because the rows it changed could not be counted (${statementId})`, {
    detail: `${sentence(reason)} Rule "${rule}" limits them. None of it stands.`,
  });
export const countedResultTooLarge = (statementId: string, limitBytes: number) =>
  error('gatehouse_limits', '54000', `result is too large to wait until its rows are counted (${statementId})`, {
    detail: `A statement whose changed rows are limited may return at most ${figure(limitBytes)} bytes. None of it stands.`,
    hint: 'Leave out RETURNING, or return fewer columns.',
  });
export const costTooHigh = (statementId: string, cost: number, limit: number) =>
  error('gatehouse_limits', '42501', `statement denied because of its estimated cost (${statementId})`, {
    detail: `EXPLAIN estimates ${figure(cost)}; the connection's limit is ${figure(limit)}. Nothing was executed.`,
    hint: 'A narrower WHERE, an index or a LIMIT makes it cheaper; EXPLAIN shows the plan.',
  });
export const costUnknown = (statementId: string, reason: string) =>
  error('gatehouse_limits', '42501', `statement denied because its cost cannot be estimated (${statementId})`, {
    detail: `${sentence(reason)} The connection limits the cost of statements. Nothing was executed.`,
  });
export const budgetSpent = (words: { what: string; per: 'hour' | 'day'; used: number; limit: number; resetsAt: string }) =>
  error('gatehouse_limits', '53400', `budget of ${words.what} per ${words.per} is used up`, {
    detail: `${figure(words.used)} of ${figure(words.limit)} ${words.what} were used in this ${words.per}; it begins anew at ${words.resetsAt}.`,
    hint: 'Wait until then, or ask an administrator for a larger budget.',
  });
export const usageUnavailable = () =>
  error('gatehouse_limits', '58000', 'statement not executed because its budget could not be checked', {
    detail: 'The store that keeps budgets is unreachable. Nothing was executed.',
    hint: 'Try again shortly.',
  });

/** As PostgreSQL says it. */
export const invalidUtf8 = (bytes: string | null) =>
  error('gatehouse_wire', '22021', `invalid byte sequence for encoding "UTF8"${bytes === null ? '' : `: ${bytes}`}`);
export const statementTooLarge = (sizeBytes: number, limitBytes: number) =>
  error('gatehouse_wire', '54000', `statement of ${sizeBytes} bytes exceeds the limit of ${limitBytes} bytes`);
export const messageTooLarge = (sizeBytes: number, limitBytes: number) =>
  error('gatehouse_wire', '54000', `message of ${sizeBytes} bytes exceeds the limit of ${limitBytes} bytes`);
export const tooManyNames = () =>
  error('gatehouse_session', '53200', 'too many prepared statements and portals in one session', { hint: 'Close or deallocate some.' });
export const functionCallNotAllowed = () =>
  error('gatehouse_wire', '42501', 'function call protocol is not allowed', {
    detail: 'Drivers use it for large objects (lo_*).',
    hint: 'Keep such data in bytea columns, or set functionCall: judge on the connection.',
  });
export const functionResultNotLookedInto = () =>
  error('gatehouse_masking', '42501', 'function call protocol is not allowed for this function', {
    detail: 'A masking rule looks into content, and the type of what it returns depends on its arguments.',
    hint: 'Call the function in a SELECT.',
  });
export const noSuchFunction = (oid: number) => error('gatehouse_catalog', '42883', `function with OID ${oid} does not exist`);
export const notRecorded = (detail: string) =>
  error('gatehouse_audit', '58000', 'statement not executed because it could not be recorded', { detail });
export const sessionNotRecorded = () =>
  error('gatehouse_audit', '58000', 'session not opened because it could not be recorded', { hint: 'Try again shortly.' });
export const catalogUnavailable = (connection: string) =>
  error('gatehouse_catalog', '58000', `statement not executed because the catalog of "${connection}" could not be read`, {
    hint: 'Try again shortly.',
  });
export const approvalUnavailable = () =>
  error('gatehouse_approval', '58000', 'statement requires approval and the approval store is unreachable', {
    detail: 'Nothing was executed.',
  });
export const statementRejected = (requestId: string, reviewer: string, reason: string) =>
  error('gatehouse_approval', '42501', `statement rejected by reviewer (${requestId})`, {
    detail: `${reviewer}: ${ended(reason)} Nothing was executed.`,
  });
export const approvalTimedOut = (requestId: string) =>
  error('gatehouse_approval', '57014', `canceling statement due to approval timeout (${requestId})`, { detail: 'Nothing was executed.' });
/** What is said of a COMMIT that was held and may not stand: its statements had run. */
export const transactionRolledBack = ({ fields }: WireError) =>
  new WireError({
    ...fields,
    detail: [fields.detail?.replace(/\s*Nothing was executed\.$/, ''), 'Its transaction was rolled back; nothing of it stands.']
      .filter((part) => part !== undefined && part !== '')
      .join(' '),
  });
export const preparedNotApproved = (statementId: string) =>
  error('gatehouse_approval', '42501', `PREPARE TRANSACTION is refused in a transaction that needs approval at COMMIT (${statementId})`, {
    detail: 'Another session could commit it.',
    hint: 'Send COMMIT: it waits for approval.',
  });
/** For clients that do not wait: not class 40, 08 or 57P0x, so that a pool keeps the connection. */
/** `why`: the words of what holds it; of an unbounded write, what would bound it. */
interface HoldWords {
  requestId: string;
  rule: string;
  why: string;
  reviewers: string;
  deadline: string;
  link: string;
}
const holdDetail = ({ rule, why, reviewers, deadline }: HoldWords): string =>
  `Rule "${rule}": ${why.trim().replace(/\.$/, '')}; reviewers: ${reviewers}; until ${deadline}.`;
export const approvalRequired = (words: HoldWords) =>
  error('gatehouse_approval', '57000', `statement requires approval (${words.requestId})`, {
    detail: `${holdDetail(words)} Nothing was executed.`,
    hint: `Run the same statement again after approval: ${words.link}`,
  });
export const canceledByUser = () =>
  error('gatehouse_approval', '57014', 'canceling statement due to user request', {
    detail: 'The approval request was withdrawn. Nothing was executed.',
  });
export const canceledBeforeItRan = () =>
  error('gatehouse_session', '57014', 'canceling statement due to user request', { detail: 'Nothing was executed.' });
export const noSuchCursor = (name: string) => error('gatehouse_session', '34000', `cursor "${name}" does not exist`);

// Notices.

export const heldNotice = (words: HoldWords): WireFields => ({
  severity: 'NOTICE',
  sqlstate: '00000',
  message: `statement held for approval (${words.requestId})`,
  detail: holdDetail(words),
  hint: `${words.link} — Press Ctrl-C to withdraw.`,
  routine: 'gatehouse_approval',
});
export const brokenGlassWarning = (statementId: string, rule: string): WireFields => ({
  severity: 'WARNING',
  sqlstate: '01000',
  message: `statement runs without approval: break-glass (${statementId})`,
  detail: `Rule "${rule}" asks for approval. The reason you gave is recorded and announced.`,
  routine: 'gatehouse_approval',
});
export const glassNotOpenNotice = (rule: string): WireFields => ({
  severity: 'NOTICE',
  sqlstate: '00000',
  message: `break-glass is not open to you under rule "${rule}"`,
  detail: 'The statement needs approval like any other.',
  routine: 'gatehouse_approval',
});
export const approvalNotice = (requestId: string, count: number, required: number): WireFields => ({
  severity: 'NOTICE',
  sqlstate: '00000',
  message: `approval ${count} of ${required} received (${requestId})`,
  routine: 'gatehouse_approval',
});
