import { createServer as createHttp } from 'node:http';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startFaultProxy, type FaultProxy } from '../src/index.js';
import { clientMessages } from '../src/messages.js';

let server: Server;
let proxy: FaultProxy;
let heard: string[];

/** Answers each Query with its text and ReadyForQuery. */
function answer(socket: Socket): void {
  const cut = clientMessages();
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    for (const message of cut(chunk)) {
      if (message.type !== 'Q') continue;
      heard.push(message.text);
      socket.write(Buffer.concat([framed('C', message.text), framed('Z', 'I')]));
    }
  });
}

function framed(type: string, text: string): Buffer {
  const out = Buffer.alloc(6 + text.length);
  out.write(type, 0);
  out.writeUInt32BE(5 + text.length, 1);
  out.write(text, 5);
  return out;
}

function client(): { socket: Socket; query(text: string): void; got(): string; ended: Promise<string> } {
  const socket = connect(proxy.port, '127.0.0.1');
  let got = '';
  let why = 'fin';
  socket.on('data', (data) => (got += data.toString()));
  socket.on('error', (error) => (why = (error as NodeJS.ErrnoException).code ?? 'error'));
  const ended = new Promise<string>((resolve) => socket.on('close', () => resolve(why)));
  socket.write(Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0]));
  return { socket, query: (text) => socket.write(framed('Q', text)), got: () => got, ended };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

beforeEach(async () => {
  heard = [];
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  proxy = await startFaultProxy({ port: typeof address === 'object' && address ? address.port : 0 });
});
afterEach(async () => {
  await proxy.stop();
  await new Promise((resolve) => server.close(resolve));
});

describe('a connection through the proxy', () => {
  it('carries what both sides say, late when told so', async () => {
    const one = client();
    one.query('select 1');
    await sleep(50);
    expect(one.got()).toContain('select 1');
    await proxy.set({ latencyMs: 60 });
    one.query('select 2');
    await sleep(60);
    expect(one.got()).not.toContain('select 2');
    await sleep(120);
    expect(one.got()).toContain('select 2');
    one.socket.destroy();
    await sleep(20);
    expect(proxy.open()).toBe(0);
  });

  it('carries HTTP too, until it is told not to answer', async () => {
    const http = createHttp((_request, response) => response.end('over HTTP'));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const { port } = http.address() as { port: number };
    const front = await startFaultProxy({ port });
    const get = async (): Promise<string> =>
      (await fetch(`http://127.0.0.1:${front.port}`, { signal: AbortSignal.timeout(500) })).text();
    expect([await get(), await get()]).toEqual(['over HTTP', 'over HTTP']);
    await front.set({ accept: 'black-hole' });
    front.cutAll('black-hole');
    await expect(get()).rejects.toThrow('timeout');
    await front.stop();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });

  it.each([['refuse', 'ECONNREFUSED'], ['rst', 'ECONNRESET'], ['fin', 'fin']] as const)('meets %s at connect', async (accept, end) => {
    await proxy.set({ accept });
    expect(await client().ended).toBe(end);
    await proxy.set({ accept: 'normal' });
    const after = client();
    after.query('back');
    await sleep(50);
    expect(after.got()).toContain('back');
    after.socket.destroy();
  }); // prettier-ignore

  it.each([['rst', 'ECONNRESET'], ['fin', 'fin']] as const)('is cut by %s in the middle', async (cut, end) => {
    const one = client();
    one.query('x');
    await sleep(30);
    expect(proxy.cutAll(cut)).toBe(1);
    expect(await one.ended).toBe(end);
  }); // prettier-ignore

  it('falls silent in a black hole, and stays open', async () => {
    const one = client();
    one.query('x');
    await sleep(30);
    proxy.cutAll('black-hole');
    one.query('unheard');
    expect(await Promise.race([one.ended, sleep(100).then(() => 'open')])).toBe('open');
    expect(heard).toEqual(['x']);
    one.socket.destroy();
  });
});

describe('a trap', () => {
  it.each([['before', ['one']], ['after', ['one', 'two']]] as const)('springs %s the server executes the n-th message', async (when, expected) => {
    let hits = 0;
    const sprung = proxy.trap({ nth: 2, when, cut: 'rst', onHit: () => (hits += 1) });
    const one = client();
    one.query('one');
    await sleep(30);
    one.query('two');
    await sprung;
    expect(await one.ended).toBe('ECONNRESET');
    expect(heard).toEqual(expected);
    expect(one.got()).not.toContain('two');
    expect([hits, proxy.counted()]).toEqual([1, 2]);
  }); // prettier-ignore

  it('counts only what it is told to', async () => {
    void proxy.trap({ nth: 1, when: 'before', cut: 'fin', match: ({ text }) => text === 'commit' });
    const one = client();
    one.query('begin');
    one.query('commit');
    expect(await one.ended).toBe('fin');
    expect(heard).toEqual(['begin']);
  });
});
