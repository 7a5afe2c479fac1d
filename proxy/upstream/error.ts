/** Where on its way upstream a connection failed. */
export type UpstreamStage = 'TCP' | 'TLS' | 'sign-in';

interface Facts {
  stage?: UpstreamStage;
  /** The server's SQLSTATE. */
  sqlstate?: string | null;
  /** The network's or OpenSSL's name for the failure, e.g. ECONNREFUSED. */
  code?: string;
  /** What to do about it. */
  hint?: string;
  /** What a client is told in place of `reason`, where that names a role, a host or a database the client does not know. */
  told?: string;
}

/**
 * The upstream could not be reached or did not let us in. `message` is for the client (the DETAIL of its FATAL 08006) and names neither
 * role nor address; `reason` is for the operator, in the server's or the network's words. Neither holds a credential.
 */
export class UpstreamError extends Error {
  override name = 'UpstreamError';
  readonly stage: UpstreamStage;
  readonly reason: string;
  readonly hint: string | null;
  readonly sqlstate: string | null;
  /** For the log: what kind of failure, no words. */
  readonly code: string | null;

  constructor(reason: string, facts: Facts = {}) {
    const stage = facts.stage ?? 'sign-in';
    const hint = facts.hint ?? null;
    super(`${stage}: ${facts.told ?? reason}${hint === null ? '' : `: ${hint}`}`);
    this.stage = stage;
    this.reason = reason;
    this.hint = hint;
    this.sqlstate = facts.sqlstate ?? null;
    this.code = facts.sqlstate ?? facts.code ?? null;
  }
}

/** Names that came from a certificate or a server: one line, and no longer than a person reads. */
export function shortened(text: string, most = 200): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return plain.length <= most ? plain : `${plain.slice(0, most)}…`;
}
