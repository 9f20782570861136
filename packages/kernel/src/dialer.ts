// Prevents: a query that never settles because the host is gone, silent, or closes politely at connect. One attempt is one socket
// with one deadline; which host is next and when to dial again is decided here and by the pool, never by the driver.
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { fault } from './errors.js';

export interface Host {
  readonly host: string;
  readonly port: number;
}

/** Encryption of the wire: verified against the system's or the given authorities unless told otherwise. */
export interface TlsOptions {
  readonly ca?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface Target {
  readonly hosts: readonly Host[];
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly tls: TlsOptions | undefined;
}

const urlForm =
  /^postgres(?:ql)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?]+)(?:\/([^?]*))?(?:\?sslmode=(disable|require|verify-full))?$/;

/** Reads `postgres://[user[:password]@]host[:port][,host[:port]…]/database[?sslmode=disable|require|verify-full]`; a word misread would send passwords in the clear. */
export function readTarget(options: {
  url: string;
  user?: string;
  password?: string;
  tls?: TlsOptions | boolean;
}): Target {
  const match = urlForm.exec(options.url);
  if (!match?.[3]) throw new TypeError('Want postgres://host/database[?sslmode=disable|require|verify-full]');
  const [, user, password, hosts, database, mode] = match;
  let tls: TlsOptions | undefined;
  if (typeof options.tls === 'object') tls = options.tls;
  else if (options.tls === true || mode === 'verify-full') tls = {};
  else if (mode === 'require') tls = { rejectUnauthorized: false };
  const name = options.user ?? decodeURIComponent(user ?? '');
  if (name === '') throw new TypeError('A database URL names its user');
  return {
    hosts: hosts.split(',').map(readHost),
    database: decodeURIComponent(database ?? '') || name,
    user: name,
    password: options.password ?? decodeURIComponent(password ?? ''),
    tls,
  };
}

function readHost(text: string): Host {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (!host) throw new TypeError(`Not a host of a database URL: ${text}`);
  return { host, port: Number(match?.[3] ?? 5432) };
}

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** A connected socket, encrypted where asked, or an error within the deadline. */
export function openSocket(at: Host, tls: TlsOptions | undefined, deadlineMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let socket: Socket = connect({
      host: at.host,
      port: at.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 5_000,
    });
    const timer = setTimeout(() => fail(new Error('no answer in time')), deadlineMs);
    const fail = (cause?: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(fault('CONNECTION_LOST', `Cannot connect to ${at.host}:${at.port}`, cause));
    };
    const closed = (): void => fail(new Error('closed during connect'));
    const done = (): void => {
      clearTimeout(timer);
      socket.off('close', closed);
      resolve(socket);
      // The error handler stays: an error between here and the next owner must not end the process.
    };
    socket.on('error', fail).on('close', closed);
    socket.once('connect', () => {
      if (!tls) return done();
      socket.once('data', (answer) => {
        // More than the one byte would be plain text smuggled in front of the encryption.
        if (answer.length !== 1 || answer[0] !== 0x53) return fail(new Error('the server does not encrypt'));
        socket.off('close', closed);
        const servername = tls.servername ?? (isIP(at.host) ? undefined : at.host);
        socket = connectTls({
          socket,
          host: at.host,
          rejectUnauthorized: tls.rejectUnauthorized ?? true,
          ...(tls.ca === undefined ? {} : { ca: tls.ca }),
          ...(servername === undefined ? {} : { servername }),
        });
        socket.on('error', fail).on('close', closed).once('secureConnect', done);
      });
      socket.write(SSL_REQUEST);
    });
  });
}

/** The order to try hosts in: the one that answered last first, and those that just failed at the end. */
export function hostOrder(hosts: readonly Host[]): {
  list(): readonly Host[];
  good(at: Host): void;
  bad(at: Host): void;
} {
  let order = [...hosts];
  return {
    list: () => [...order],
    good: (at) => void (order = [at, ...order.filter((h) => h !== at)]),
    bad: (at) => void (order = [...order.filter((h) => h !== at), at]),
  };
}

/** Milliseconds before the n-th redial: quick at first, bounded, and never the same for everybody. */
export function redialDelayMs(failures: number): number {
  return Math.min(10 * 2 ** failures, 250) * (0.5 + Math.random() / 2);
}
