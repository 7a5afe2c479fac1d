/** What a generated expression is: enough to put types together that PostgreSQL takes. */
type Kind = 'int' | 'text' | 'bool' | 'texts' | 'json';

interface Column {
  name: string;
  kind: Kind;
}

interface Item {
  alias: string;
  columns: readonly Column[];
}

interface Query {
  sql: string;
  columns: readonly Column[];
}

const table = (spec: string): readonly Column[] =>
  spec.split(' ').map((part) => {
    const [name = '', kind = 'text'] = part.split(':');
    return { name, kind: kind as Kind };
  });

/** Relations of the cases' schema, with those of their columns whose types the generator knows. */
const RELATIONS: Readonly<Record<string, readonly Column[]>> = {
  c: table('id:int name email:text ssn city age:int tags:texts doc:json low'),
  o: table('id:int cid:int note'),
  k: table('id:int ssn brand'),
  s: table('id:int v n:int w:texts'),
  node: table('id:int up:int label'),
  vc: table('id:int name mail city'),
  vv: table('id:int loud'),
  vu: table('either'),
  vpick: table('a:int b'),
  mc: table('id:int mail len:int'),
  vf: table('id:int mail'),
  'hr.pay': table('id:int salary:int'),
};

const KINDS: readonly Kind[] = ['int', 'text', 'text', 'bool', 'texts', 'json'];

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** One query over the cases' schema; the same for the same seed. */
export function generateQuery(seed: number): string {
  return new Generator(random(seed)).query(3, []).sql;
}

class Generator {
  #names = 0;

  constructor(private readonly next: () => number) {}

  private pick<T>(items: readonly [T, ...T[]]): T {
    return items[Math.floor(this.next() * items.length)] ?? items[0];
  }

  private chance(of: number): boolean {
    return this.next() < of;
  }

  private name(prefix: string): string {
    return `${prefix}${++this.#names}`;
  }

  query(depth: number, outer: readonly Item[], kinds?: readonly Kind[]): Query {
    if (depth > 0 && this.chance(0.15)) return this.setOperation(depth, outer, kinds);
    if (depth > 0 && this.chance(0.15)) return this.withQuery(depth, outer, kinds);
    return this.block(depth, outer, kinds);
  }

  private setOperation(depth: number, outer: readonly Item[], kinds?: readonly Kind[]): Query {
    const left = this.query(depth - 1, outer, kinds);
    const right = this.query(
      depth - 1,
      outer,
      left.columns.map((column) => column.kind),
    );
    // Not every type has an equality.
    const comparable = left.columns.every((column) => column.kind !== 'json');
    const operation = comparable ? this.pick(['UNION ALL', 'UNION', 'INTERSECT', 'EXCEPT', 'EXCEPT ALL']) : 'UNION ALL';
    return { sql: `(${left.sql}) ${operation} (${right.sql})`, columns: left.columns };
  }

  private withQuery(depth: number, outer: readonly Item[], kinds?: readonly Kind[]): Query {
    const name = this.name('w');
    const inner = this.query(depth - 1, outer);
    const alias = this.name('a');
    const item = { alias, columns: inner.columns };
    const body = this.block(depth - 1, outer, kinds, { sql: `${name} AS ${alias}`, items: [item] });
    return { sql: `WITH ${name} AS (${inner.sql}) ${body.sql}`, columns: body.columns };
  }

  private block(depth: number, outer: readonly Item[], kinds?: readonly Kind[], given?: { sql: string; items: Item[] }): Query {
    const from = given ?? this.from(depth, outer);
    const scope = [...from.items, ...outer];
    const wanted = kinds ?? Array.from({ length: 1 + Math.floor(this.next() * 3) }, () => this.pick(KINDS as [Kind, ...Kind[]]));
    const where = this.chance(0.4) ? ` WHERE ${this.condition(depth, scope)}` : '';
    if (this.chance(0.25)) return this.grouped(depth, from, scope, wanted, where);
    if (kinds === undefined && this.chance(0.15)) return this.starred(from, where);
    const columns = wanted.map((kind) => ({ name: this.name('x'), kind }));
    const outputs = columns.map(({ name, kind }) => `${this.output(kind, depth, scope)} AS ${name}`);
    const distinct = wanted.every((kind) => kind !== 'json') && this.chance(0.15) ? 'DISTINCT ' : '';
    const order = distinct === '' && this.chance(0.25) ? ` ORDER BY ${this.expression('text', depth - 1, scope)}` : '';
    const limit = order !== '' && this.chance(0.5) ? ` LIMIT ${1 + Math.floor(this.next() * 3)}` : '';
    return { sql: `SELECT ${distinct}${outputs.join(', ')} FROM ${from.sql}${where}${order}${limit}`, columns };
  }

  /** A star over sub-selects with names of their own, which cannot clash. */
  private starred(from: { sql: string; items: readonly Item[] }, where: string): Query {
    const columns = from.items.flatMap((item) => item.columns.map((column) => ({ ...column, of: item.alias })));
    const listed = columns.map(({ name, kind, of }) => ({ name: this.name('y'), kind, of, inner: name }));
    const inner = listed.map((column) => `${column.of}.${column.inner} AS ${column.name}`).join(', ');
    const alias = this.name('q');
    const star = this.pick(['*', `${alias}.*`, `(${alias}).*`]);
    return { sql: `SELECT ${star} FROM (SELECT ${inner} FROM ${from.sql}${where}) AS ${alias}`, columns: listed };
  }

  private grouped(depth: number, from: { sql: string }, scope: readonly Item[], wanted: readonly Kind[], where: string): Query {
    const keys = this.chance(0.7) ? [this.expression('text', depth - 1, scope)] : [];
    const columns = wanted.map((kind) => ({ name: this.name('x'), kind }));
    const outputs = columns.map(({ kind, name }) => {
      const key = keys[0];
      const value = kind === 'text' && key !== undefined && this.chance(0.5) ? key : this.aggregate(kind, depth, scope);
      return `${value} AS ${name}`;
    });
    const group = keys.length === 0 ? '' : this.chance(0.2) ? ` GROUP BY ROLLUP (${keys[0]})` : ` GROUP BY ${keys[0]}`;
    const having = this.chance(0.2) ? ` HAVING ${this.aggregate('int', depth, scope)} > 1` : '';
    return { sql: `SELECT ${outputs.join(', ')} FROM ${from.sql}${where}${group}${having}`, columns };
  }

  private aggregate(kind: Kind, depth: number, scope: readonly Item[]): string {
    const of = (inner: Kind) => this.expression(inner, depth - 1, scope);
    const filter = this.chance(0.2) ? ` FILTER (WHERE ${this.condition(0, scope)})` : '';
    switch (kind) {
      case 'int':
        return `${this.pick([`count(*)`, `count(${of('text')})`, `max(${of('int')})`, `sum(${of('int')})`, `count(DISTINCT ${of('text')})`])}${filter}`;
      case 'text':
        return `${this.pick([`max(${of('text')})`, `string_agg(${of('text')}, ',' ORDER BY ${of('text')})`])}${filter}`;
      case 'bool':
        return `bool_or(${of('bool')})${filter}`;
      case 'texts':
        return `array_agg(${of('text')} ORDER BY ${of('int')})${filter}`;
      case 'json':
        return `jsonb_agg(${of('int')} ORDER BY ${of('int')})${filter}`;
      default:
        return kind satisfies never;
    }
  }

  private from(depth: number, outer: readonly Item[]): { sql: string; items: Item[] } {
    const first = this.fromItem(depth, outer);
    if (this.chance(0.5)) return first;
    const alike = this.using(depth, outer);
    if (alike !== null) return alike;
    const second = this.fromItem(depth, [...first.items, ...outer]);
    const items = [...first.items, ...second.items];
    if (this.chance(0.4)) return { sql: `${first.sql}, ${second.sql}`, items };
    const kind = this.pick(['JOIN', 'LEFT JOIN']);
    return { sql: `${first.sql} ${kind} ${second.sql} ON ${this.condition(0, items)}`, items };
  }

  /** Two sides that share a column of one type, merged by USING. */
  private using(depth: number, outer: readonly Item[]): { sql: string; items: Item[] } | null {
    if (!this.chance(0.25)) return null;
    const key = this.name('j');
    const side = () => {
      const query = this.block(Math.max(0, depth - 1), outer, ['text', 'int']);
      const alias = this.name('a');
      const own = this.name('z');
      return { sql: `(${query.sql}) AS ${alias} (${key}, ${own})`, alias, own };
    };
    const [left, right] = [side(), side()];
    const joined = this.name('a');
    const kind = this.pick(['JOIN', 'LEFT JOIN', 'FULL JOIN']);
    const columns: Column[] = [
      { name: key, kind: 'text' },
      { name: left.own, kind: 'int' },
      { name: right.own, kind: 'int' },
    ];
    return { sql: `(${left.sql} ${kind} ${right.sql} USING (${key})) AS ${joined}`, items: [{ alias: joined, columns }] };
  }

  private fromItem(depth: number, outer: readonly Item[]): { sql: string; items: Item[] } {
    const alias = this.name('a');
    if (depth > 0 && this.chance(0.3)) {
      const query = this.query(depth - 1, outer);
      return { sql: `LATERAL (${query.sql}) AS ${alias}`, items: [{ alias, columns: query.columns }] };
    }
    if (this.chance(0.15)) return this.rowSource(alias, depth, outer);
    const [relation, columns] = this.pick(Object.entries(RELATIONS) as [[string, readonly Column[]], ...[string, readonly Column[]][]]);
    return { sql: `${relation} AS ${alias}`, items: [{ alias, columns }] };
  }

  private rowSource(alias: string, depth: number, outer: readonly Item[]): { sql: string; items: Item[] } {
    const of = (kind: Kind) => this.expression(kind, Math.min(depth, 1), outer);
    const [sql, columns] = this.pick<[string, string]>([
      [`unnest(${of('texts')}) AS ${alias} (e)`, 'e'],
      [`generate_series(1, ${of('int')} % 4) AS ${alias} (n)`, 'n:int'],
      [`people_in(${of('text')}) AS ${alias}`, 'id:int mail'],
      [`all_c() AS ${alias}`, 'id:int email ssn tags:texts'],
      [`LATERAL (VALUES (${of('int')}, ${of('text')}), (0, 'none')) AS ${alias} (n, t)`, 'n:int t'],
      [`jsonb_each_text(${of('json')}) AS ${alias} (key, val)`, 'key val'],
      [`pair(${of('int')}) AS ${alias}`, 'who years:int'],
    ]);
    return { sql, items: [{ alias, columns: table(columns) }] };
  }

  private condition(depth: number, scope: readonly Item[]): string {
    return this.expression('bool', Math.max(depth - 1, 0), scope);
  }

  /** An output may also be computed over a window. */
  private output(kind: Kind, depth: number, scope: readonly Item[]): string {
    if (!this.chance(0.12) || (kind !== 'int' && kind !== 'text')) return this.expression(kind, depth, scope);
    const of = (inner: Kind) => this.expression(inner, 0, scope);
    const window = `(PARTITION BY ${of('text')} ORDER BY ${of('int')})`;
    return kind === 'int'
      ? this.pick([`count(${of('text')}) OVER ${window}`, `sum(${of('int')}) OVER ${window}`, `rank() OVER ${window}`])
      : this.pick([`max(${of('text')}) OVER ${window}`, `first_value(${of('text')}) OVER ${window}`]);
  }

  private expression(kind: Kind, depth: number, scope: readonly Item[]): string {
    if (depth <= 0 || this.chance(0.35)) return this.leaf(kind, scope);
    const of = (inner: Kind) => this.expression(inner, depth - 1, scope);
    if (this.chance(0.1)) return `CASE WHEN ${of('bool')} THEN ${of(kind)} ELSE ${of(kind)} END`;
    if (this.chance(0.08)) return `coalesce(${of(kind)}, ${of(kind)})`;
    if (this.chance(0.12)) return this.scalarQuery(kind, depth, scope);
    switch (kind) {
      case 'int':
        return this.pick([`(${of('int')} + ${of('int')})`, `length(${of('text')})`, `cardinality(${of('texts')})`, `(${of('int')} % 7)`]);
      case 'text':
        return this.pick([
          `(${of('text')} || ${of('text')})`,
          `upper(${of('text')})`,
          `(${of('int')})::text`,
          `left(${of('text')}, 3)`,
          `nullif(${of('text')}, ${of('text')})`,
          `(${of('texts')})[1]`,
          `(${of('json')} ->> 'memo')`,
          `email_of(${of('int')})`,
          `shout(${of('text')})`,
          `defaulted(${of('text')})`,
          `(pair(${of('int')})).who`,
        ]);
      case 'bool':
        return this.pick([
          `(${of('text')} = ${of('text')})`,
          `(${of('int')} > ${of('int')})`,
          `(${of('text')} IS NULL)`,
          `(NOT ${of('bool')})`,
          `(${of('bool')} OR ${of('bool')})`,
          `(${of('text')} LIKE 'a%')`,
          `(${of('text')} = ANY (${of('texts')}))`,
          this.membership(depth, scope),
        ]);
      case 'texts':
        return this.pick([
          `ARRAY[${of('text')}, ${of('text')}]`,
          `(${of('texts')} || ${of('text')})`,
          `string_to_array(${of('text')}, '@')`,
        ]);
      case 'json':
        return this.pick([`jsonb_build_object('memo', ${of('text')})`, `to_jsonb(${of('int')})`, this.wholeRow(scope)]);
      default:
        return kind satisfies never;
    }
  }

  private wholeRow(scope: readonly Item[]): string {
    const item = this.pick(scope as readonly [Item, ...Item[]]);
    return item === undefined ? "'{}'::jsonb" : `to_jsonb(${item.alias})`;
  }

  private scalarQuery(kind: Kind, depth: number, scope: readonly Item[]): string {
    if (kind === 'texts') return `ARRAY(${this.block(depth - 1, scope, ['text']).sql})`;
    const from = this.fromItem(0, scope);
    return `(SELECT ${this.aggregate(kind, depth - 1, [...from.items, ...scope])} FROM ${from.sql})`;
  }

  private membership(depth: number, scope: readonly Item[]): string {
    const query = this.block(depth - 1, scope, ['text']);
    return this.chance(0.5) ? `EXISTS (${query.sql})` : `(${this.leaf('text', scope)} IN (${query.sql}))`;
  }

  private leaf(kind: Kind, scope: readonly Item[]): string {
    const found = scope.flatMap((item) => item.columns.filter((column) => column.kind === kind).map((column) => ({ item, column })));
    if (found.length > 0 && this.chance(0.9)) {
      const { item, column } = this.pick(found as [(typeof found)[number], ...typeof found]);
      return this.chance(0.1) ? `(${item.alias}).${column.name}` : `${item.alias}.${column.name}`;
    }
    const constants: Readonly<Record<Kind, [string, ...string[]]>> = {
      int: ['1', '2', '30'],
      text: ["'Oslo'", "'ann@a.test'", "'x'"],
      bool: ['true', 'false'],
      texts: ["ARRAY['red', 'x']"],
      json: [`'{"memo": "k"}'::jsonb`],
    };
    return this.pick(constants[kind]);
  }
}
