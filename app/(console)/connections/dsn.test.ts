import { describe, expect, it } from 'vitest';
import { parseDsn } from './dsn';

describe('parseDsn', () => {
  it('reads a URI', () => {
    expect(parseDsn(' postgresql://app:p%40ss:w@db.example.com:6543/shop?sslmode=verify-full&application_name=x ')).toEqual({
      username: 'app',
      password: 'p@ss:w',
      host: 'db.example.com',
      port: 6543,
      database: 'shop',
      tls: 'verify-full',
      tlsNegotiation: 'postgres',
    });
    expect(parseDsn('postgres://[::1]/x')).toEqual({ host: '::1', database: 'x' });
    expect(parseDsn('postgres://u@a:1,b:2/x')).toEqual({ username: 'u', host: 'a', port: 1, database: 'x' });
  });

  it('reads keywords and values', () => {
    expect(parseDsn(`host=127.0.0.1 port=5432 dbname='my shop' user=app password='it\\'s' sslmode=require`)).toEqual({
      host: '127.0.0.1',
      port: 5432,
      database: 'my shop',
      username: 'app',
      password: "it's",
      tls: 'require',
      tlsNegotiation: 'postgres',
    });
  });

  it('takes direct TLS only with a mode that can have it', () => {
    expect(parseDsn('postgres://a/b?sslmode=require&sslnegotiation=direct')).toMatchObject({ tlsNegotiation: 'direct' });
    expect(parseDsn('postgres://a/b?sslmode=prefer&sslnegotiation=direct')).toMatchObject({ tlsNegotiation: 'postgres' });
  });

  it('knows what is neither', () => {
    expect(parseDsn('db.example.com')).toBeNull();
    expect(parseDsn('mysql://a')).toBeNull();
    expect(parseDsn('postgres://%zz@a/b')).toBeNull();
  });
});
