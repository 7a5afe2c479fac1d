export interface GroupRow {
  id: string;
  name: string;
  /** Principals that are not disabled. */
  members: number;
}
