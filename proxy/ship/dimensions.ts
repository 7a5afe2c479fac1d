import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import type { Form, Source } from './batch';
import { storable, storableJson } from './copyRows';
import { dayOf } from './days';

/** Longer shapes are cut for search; the whole text is among the sealed values. */
const SHAPE_CHARS = 65_536;
/** Rows of one table whose ids are remembered; past it all are forgotten, and found again. */
const MOST_KNOWN = 50_000;

/**
 * Rows that statements share, and their ids. They are committed before the statements that name them, by themselves: a row that no
 * statement names is harmless, an id that was never committed would not be.
 */
export interface Dimensions {
  /** Says their `rowId` to sources and forms. */
  sources(client: Client, wanted: Iterable<Source>): Promise<void>;
  forms(client: Client, wanted: Iterable<Form>): Promise<void>;
  /** @returns the id of each of the very lists that were asked for; it throws for another */
  masks(client: Client, wanted: Iterable<readonly string[]>): Promise<(list: readonly string[]) => number>;
}

export function openDimensions(): Dimensions {
  const sources = new Dimension<Source>('statement_sources', SOURCE, sourceKey, (one) => ({
    node: one.node,
    principal_name: storable(one.principalName),
    owner_name: one.ownerName === null ? null : storable(one.ownerName),
    connection_name: storable(one.connectionName),
    application_name: storable(one.applicationName),
    client_host: storable(one.clientHost),
  }));
  const forms = new Dimension<Form>('statement_forms', FORM, formKey, (one) => ({
    kind: storable(one.kind),
    shape: storable(one.shape.length > SHAPE_CHARS ? `${one.shape.slice(0, SHAPE_CHARS)}…` : one.shape),
    fingerprint: storable(one.fingerprint),
    protocol: storable(one.protocol),
    relations: one.relations,
    tables: [...new Set(one.relations.map((relation) => storable(relation.name)))],
    columns: one.columns.map(storable),
    effects: one.effects,
    unbounded: one.unbounded,
  }));
  const masks = new Dimension<readonly string[]>('statement_masks', 'columns text[]', maskKey, (columns) => ({
    columns: columns.map(storable),
  }));
  return {
    sources: async (client, wanted) => {
      for (const [one, id] of await sources.idsOf(client, wanted)) one.rowId = id;
    },
    forms: async (client, wanted) => {
      for (const [one, id] of await forms.idsOf(client, wanted)) one.rowId = id;
    },
    masks: async (client, wanted) => {
      const ids = await masks.idsOf(client, wanted);
      return (list) => ids.get(list) ?? absent();
    },
  };
}

const SOURCE = 'node text, principal_name text, owner_name text, connection_name text, application_name text, client_host text';
const FORM =
  'kind text, shape text, fingerprint text, protocol text, relations jsonb, tables text[], columns text[], effects jsonb, unbounded boolean';

/** One table, told apart by the SHA-256 of all that its rows say. */
class Dimension<T> {
  #day = '';
  readonly #known = new Map<string, number>();

  constructor(
    private readonly table: string,
    /** Its columns and their types, as in a column definition list. */
    private readonly shape: string,
    private readonly keyOf: (one: T) => string,
    private readonly rowOf: (one: T) => Record<string, unknown>,
  ) {}

  /** Finds or makes the rows of `wanted`. */
  async idsOf(client: Client, wanted: Iterable<T>): Promise<ReadonlyMap<T, number>> {
    // Once a day what is in use says so (`seen_on`), which keeps it when unused rows are removed.
    const today = dayOf(Date.now());
    if (today !== this.#day || this.#known.size > MOST_KNOWN) this.#known.clear();
    this.#day = today;
    const keys = new Map<T, string>();
    const missing = new Map<string, T>();
    for (const one of wanted) {
      const key = this.keyOf(one);
      keys.set(one, key);
      if (!this.#known.has(key)) missing.set(key, one);
    }
    if (missing.size > 0) await this.#learn(client, missing);
    const ids = new Map<T, number>();
    for (const [one, key] of keys) ids.set(one, this.#known.get(key) ?? absent());
    return ids;
  }

  async #learn(client: Client, missing: ReadonlyMap<string, T>): Promise<void> {
    const keyOfDigest = new Map<string, string>();
    const rows: Record<string, unknown>[] = [];
    for (const [key, one] of missing) {
      const digest = createHash('sha256').update(key).digest('hex');
      keyOfDigest.set(digest, key);
      rows.push({ digest, ...this.rowOf(one) });
    }
    const columns = this.shape.replaceAll(/(\w+) [\w[\]]+/g, '$1');
    // In the order of their digests, so that gateways that learn the same at once wait for each other in one order.
    const { rows: found } = await client.query<{ id: string; digest: string }>(
      `insert into ${this.table} as t (digest, ${columns}, seen_on)
       select decode(digest, 'hex'), ${columns}, $2::date from jsonb_to_recordset($1::jsonb) as n(digest text, ${this.shape})
       order by digest
       on conflict (digest) do update set seen_on = greatest(t.seen_on, excluded.seen_on)
       returning id, encode(digest, 'hex') as digest`,
      [storableJson(rows), this.#day],
    );
    for (const { id, digest } of found) {
      const key = keyOfDigest.get(digest);
      if (key !== undefined) this.#known.set(key, Number(id));
    }
  }
}

function absent(): never {
  throw new Error('a row that statements share was not prepared');
}

/** Parts are told apart by their lengths, so that no two lists read the same. */
const keyed = (parts: readonly (string | null)[]): string => parts.map((part) => (part === null ? '-' : `${part.length}:${part}`)).join('');

const sourceKey = (one: Source): string =>
  keyed([one.node, one.principalName, one.ownerName, one.connectionName, one.applicationName, one.clientHost]);
const formKey = (one: Form): string =>
  keyed([
    one.kind,
    one.shape,
    one.fingerprint,
    one.protocol,
    JSON.stringify(one.relations),
    JSON.stringify(one.columns),
    JSON.stringify(one.effects),
    String(one.unbounded),
  ]);
const maskKey = (columns: readonly string[]): string => keyed(columns);
