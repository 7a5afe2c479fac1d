/** Where a driver's program signs in. Database and user are the same on both ways, so that nothing a program prints names the way it took. */
export interface Target {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  /** Whether the program must use TLS. */
  tls: boolean;
}
