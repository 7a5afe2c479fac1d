import type { SqlNode } from './tree';
import { text } from './tree';

const IRREGULAR: Readonly<Record<string, string>> = {
  OBJECT_MATVIEW: 'MATERIALIZED VIEW',
  OBJECT_FDW: 'FOREIGN DATA WRAPPER',
  OBJECT_FOREIGN_SERVER: 'SERVER',
  OBJECT_DOMCONSTRAINT: 'CONSTRAINT',
  OBJECT_TABCONSTRAINT: 'CONSTRAINT',
  OBJECT_LARGEOBJECT: 'LARGE OBJECT',
  OBJECT_OPCLASS: 'OPERATOR CLASS',
  OBJECT_OPFAMILY: 'OPERATOR FAMILY',
  OBJECT_STATISTIC_EXT: 'STATISTICS',
  OBJECT_TSCONFIGURATION: 'TEXT SEARCH CONFIGURATION',
  OBJECT_TSDICTIONARY: 'TEXT SEARCH DICTIONARY',
  OBJECT_TSPARSER: 'TEXT SEARCH PARSER',
  OBJECT_TSTEMPLATE: 'TEXT SEARCH TEMPLATE',
  OBJECT_PARAMETER_ACL: 'PARAMETER',
  OBJECT_DEFACL: 'DEFAULT PRIVILEGES',
};

/** The SQL word for an ObjectType of the grammar: `OBJECT_MATVIEW` is MATERIALIZED VIEW. */
export function objectWord(type: string | null): string {
  if (type === null) return 'TABLE';
  return IRREGULAR[type] ?? type.replace('OBJECT_', '').replaceAll('_', ' ');
}

/** The object word in a field of a statement node. */
export function objectOf(node: SqlNode, field: string): string {
  return objectWord(text(node, field));
}

/** Every object word, for checking what an operator typed. */
export const OBJECT_WORDS: readonly string[] = [
  ...Object.values(IRREGULAR),
  ...'ACCESS METHOD,AGGREGATE,ATTRIBUTE,CAST,COLUMN,COLLATION,CONVERSION,DATABASE,DOMAIN,EVENT TRIGGER,EXTENSION'.split(','),
  ...'FOREIGN TABLE,FUNCTION,INDEX,LANGUAGE,OPERATOR,OWNED,POLICY,PROCEDURE,PUBLICATION,ROLE,ROUTINE,RULE,SCHEMA,SEQUENCE'.split(','),
  ...'SUBSCRIPTION,TABLE,TABLESPACE,TRANSFORM,TRIGGER,TYPE,USER MAPPING,VIEW'.split(','),
];
