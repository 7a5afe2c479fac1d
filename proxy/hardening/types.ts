import type { CatalogSnapshot } from '../catalog/types';
import type { ColumnMask } from '../masking/types';

/** What one role may do with one relation. Columns by attribute number. */
export interface RelationRights {
  oid: number;
  select: readonly number[];
  insert: readonly number[];
  update: readonly number[];
  delete: boolean;
  /** Columns everyone may read. */
  publicSelect: readonly number[];
}

/** A sequence one role may use. */
export interface SequenceRights {
  schema: string;
  name: string;
  usage: boolean;
  select: boolean;
}

/** A function that is not PostgreSQL's own, as one role meets it. */
export interface RoutineRights {
  oid: number;
  /** pg_get_function_identity_arguments, names qualified. */
  identity: string;
  execute: boolean;
  /** Everyone may execute it: PUBLIC holds the right, so nothing has to be granted, and taking it away takes it from others too. */
  publicExecute: boolean;
}

/** What a role may do in its database, as far as a script can hand it on. */
export interface RoleRights {
  role: string;
  usage: readonly string[];
  /** Schemas in which PUBLIC may create objects. */
  publicCreate: readonly string[];
  publicTemporary: boolean;
  relations: ReadonlyMap<number, RelationRights>;
  sequences: readonly SequenceRights[];
  routines: readonly RoutineRights[];
}

export interface HardeningRequest {
  /** The connection's name. */
  connection: string;
  database: string;
  catalog: CatalogSnapshot;
  /** Masked for somebody in no exempt group, with all that the database derives from them. */
  masks: readonly ColumnMask[];
  /** The role whose rights are the model. */
  model: RoleRights;
  /** The role to make. */
  role: string;
  /** Schema of the masking views. */
  schema: string;
  readOnly: boolean;
  /** Print what takes rights from PUBLIC as statements and not as comments. */
  revokePublic: boolean;
}
