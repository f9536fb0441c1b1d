import { Agent, createServer, request, type Server, type ServerResponse } from 'node:http';
import { type S3Config, S3Store } from '../../storage/stores/s3-store.ts';

/** What happens to a GET of an object, as networks and gateways do it. */
export type S3Fault = 'reset' | 'stall' | 'broken-off' | '503';

/** Stands between a client and a real S3 and spoils the answers for chosen objects. */
export class FaultyS3 {
  fault: { kind: S3Fault; times(key: string): number } | null = null;
  readonly endpoint: string;
  readonly #server: Server;
  readonly #agent: Agent;
  readonly #met = new Map<string, number>();

  private constructor(server: Server, agent: Agent, port: number) {
    this.#server = server;
    this.#agent = agent;
    this.endpoint = `http://127.0.0.1:${port}`;
  }

  /** @param target `http://host:port` of the S3; the client's own Host header is passed on, since it is signed */
  static async start(target: string): Promise<FaultyS3> {
    const agent = new Agent({ keepAlive: true });
    const { hostname, port } = new URL(target);
    let proxy: FaultyS3;
    const server = createServer((req, res) => {
      const path = new URL(req.url!, target).pathname;
      const key = decodeURIComponent(path.split('/').slice(2).join('/'));
      const spoil = req.method === 'GET' ? proxy.#next(key) : null;
      if (spoil && spoil !== 'broken-off') return spoilAnswer(res, spoil);
      const onward = request(
        { hostname, port, path: req.url, method: req.method, headers: req.headers, agent },
        (answer) => {
          res.writeHead(answer.statusCode!, answer.headers);
          if (spoil === 'broken-off') {
            answer.once('data', (chunk: Buffer) => {
              res.write(chunk.subarray(0, Math.max(1, chunk.length >> 1)), () => res.destroy());
              answer.destroy();
            });
          } else answer.pipe(res);
        },
      );
      onward.on('error', () => res.destroy());
      req.pipe(onward);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    proxy = new FaultyS3(server, agent, (server.address() as { port: number }).port);
    return proxy;
  }

  /** A store whose patience is short. */
  store(config: S3Config): S3Store {
    return new S3Store(config, { idleMs: 400, connectMs: 1000, delays: [20] });
  }

  /** How often an answer for that key was spoilt. */
  met(key: string): number {
    return this.#met.get(key) ?? 0;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
    this.#agent.destroy();
  }

  #next(key: string): S3Fault | null {
    const before = this.met(key);
    if (!this.fault || before >= this.fault.times(key)) return null;
    this.#met.set(key, before + 1);
    return this.fault.kind;
  }
}

function spoilAnswer(res: ServerResponse, fault: Exclude<S3Fault, 'broken-off'>): void {
  if (fault === 'reset') res.socket?.resetAndDestroy();
  else if (fault === '503') {
    const body =
      '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>';
    res.writeHead(503, { 'content-type': 'application/xml' }).end(body);
  }
  // a stalled answer: nothing, for ever
}
