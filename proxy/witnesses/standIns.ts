import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseCheckpoint } from '../tlog/checkpoint';
import { provesConsistency, type TreeHead } from '../tlog/consistency';
import { EMPTY_ROOT } from '../tlog/hash';
import { signatureLine, signatureOf } from '../tlog/note';
import type { NoteKey, NoteSigner } from '../tlog/noteKey';

/** For tests: servers that really check what they are asked. */
export interface StandIn {
  url: string;
  /** `METHOD path status` of each request. */
  requests: string[];
  close(): Promise<void>;
}

type Answer = { status: number; body?: string | Buffer; headers?: Record<string, string> };

async function serve(answer: (req: IncomingMessage, body: Buffer) => Answer): Promise<StandIn> {
  const requests: string[] = [];
  const handle = async (req: IncomingMessage, res: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { status, body = '', headers = {} } = answer(req, Buffer.concat(chunks));
    requests.push(`${req.method} ${req.url} ${status}`);
    res.writeHead(status, headers).end(body);
  };
  const server: Server = createServer((req, res) => void handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** c2sp.org/tlog-witness for one log: verifies signature and consistency, remembers, and cosigns. */
export async function witnessServer(log: NoteKey, signer: NoteSigner, token: string | null = null): Promise<StandIn & { seen: TreeHead }> {
  const seen: TreeHead = { size: 0, root: EMPTY_ROOT };
  const served = await serve((req, body) => {
    if (req.method !== 'POST' || req.url !== '/log/add-checkpoint') return { status: 405 };
    if (token !== null && req.headers.authorization !== `Bearer ${token}`) return { status: 401 };
    const text = body.toString('utf8');
    const cut = text.indexOf('\n\n');
    const [oldLine = '', ...proof] = text.slice(0, cut).split('\n');
    const old = Number(/^old (0|[1-9]\d*)$/.exec(oldLine)?.[1]);
    const checkpoint = parseCheckpoint(text.slice(cut + 2));
    if (checkpoint.origin !== log.name) return { status: 404 };
    if (signatureOf(checkpoint.note, log) !== 'valid') return { status: 403 };
    if (!(old <= checkpoint.size)) return { status: 400 };
    if (old !== seen.size) return { status: 409, body: `${seen.size}\n`, headers: { 'content-type': 'text/x.tlog.size' } };
    if (old === checkpoint.size && !seen.root.equals(checkpoint.root)) return { status: 409, body: 'another root\n' };
    const hashes = proof.map((line) => Buffer.from(line, 'base64'));
    if (!provesConsistency(seen, checkpoint, hashes)) return { status: 422 };
    seen.size = checkpoint.size;
    seen.root = checkpoint.root;
    return { status: 200, body: `${signatureLine(checkpoint.note.text, signer, 1_790_000_000)}\n` };
  });
  return { ...served, seen };
}

/** An S3 bucket in memory: checks signature version 4 over every header, the checksum, and who may replace what. */
export async function bucketServer(keys: { id: string; secret: string }, bucket: string, options: { lock: boolean }) {
  const objects = new Map<string, { body: Buffer; retainUntil: string | null }>();
  const error = (status: number, code: string): Answer => ({ status, body: `<Error><Code>${code}</Code><Message>no</Message></Error>` });
  const served = await serve((req, body) => {
    if (!signedRightly(req, body, keys)) return error(403, 'SignatureDoesNotMatch');
    const path = decodeURIComponent(new URL(req.url ?? '', 'http://x').pathname);
    if (!path.startsWith(`/${bucket}/`)) return error(404, 'NoSuchBucket');
    const kept = objects.get(path);
    if (req.method === 'GET') return kept === undefined ? error(404, 'NoSuchKey') : { status: 200, body: kept.body };
    if (kept !== undefined && req.headers['if-none-match'] === '*') return error(412, 'PreconditionFailed');
    if (createHash('md5').update(body).digest('base64') !== req.headers['content-md5']) return error(400, 'BadDigest');
    const until = req.headers['x-amz-object-lock-retain-until-date'];
    if (until !== undefined && (!options.lock || req.headers['x-amz-object-lock-mode'] !== 'COMPLIANCE'))
      return error(400, 'InvalidRequest');
    objects.set(path, { body, retainUntil: typeof until === 'string' ? until : null });
    return { status: 200 };
  });
  return { ...served, objects };
}

/** AWS Signature Version 4, made from its description anew. */
function signedRightly(req: IncomingMessage, body: Buffer, keys: { id: string; secret: string }): boolean {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      req.headers.authorization ?? '',
    );
  const [, id, day = '', region = '', signed = '', signature] = match ?? [];
  if (id !== keys.id || req.headers['x-amz-content-sha256'] !== createHash('sha256').update(body).digest('hex')) return false;
  // Every x-amz header, and what decides whether an object is replaced, must be under the signature.
  const names = signed.split(';');
  const needed = Object.keys(req.headers).filter((name) => name === 'host' || name === 'if-none-match' || name.startsWith('x-amz-'));
  if (!needed.every((name) => names.includes(name))) return false;
  const time = String(req.headers['x-amz-date']);
  const canonical = [
    req.method,
    new URL(req.url ?? '', 'http://x').pathname,
    '',
    ...names.map((name) => `${name}:${String(req.headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    signed,
    req.headers['x-amz-content-sha256'],
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, `${day}/${region}/s3/aws4_request`, createHash('sha256').update(canonical).digest('hex')].join(
    '\n',
  );
  let key: Buffer = Buffer.from(`AWS4${keys.secret}`);
  for (const part of [day, region, 's3', 'aws4_request']) key = createHmac('sha256', key).update(part).digest();
  return createHmac('sha256', key).update(text).digest('hex') === signature;
}
