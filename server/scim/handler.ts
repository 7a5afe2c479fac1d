import type { IncomingMessage, ServerResponse } from 'node:http';
import { sessionActor } from '../auth/session';
import { ServiceError } from '../errors';
import { log } from '../log';
import type { Runtime } from '../runtime';
import { errorBody, ScimError } from './errors';
import { readGroup, readGroupPatch } from './groupInput';
import { changeGroup, createGroup, deleteGroup, GROUPS, type Group, getGroup, listGroupsForScim, replacing } from './groups';
import { MOST_A_PAGE, readQuery } from './query';
import { groupResource, listOf, type Resource, resourceTypes, schemas, serviceProviderConfig, userResource } from './resources';
import { readUser, readUserPatch } from './userInput';
import { changeUser, createUser, type Directory, deleteUser, getUser, listUsers, USERS, type User } from './users';
import { demandMatch, isAmong } from './versions';

export const SCIM_PATH = '/scim/v2';
const MOST_BODY_BYTES = 2 * 1024 * 1024;

type Context = Pick<Runtime, 'store' | 'secretKey' | 'consoleUrl'>;

interface Reply {
  status: number;
  body?: object;
  headers?: Record<string, string>;
}

interface Asked {
  directory: Directory;
  method: string;
  id: string | undefined;
  query: URLSearchParams;
  base: string;
  body(): Promise<unknown>;
  ifMatch: string | undefined;
  ifNoneMatch: string | undefined;
}

/** SCIM 2.0 (RFC 7643, RFC 7644): a directory says who is there and who is in which group. */
export function createScimHandler(context: Context): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  return async (req, res) => {
    const { status, body, headers } = await answer(context, req).catch(failed);
    res.writeHead(status, { 'content-type': 'application/scim+json; charset=utf-8', 'cache-control': 'no-store', ...headers });
    res.end(body === undefined ? undefined : JSON.stringify(body));
  };
}

async function answer(context: Context, req: IncomingMessage): Promise<Reply> {
  if (req.url?.includes('%00')) throw new ScimError(400, 'the character U+0000 is in the address', 'invalidValue');
  const url = new URL(req.url ?? '/', 'http://console.invalid');
  const [kind, id, ...rest] = url.pathname
    .slice(SCIM_PATH.length)
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const base = `${context.consoleUrl}${SCIM_PATH}`;
  const method = req.method ?? 'GET';
  const { authorization } = req.headers;
  // By its token alone: a page that somebody looks at must not be able to ask in their name.
  const actor = authorization === undefined ? null : await sessionActor(context, { authorization });
  if (actor === null)
    return { status: 401, body: errorBody(401, 'an access token is needed'), headers: { 'www-authenticate': 'Bearer realm="gatehouse"' } };
  if (actor.kind !== 'service' || actor.role !== 'admin')
    throw new ScimError(403, 'the token has to be of a principal of kind service with role admin');
  const asked: Asked = {
    directory: { store: context.store, actor },
    method,
    id,
    query: url.searchParams,
    base,
    body: () => readBody(req),
    ifMatch: req.headers['if-match'],
    ifNoneMatch: req.headers['if-none-match'],
  };
  if (rest.length > 0) throw new ScimError(404, 'no such endpoint');
  switch (kind?.toLowerCase()) {
    case 'users':
      return id === undefined ? users(asked) : oneUser(asked, id);
    case 'groups':
      return id === undefined ? groups(asked) : oneGroup(asked, id);
    case 'serviceproviderconfig':
      return { status: 200, body: serviceProviderConfig(base, MOST_A_PAGE) };
    case 'resourcetypes':
      return described(resourceTypes(base), id);
    case 'schemas':
      return described(schemas(base), id);
    default:
      throw new ScimError(404, 'no such endpoint');
  }
}

function described(all: object[], id: string | undefined): Reply {
  if (id === undefined) return { status: 200, body: listOf(all, all.length) };
  const one = all.find((each) => 'id' in each && each.id === id);
  if (one === undefined) throw new ScimError(404, `${id} does not exist`);
  return { status: 200, body: one };
}

async function users({ directory, method, query, base, body }: Asked): Promise<Reply> {
  if (method === 'GET') {
    const wanted = readQuery(query, USERS);
    const { users: found, total } = await listUsers(directory, wanted);
    return {
      status: 200,
      body: listOf(
        found.map((user) => userResource(user, base)),
        total,
        wanted,
      ),
    };
  }
  if (method !== 'POST') throw notAllowed();
  const user = await createUser(directory, readUser(await body()));
  return shown(userResource(user, base), 201, { location: `${base}/Users/${user.row.id}` });
}

async function oneUser({ directory, method, base, body, ifMatch, ifNoneMatch }: Asked, id: string): Promise<Reply> {
  const resource = (user: User) => userResource(user, base);
  const demand = (user: User) => demandMatch(ifMatch, resource(user).meta.version ?? '');
  switch (method) {
    case 'GET':
      return unlessKnown(resource(await getUser(directory, id)), ifNoneMatch);
    case 'PUT':
      return shown(resource(await changeUser(directory, id, readUser(await body()), { whole: true, demand })));
    case 'PATCH':
      return shown(resource(await changeUser(directory, id, readUserPatch(await body()), { whole: false, demand })));
    case 'DELETE':
      await deleteUser(directory, id, demand);
      return { status: 204 };
    default:
      throw notAllowed();
  }
}

async function groups({ directory, method, query, base, body }: Asked): Promise<Reply> {
  if (method === 'GET') {
    const wanted = readQuery(query, GROUPS);
    const { groups: found, total } = await listGroupsForScim(directory, wanted);
    return {
      status: 200,
      body: listOf(
        found.map((group) => groupResource(group, base, wanted.withoutMembers)),
        total,
        wanted,
      ),
    };
  }
  if (method !== 'POST') throw notAllowed();
  const group = await createGroup(directory, readGroup(await body()));
  return shown(groupResource(group, base), 201, { location: `${base}/Groups/${group.row.id}` });
}

async function oneGroup({ directory, method, query, base, body, ifMatch, ifNoneMatch }: Asked, id: string): Promise<Reply> {
  const demand = (group: Group) => demandMatch(ifMatch, groupResource(group, base).meta.version ?? '');
  switch (method) {
    case 'GET': {
      const { withoutMembers } = readQuery(query, GROUPS);
      return unlessKnown(groupResource(await getGroup(directory, id, withoutMembers), base, withoutMembers), ifNoneMatch);
    }
    case 'PUT':
      return shown(groupResource(await changeGroup(directory, id, replacing(readGroup(await body())), demand), base));
    case 'PATCH':
      return shown(groupResource(await changeGroup(directory, id, readGroupPatch(await body()), demand), base));
    case 'DELETE':
      await deleteGroup(directory, id, demand);
      return { status: 204 };
    default:
      throw notAllowed();
  }
}

/** A resource, with its version as its tag. */
function shown(resource: Resource, status = 200, headers: Record<string, string> = {}): Reply {
  const { version } = resource.meta;
  return { status, body: resource, headers: { ...headers, ...(version === undefined ? {} : { etag: version }) } };
}

/** A client that has this version already is not sent it again. */
function unlessKnown(resource: Resource, ifNoneMatch: string | undefined): Reply {
  const { version } = resource.meta;
  if (version === undefined || ifNoneMatch === undefined || !isAmong(ifNoneMatch, version)) return shown(resource);
  return { status: 304, headers: { etag: version } };
}

const notAllowed = () => new ScimError(405, 'no such method here');

async function readBody(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MOST_BODY_BYTES) throw new ScimError(413, 'at most 2 MiB');
    chunks.push(bytes);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text.includes('\\u0000')) throw new ScimError(400, 'the character U+0000 is in it, which PostgreSQL cannot store', 'invalidValue');
  try {
    return JSON.parse(text);
  } catch {
    throw new ScimError(400, 'the body is no JSON', 'invalidSyntax');
  }
}

function failed(error: unknown): Reply {
  if (error instanceof ScimError) return { status: error.status, body: errorBody(error.status, error.message, error.scimType) };
  if (error instanceof ServiceError && error.code === 'CONFLICT') return { status: 409, body: errorBody(409, error.message) };
  if (error instanceof URIError) return { status: 400, body: errorBody(400, 'the path cannot be read', 'invalidPath') };
  log.error({ err: error }, 'a SCIM request failed');
  return { status: 500, body: errorBody(500, 'Something failed; the server log says what.') };
}
