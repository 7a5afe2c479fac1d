/** A name the session does not have: the server is asked for its own words on it, under a name that it cannot have either. */
export class UnknownName extends Error {
  override name = 'UnknownName';
  constructor(
    readonly target: 'statement' | 'portal',
    /** As the client wrote it. */
    readonly given: string,
  ) {
    super(`${target} "${given}" does not exist`);
  }
}
