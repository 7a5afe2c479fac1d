/** How this process holds the operator's key; what rotation changes there. */
export interface OperatorKey {
  current(): Buffer;
  /** Where the gateway keeps it itself, it keeps this one from now on; false: an operator has to. */
  keep(key: Buffer): boolean;
  /** Every process of this gateway knows the store's keys when it resolves. */
  spread(): Promise<void>;
}
