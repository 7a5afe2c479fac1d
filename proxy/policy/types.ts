import type { IdentityProvider } from '../../db/schema/identityShapes';
import type {
  Action,
  ApprovalSpec,
  ConnectionLimits,
  Detector,
  Durability,
  EnforcementState,
  Inference,
  MaskSpec,
  Mode,
  PrincipalKind,
  PrincipalLimits,
  RecordSpec,
  Requestable,
  Role,
  RuleMatch,
  RuleTrial,
  UpstreamSession,
} from '../../db/schema/shapes';
import type { SealedEndpoint } from '../upstream/endpoint';

export interface ConnectionPolicy extends SealedEndpoint {
  name: string;
  default: Action;
  opaque: Action;
  superuser: 'refuse' | 'allow';
  /** The FunctionCall message: refused, or judged as the SELECT of its function. */
  functionCall: 'refuse' | 'judge';
  limits: ConnectionLimits;
  /** Absent or null: as the snapshot says for all. */
  audit?: Durability | null;
  record: RecordSpec;
  /** What the upstream is told of who is there; absent: nothing. */
  session?: UpstreamSession;
  /** Whether access can be asked for; absent or null: it cannot. */
  requestable?: Requestable | null;
  /** What was last proved of the upstream role; absent or null when nothing was. */
  enforcement?: ProvedEnforcement | null;
}

/** A verification, and what it was made under: it holds while both digests are what they were. */
export interface ProvedEnforcement {
  state: EnforcementState;
  maskingDigest: string;
  catalogFingerprint: string;
}

export interface Rule {
  name: string;
  connections: readonly string[];
  groups: readonly string[];
  match: RuleMatch;
  action: Action;
  message: string | null;
  approval: ApprovalSpec | null;
  mode: Mode;
}

export interface MaskingRule {
  name: string;
  connections: readonly string[];
  columns: readonly string[];
  detect: readonly Detector[];
  mask: MaskSpec;
  inference: Inference;
  exceptGroups: readonly string[];
  mode: Mode;
}

export interface AccessGrant {
  connections: readonly string[];
  groups: readonly string[];
}

/** Access of one principal, given on request, that ends by itself. */
export interface TimedAccess {
  connection: string;
  principalId: string;
  until: Date;
}

/** The whole policy at one version: immutable, compiled once, shared by every session of a process. */
export interface PolicySnapshot {
  version: number;
  connections: ReadonlyMap<string, ConnectionPolicy>;
  /** Whose access ends at a time is in it beside what groups may do. */
  access: readonly (AccessGrant | TimedAccess)[];
  /** Moves when access is given for a time or taken back; 0 where it is absent. */
  accessVersion?: number;
  /** How surely an entry is in the journal before what it speaks of happens, where its connection does not say; absent: group. */
  durability?: Durability;
  rules: readonly Rule[];
  masking: readonly MaskingRule[];
  /** Who says who people and workloads are; absent: nobody but this gateway. */
  providers?: readonly (IdentityProvider & { id: string })[];
}

/** Who is asking, as resolved at sign-in and refreshed when the policy version moves. */
export interface Principal {
  id: string;
  name: string;
  kind: PrincipalKind;
  role: Role;
  email: string | null;
  owner: { id: string; name: string } | null;
  groups: readonly string[];
  /** Absent: none. */
  limits?: PrincipalLimits;
}

/** How many rows a statement may change. It runs, its rows are counted, and above the limit it is rolled back. */
export interface AffectedLimit {
  max: number;
  /** What the rule asks for above it. */
  action: 'deny' | 'hold';
  rule: string;
  /** What set it: the rule itself, or what a person saw and approved under the rule. Absent: the rule. */
  of?: 'preview';
  /** Rows the preview said, where it set it. */
  preview?: number;
  /** Shown to the client above it. */
  message: string | null;
  /** Who approves above it, where its action is hold. Absent: as for any hold. */
  approval?: ApprovalSpec;
}

/** The outcome of `decide` for one statement, with its explanation. */
export interface Verdict {
  action: Action;
  /** The rule that decided; null when a connection default, the opaque setting, masking or the analysis did. */
  rule: string | null;
  decidedBy: 'rule' | 'default' | 'opaque' | 'masking' | 'analysis' | 'access' | 'grant' | 'breakGlass';
  /** One sentence for a person: why. */
  why: string;
  /** Set when action is hold. */
  approval: ApprovalSpec | null;
  /** Conditions on the run, where it may run: what it changes is counted before its outcome stands. Absent: none. */
  affectedLimits?: readonly AffectedLimit[];
  tried: readonly RuleTrial[];
}
