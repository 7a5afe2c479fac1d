export type ObjectKind = 'connection' | 'group' | 'principal' | 'access' | 'masking' | 'rule' | 'identity provider' | 'audit';

/** What applying a document does to one object. `fields` names what differs, never the values. */
export interface PolicyChange {
  kind: ObjectKind;
  name: string;
  change: 'create' | 'update' | 'delete' | 'disable' | 'none';
  fields: string[];
}

export interface ApplyResult {
  /** The policy version after; unchanged when nothing changed or on a dry run. */
  version: number;
  changes: PolicyChange[];
  /** What the document asks for that this version of the gateway does not enforce. */
  warnings: string[];
}
