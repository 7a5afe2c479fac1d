/** What the supervisor and a proxy worker say to each other over the cluster channel. */

/** How far a worker has come with what the store says of policies and of access. Both only grow. */
export interface PolicyVersions {
  version: number;
  accessVersion: number;
}

export type ToSupervisor =
  /** The worker accepts connections. */
  | { type: 'ready'; workerId: string; port: number }
  /** New sessions and new statements are decided by these versions, and no session goes on that they end. Said before `ready`, and after each change. */
  | ({ type: 'policyHeld' } & PolicyVersions)
  /** A cancel key that is none of this worker's; the supervisor hands it to all others, and says cancelDone when they have dealt with it. */
  | { type: 'cancel'; id: string; processId: number; secret: Uint8Array }
  | { type: 'cancelDone'; id: string };

export type ToWorker =
  /** The recorder is ready, and with it the store: sign people in. Sent once. */
  | { type: 'begin' }
  | { type: 'cancel'; id: string; processId: number; secret: Uint8Array }
  | { type: 'cancelDone'; id: string }
  /** All keys of the store, as GATEHOUSE_SECRET_KEY has them: one came. */
  | { type: 'secretKeys'; keys: string }
  /** Accept nothing more; end each session when its statement is done, all of them within `withinMs`; then exit 0. */
  | { type: 'drain'; withinMs: number };
