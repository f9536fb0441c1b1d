import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy on 127.0.0.1 that can stop forwarding while it goes on taking connections: a server that hangs. */
export class TcpProxy {
  readonly port: number;
  private readonly server: Server;
  private readonly sockets: Set<Socket>;
  private readonly switchboard: { frozen: boolean };

  private constructor(server: Server, sockets: Set<Socket>, switchboard: { frozen: boolean }, port: number) {
    this.server = server;
    this.sockets = sockets;
    this.switchboard = switchboard;
    this.port = port;
  }

  static async start(target: { host: string; port: number }): Promise<TcpProxy> {
    const sockets = new Set<Socket>();
    const switchboard = { frozen: false };
    const keep = (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
    };
    const server = createServer({ allowHalfOpen: true }, (client) => {
      keep(client);
      const upstream = connect({ ...target, allowHalfOpen: true });
      keep(upstream);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        from.on('data', (chunk) => {
          if (!switchboard.frozen) to.write(chunk);
        });
        from.once('end', () => {
          if (!switchboard.frozen) to.end();
        });
        from.once('close', () => {
          if (!switchboard.frozen) to.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    return new TcpProxy(server, sockets, switchboard, port);
  }

  /** Bytes of both directions vanish from now on; nothing is closed and connections are still taken. */
  freeze(): void {
    this.switchboard.frozen = true;
  }

  /** Connections that were there while it was frozen stay dead; new ones work. */
  thaw(): void {
    for (const socket of this.sockets) socket.destroy();
    this.switchboard.frozen = false;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
