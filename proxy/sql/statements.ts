import { objectOf } from './objects';
import { child, flag, list, number, type SqlNode, text } from './tree';
import type { Effect } from './types';

interface StatementKind {
  /** Command words, the most telling first. */
  words: (node: SqlNode) => readonly string[];
  effects: (node: SqlNode) => readonly Effect[];
}

const fixed = (word: string, ...effects: Effect[]): StatementKind => ({ words: () => [word], effects: () => effects });
const over = (verb: string, field: string, ...effects: Effect[]): StatementKind => ({
  words: (node) => [`${verb} ${objectOf(node, field)}`],
  effects: () => effects,
});

/** Parts that an ALTER takes away: data or protection is lost as by DROP, so it carries that word and that effect too. */
const DROPPED_PARTS: Readonly<Record<string, string>> = {
  AT_DropColumn: 'DROP COLUMN',
  AT_DropConstraint: 'DROP CONSTRAINT',
  AT_DropExpression: 'DROP EXPRESSION',
  AT_DropIdentity: 'DROP IDENTITY',
};

function droppedParts(node: SqlNode): string[] {
  const composite = text(node, 'objtype') === 'OBJECT_TYPE';
  return list(node, 'cmds').flatMap((command) => {
    const part = DROPPED_PARTS[text(command, 'subtype') ?? ''];
    return part === undefined ? [] : [composite && part === 'DROP COLUMN' ? 'DROP ATTRIBUTE' : part];
  });
}

/** What sub-commands of ALTER TABLE do besides: rights over the table, what guards its rows, where it is. */
const PART_EFFECTS: Readonly<Record<string, readonly Effect[]>> = {
  AT_ChangeOwner: ['role'],
  AT_EnableRowSecurity: ['grant'],
  AT_DisableRowSecurity: ['grant'],
  AT_ForceRowSecurity: ['grant'],
  AT_NoForceRowSecurity: ['grant'],
  AT_GenericOptions: ['network'],
  AT_AlterColumnGenericOptions: ['network'],
};

function partEffects(node: SqlNode): Effect[] {
  return list(node, 'cmds').flatMap((command): Effect[] => {
    const type = text(command, 'subtype') ?? '';
    // USING makes each value anew: what UPDATE would do to every row.
    if (type === 'AT_AlterColumnType') return child(child(command, 'def'), 'raw_default') === null ? [] : ['update'];
    return [...(PART_EFFECTS[type] ?? [])];
  });
}

const retypes = (node: SqlNode): boolean =>
  text(node, 'objtype') !== 'OBJECT_TYPE' && list(node, 'cmds').some((command) => text(command, 'subtype') === 'AT_AlterColumnType');

/** What any change of such an object does besides, as its CREATE and ALTER do. */
const OBJECT_EFFECTS: Readonly<Record<string, readonly Effect[]>> = {
  OBJECT_ROLE: ['role'],
  OBJECT_POLICY: ['grant'],
  OBJECT_FDW: ['network'],
  OBJECT_FOREIGN_SERVER: ['network'],
  OBJECT_PUBLICATION: ['network'],
  OBJECT_SUBSCRIPTION: ['network'],
  OBJECT_DATABASE: ['admin'],
  OBJECT_TABLESPACE: ['admin'],
  OBJECT_EXTENSION: ['admin'],
  OBJECT_LANGUAGE: ['admin'],
  OBJECT_EVENT_TRIGGER: ['admin'],
  OBJECT_ACCESS_METHOD: ['admin'],
};

const ofObject = (node: SqlNode, field: string): readonly Effect[] => OBJECT_EFFECTS[text(node, field) ?? ''] ?? [];

const TRANSACTIONS: Readonly<Record<string, string>> = {
  TRANS_STMT_BEGIN: 'BEGIN',
  TRANS_STMT_START: 'START TRANSACTION',
  TRANS_STMT_COMMIT: 'COMMIT',
  TRANS_STMT_ROLLBACK: 'ROLLBACK',
  TRANS_STMT_SAVEPOINT: 'SAVEPOINT',
  TRANS_STMT_RELEASE: 'RELEASE',
  TRANS_STMT_ROLLBACK_TO: 'ROLLBACK TO',
  TRANS_STMT_PREPARE: 'PREPARE TRANSACTION',
  TRANS_STMT_COMMIT_PREPARED: 'COMMIT PREPARED',
  TRANS_STMT_ROLLBACK_PREPARED: 'ROLLBACK PREPARED',
};

function selectWords(node: SqlNode): string[] {
  if (child(node, 'intoClause') !== null) return ['SELECT INTO', 'SELECT'];
  if (list(node, 'valuesLists').length > 0) return ['VALUES'];
  return list(node, 'lockingClause').length > 0 ? ['SELECT FOR UPDATE', 'SELECT'] : ['SELECT'];
}

function selectEffects(node: SqlNode): Effect[] {
  if (child(node, 'intoClause') !== null) return ['read', 'create'];
  return list(node, 'lockingClause').length > 0 ? ['read', 'lock'] : ['read'];
}

function isUpsert(node: SqlNode): boolean {
  return text(child(node, 'onConflictClause'), 'action') === 'ONCONFLICT_UPDATE';
}

function mergeEffects(node: SqlNode): Effect[] {
  const actions = list(node, 'mergeWhenClauses').map((clause) => text(clause, 'commandType'));
  const effects: Effect[] = ['merge'];
  if (actions.includes('CMD_INSERT')) effects.push('insert');
  if (actions.includes('CMD_UPDATE')) effects.push('update');
  if (actions.includes('CMD_DELETE')) effects.push('delete');
  return effects;
}

function copyWords(node: SqlNode): string[] {
  const direction = flag(node, 'is_from') ? 'COPY FROM' : 'COPY TO';
  if (flag(node, 'is_program')) return ['COPY PROGRAM', direction];
  return text(node, 'filename') === null ? [direction] : ['COPY FILE', direction];
}

function copyEffects(node: SqlNode): Effect[] {
  const effects: Effect[] = [flag(node, 'is_from') ? 'insert' : 'read'];
  if (flag(node, 'is_program')) effects.push('program');
  else if (text(node, 'filename') !== null) effects.push('file');
  return effects;
}

function setWords(node: SqlNode): string[] {
  const name = (text(node, 'name') ?? '').toLowerCase();
  if (name === 'role') return ['SET ROLE'];
  if (name === 'session_authorization') return ['SET SESSION AUTHORIZATION'];
  switch (text(node, 'kind')) {
    case 'VAR_RESET':
    case 'VAR_RESET_ALL':
      return ['RESET'];
    case 'VAR_SET_MULTI':
      return ['SET TRANSACTION'];
    default:
      return ['SET'];
  }
}

function setEffects(node: SqlNode): Effect[] {
  const name = (text(node, 'name') ?? '').toLowerCase();
  // RESET and DEFAULT only give back who the session was to begin with; pools do it between clients.
  if (name === 'role' || name === 'session_authorization')
    return text(node, 'kind') === 'VAR_SET_VALUE' ? ['setting', 'role'] : ['setting'];
  return text(node, 'kind') === 'VAR_SET_MULTI' ? ['transaction'] : ['setting'];
}

/**
 * Every statement node of the grammar. A node whose tag ends in Stmt and is not here makes a statement incomplete, so nothing
 * new can run unnamed.
 */
export const STATEMENTS: Readonly<Record<string, StatementKind>> = {
  SelectStmt: { words: selectWords, effects: selectEffects },
  InsertStmt: {
    words: (node) => (isUpsert(node) ? ['INSERT', 'UPDATE'] : ['INSERT']),
    effects: (node) => (isUpsert(node) ? ['insert', 'update'] : ['insert']),
  },
  UpdateStmt: fixed('UPDATE', 'update'),
  DeleteStmt: fixed('DELETE', 'delete'),
  MergeStmt: { words: () => ['MERGE'], effects: mergeEffects },
  TruncateStmt: fixed('TRUNCATE', 'truncate'),
  CopyStmt: { words: copyWords, effects: copyEffects },
  ExplainStmt: fixed('EXPLAIN', 'read'),
  PrepareStmt: fixed('PREPARE', 'session'),
  ExecuteStmt: fixed('EXECUTE', 'session'),
  DeallocateStmt: fixed('DEALLOCATE', 'session'),
  DeclareCursorStmt: fixed('DECLARE', 'session'),
  FetchStmt: { words: (node) => [flag(node, 'ismove') ? 'MOVE' : 'FETCH'], effects: () => ['session'] },
  ClosePortalStmt: fixed('CLOSE', 'session'),
  DiscardStmt: fixed('DISCARD', 'session'),
  TransactionStmt: { words: (node) => [TRANSACTIONS[text(node, 'kind') ?? ''] ?? 'BEGIN'], effects: () => ['transaction'] },
  ConstraintsSetStmt: fixed('SET CONSTRAINTS', 'transaction'),
  VariableSetStmt: { words: setWords, effects: setEffects },
  VariableShowStmt: fixed('SHOW', 'read'),
  ListenStmt: fixed('LISTEN', 'notify'),
  UnlistenStmt: fixed('UNLISTEN', 'session'),
  NotifyStmt: fixed('NOTIFY', 'notify'),
  LockStmt: fixed('LOCK', 'lock'),
  DoStmt: fixed('DO', 'opaque'),
  CallStmt: fixed('CALL', 'opaque'),
  ReturnStmt: { words: () => [], effects: () => ['read'] },
  PLAssignStmt: { words: () => [], effects: () => ['read'] },

  GrantStmt: { words: (node) => [flag(node, 'is_grant') ? 'GRANT' : 'REVOKE'], effects: () => ['grant'] },
  GrantRoleStmt: { words: (node) => [flag(node, 'is_grant') ? 'GRANT ROLE' : 'REVOKE ROLE'], effects: () => ['grant', 'role'] },
  AlterDefaultPrivilegesStmt: fixed('ALTER DEFAULT PRIVILEGES', 'grant', 'alter'),
  CreateRoleStmt: fixed('CREATE ROLE', 'role', 'create'),
  AlterRoleStmt: fixed('ALTER ROLE', 'role', 'alter'),
  AlterRoleSetStmt: fixed('ALTER ROLE', 'role', 'alter', 'setting'),
  DropRoleStmt: fixed('DROP ROLE', 'role', 'drop'),
  DropOwnedStmt: fixed('DROP OWNED', 'drop'),
  ReassignOwnedStmt: fixed('REASSIGN OWNED', 'role', 'alter'),
  AlterOwnerStmt: over('ALTER', 'objectType', 'alter', 'role'),

  AlterSystemStmt: fixed('ALTER SYSTEM', 'admin', 'setting'),
  LoadStmt: fixed('LOAD', 'admin', 'file'),
  CheckPointStmt: fixed('CHECKPOINT', 'admin'),
  VacuumStmt: { words: (node) => [flag(node, 'is_vacuumcmd') ? 'VACUUM' : 'ANALYZE'], effects: () => ['admin'] },
  ClusterStmt: fixed('CLUSTER', 'admin', 'lock'),
  ReindexStmt: fixed('REINDEX', 'admin', 'lock'),
  RefreshMatViewStmt: {
    words: () => ['REFRESH MATERIALIZED VIEW'],
    effects: (node) => (flag(node, 'concurrent') ? ['alter'] : ['alter', 'lock']),
  },
  ReplicaIdentityStmt: { words: () => [], effects: () => ['alter'] },

  CreateStmt: fixed('CREATE TABLE', 'create'),
  CreateTableAsStmt: {
    words: (node) => (flag(node, 'is_select_into') ? ['SELECT INTO'] : [`CREATE ${objectOf(node, 'objtype')}`]),
    effects: () => ['create', 'read'],
  },
  ViewStmt: fixed('CREATE VIEW', 'create'),
  RuleStmt: fixed('CREATE RULE', 'create'),
  // Without CONCURRENTLY nobody writes, or of a materialised view reads, until it is built.
  IndexStmt: { words: () => ['CREATE INDEX'], effects: (node) => (flag(node, 'concurrent') ? ['create'] : ['create', 'lock']) },
  CreateStatsStmt: fixed('CREATE STATISTICS', 'create'),
  CreateFunctionStmt: { words: (node) => [flag(node, 'is_procedure') ? 'CREATE PROCEDURE' : 'CREATE FUNCTION'], effects: () => ['create'] },
  CreateSchemaStmt: fixed('CREATE SCHEMA', 'create'),
  CreateExtensionStmt: fixed('CREATE EXTENSION', 'create', 'admin'),
  CreateFdwStmt: fixed('CREATE FOREIGN DATA WRAPPER', 'create', 'network'),
  CreateForeignServerStmt: fixed('CREATE SERVER', 'create', 'network'),
  CreateForeignTableStmt: fixed('CREATE FOREIGN TABLE', 'create', 'network'),
  CreateUserMappingStmt: fixed('CREATE USER MAPPING', 'create', 'network', 'role'),
  ImportForeignSchemaStmt: fixed('IMPORT FOREIGN SCHEMA', 'create', 'network'),
  CreatePolicyStmt: fixed('CREATE POLICY', 'create', 'grant'),
  CreateAmStmt: fixed('CREATE ACCESS METHOD', 'create', 'admin'),
  CreateTrigStmt: fixed('CREATE TRIGGER', 'create'),
  CreateEventTrigStmt: fixed('CREATE EVENT TRIGGER', 'create', 'admin'),
  CreatePLangStmt: fixed('CREATE LANGUAGE', 'create', 'admin'),
  CreateSeqStmt: fixed('CREATE SEQUENCE', 'create'),
  DefineStmt: over('CREATE', 'kind', 'create'),
  CreateDomainStmt: fixed('CREATE DOMAIN', 'create'),
  CreateOpClassStmt: fixed('CREATE OPERATOR CLASS', 'create', 'admin'),
  CreateOpFamilyStmt: fixed('CREATE OPERATOR FAMILY', 'create', 'admin'),
  CreateEnumStmt: fixed('CREATE TYPE', 'create'),
  CreateRangeStmt: fixed('CREATE TYPE', 'create'),
  CompositeTypeStmt: fixed('CREATE TYPE', 'create'),
  CreatedbStmt: fixed('CREATE DATABASE', 'create', 'admin'),
  CreateTableSpaceStmt: fixed('CREATE TABLESPACE', 'create', 'admin', 'file'),
  CreateConversionStmt: fixed('CREATE CONVERSION', 'create'),
  CreateCastStmt: fixed('CREATE CAST', 'create'),
  CreateTransformStmt: fixed('CREATE TRANSFORM', 'create', 'admin'),
  CreatePublicationStmt: fixed('CREATE PUBLICATION', 'create', 'network'),
  CreateSubscriptionStmt: fixed('CREATE SUBSCRIPTION', 'create', 'network'),
  CommentStmt: fixed('COMMENT', 'alter'),
  SecLabelStmt: fixed('SECURITY LABEL', 'alter', 'grant'),

  AlterTableStmt: {
    words: (node) => [`ALTER ${objectOf(node, 'objtype')}`, ...droppedParts(node), ...(retypes(node) ? ['ALTER COLUMN TYPE'] : [])],
    effects: (node) => [...new Set<Effect>(['alter', ...(droppedParts(node).length > 0 ? (['drop'] as const) : []), ...partEffects(node)])],
  },
  AlterDomainStmt: {
    words: (node) => (text(node, 'subtype') === 'X' ? ['ALTER DOMAIN', 'DROP CONSTRAINT'] : ['ALTER DOMAIN']),
    effects: (node) => (text(node, 'subtype') === 'X' ? ['alter', 'drop'] : ['alter']),
  },
  AlterExtensionContentsStmt: {
    words: (node) => (number(node, 'action') === -1 ? ['ALTER EXTENSION', 'DROP'] : ['ALTER EXTENSION']),
    effects: (node) => (number(node, 'action') === -1 ? ['alter', 'drop', 'admin'] : ['alter', 'admin']),
  },
  AlterCollationStmt: fixed('ALTER COLLATION', 'alter'),
  AlterDatabaseStmt: fixed('ALTER DATABASE', 'alter', 'admin'),
  AlterDatabaseRefreshCollStmt: fixed('ALTER DATABASE', 'alter', 'admin'),
  AlterDatabaseSetStmt: fixed('ALTER DATABASE', 'alter', 'admin', 'setting'),
  AlterEnumStmt: fixed('ALTER TYPE', 'alter'),
  AlterEventTrigStmt: fixed('ALTER EVENT TRIGGER', 'alter', 'admin'),
  AlterExtensionStmt: fixed('ALTER EXTENSION', 'alter', 'admin'),
  AlterFdwStmt: fixed('ALTER FOREIGN DATA WRAPPER', 'alter', 'network'),
  AlterForeignServerStmt: fixed('ALTER SERVER', 'alter', 'network'),
  AlterFunctionStmt: over('ALTER', 'objtype', 'alter'),
  AlterObjectDependsStmt: over('ALTER', 'objectType', 'alter'),
  AlterObjectSchemaStmt: {
    words: (node) => [`ALTER ${objectOf(node, 'objectType')}`],
    effects: (node) => ['alter', ...ofObject(node, 'objectType')],
  },
  AlterOpFamilyStmt: fixed('ALTER OPERATOR FAMILY', 'alter', 'admin'),
  AlterOperatorStmt: fixed('ALTER OPERATOR', 'alter'),
  AlterPolicyStmt: fixed('ALTER POLICY', 'alter', 'grant'),
  AlterPublicationStmt: fixed('ALTER PUBLICATION', 'alter', 'network'),
  AlterSeqStmt: fixed('ALTER SEQUENCE', 'alter'),
  AlterStatsStmt: fixed('ALTER STATISTICS', 'alter'),
  AlterSubscriptionStmt: fixed('ALTER SUBSCRIPTION', 'alter', 'network'),
  AlterTSConfigurationStmt: fixed('ALTER TEXT SEARCH CONFIGURATION', 'alter'),
  AlterTSDictionaryStmt: fixed('ALTER TEXT SEARCH DICTIONARY', 'alter'),
  AlterTableMoveAllStmt: over('ALTER', 'objtype', 'alter', 'admin'),
  AlterTableSpaceOptionsStmt: fixed('ALTER TABLESPACE', 'alter', 'admin'),
  AlterTypeStmt: fixed('ALTER TYPE', 'alter'),
  AlterUserMappingStmt: fixed('ALTER USER MAPPING', 'alter', 'network', 'role'),
  RenameStmt: { words: (node) => [`ALTER ${objectOf(node, 'renameType')}`], effects: (node) => ['alter', ...ofObject(node, 'renameType')] },

  DropStmt: { words: (node) => [`DROP ${objectOf(node, 'removeType')}`], effects: (node) => ['drop', ...ofObject(node, 'removeType')] },
  DropdbStmt: fixed('DROP DATABASE', 'drop', 'admin'),
  DropSubscriptionStmt: fixed('DROP SUBSCRIPTION', 'drop', 'network'),
  DropTableSpaceStmt: fixed('DROP TABLESPACE', 'drop', 'admin'),
  DropUserMappingStmt: fixed('DROP USER MAPPING', 'drop', 'network', 'role'),
};
