import type { PolicyDocument } from './document';

export interface BrokenReference {
  path: PropertyKey[];
  message: string;
}

/** Names that are given twice, and names that nothing in the document carries. The document is the whole policy, so it must be closed. */
export function checkReferences(document: PolicyDocument): BrokenReference[] {
  const broken: BrokenReference[] = [];
  const connections = declared(
    document.connections.map((item) => item.name),
    ['connections'],
    'connection',
    broken,
    'name',
  );
  const groups = declared(document.groups, ['groups'], 'group', broken);
  const principals = declared(
    document.principals.map((item) => item.name),
    ['principals'],
    'principal',
    broken,
    'name',
  );
  const slackUsers = new Set<string>();
  for (const [index, { slackUserId }] of document.principals.entries()) {
    if (slackUserId === null) continue;
    const path = ['principals', index, 'slackUserId'];
    if (slackUsers.has(slackUserId)) broken.push({ path, message: `Slack member ID ${slackUserId} is given twice` });
    slackUsers.add(slackUserId);
  }
  declared(
    document.masking.map((item) => item.name),
    ['masking'],
    'masking rule',
    broken,
    'name',
  );
  declared(
    document.rules.map((item) => item.name),
    ['rules'],
    'rule',
    broken,
    'name',
  );

  const expect = (names: readonly string[], known: ReadonlySet<string>, noun: string, path: PropertyKey[], wildcard: boolean) => {
    for (const [index, name] of names.entries())
      if (!known.has(name) && !(wildcard && name === '*')) broken.push({ path: [...path, index], message: `unknown ${noun} ${name}` });
  };
  for (const [index, principal] of document.principals.entries()) {
    expect(principal.groups, groups, 'group', ['principals', index, 'groups'], false);
    if (principal.owner === null) continue;
    const owner = document.principals.find((other) => other.name === principal.owner);
    const path = ['principals', index, 'owner'];
    if (!principals.has(principal.owner)) broken.push({ path, message: `unknown principal ${principal.owner}` });
    else if (owner?.kind !== 'human') broken.push({ path, message: `${principal.owner} is not a person: an owner answers for an agent` });
    else if (principal.kind === 'human') broken.push({ path, message: 'a person has no owner' });
  }
  for (const [index, entry] of document.access.entries()) {
    expect(entry.connections, connections, 'connection', ['access', index, 'connections'], true);
    expect(entry.groups, groups, 'group', ['access', index, 'groups'], true);
  }
  declared(
    document.identity.map((item) => item.name),
    ['identity', 'providers'],
    'identity provider',
    broken,
    'name',
  );
  for (const [index, provider] of document.identity.entries()) {
    const path = ['identity', 'providers', index];
    const each = (words: Readonly<Record<string, string>> | undefined, known: ReadonlySet<string>, noun: string, at: PropertyKey[]) => {
      for (const [word, name] of Object.entries(words ?? {}))
        if (!known.has(name)) broken.push({ path: [...path, ...at, word], message: `unknown ${noun} ${name}` });
    };
    each(provider.principal.names, principals, 'principal', ['principal', 'names']);
    each(provider.groups?.names, groups, 'group', ['groups', 'names']);
    if (provider.type !== 'oidc') continue;
    each(provider.agents, principals, 'principal', ['agents']);
    const twin = document.identity.findIndex((other) => other.type === 'oidc' && other.issuer === provider.issuer);
    if (twin !== index) broken.push({ path: [...path, 'issuer'], message: 'another provider has this issuer: a token could be either’s' });
  }
  for (const [index, connection] of document.connections.entries())
    expect(connection.requestable?.groups ?? [], groups, 'group', ['connections', index, 'requestable', 'groups'], false);
  for (const [index, rule] of document.masking.entries()) {
    expect(rule.connections, connections, 'connection', ['masking', index, 'connections'], true);
    expect(rule.exceptGroups, groups, 'group', ['masking', index, 'exceptGroups'], false);
  }
  for (const [index, rule] of document.rules.entries()) {
    expect(rule.connections, connections, 'connection', ['rules', index, 'connections'], true);
    expect(rule.groups, groups, 'group', ['rules', index, 'groups'], true);
    expect(rule.approval?.groups ?? [], groups, 'group', ['rules', index, 'approval', 'groups'], false);
    expect(rule.approval?.breakGlass ?? [], groups, 'group', ['rules', index, 'approval', 'breakGlass'], false);
  }
  return broken;
}

function declared(
  names: readonly string[],
  path: PropertyKey[],
  noun: string,
  broken: BrokenReference[],
  field?: string,
): ReadonlySet<string> {
  const seen = new Set<string>();
  for (const [index, name] of names.entries()) {
    if (seen.has(name))
      broken.push({ path: [...path, index, ...(field === undefined ? [] : [field])], message: `${noun} ${name} is given twice` });
    seen.add(name);
  }
  return seen;
}
