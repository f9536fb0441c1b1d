import { connect, createServer, type Server, type Socket } from 'node:net';

export interface LineShape {
  bitsPerSecond: number;
  /** Of each direction, ms. */
  delayMs: number;
}

/** As much as one connection may have on its way through the proxy before its sender has to wait. */
const WINDOW = 64 * 1024;
/** What goes out at a time: connections take turns. */
const PIECE = 8 * 1024;

/** One direction of the line: all connections share it, first come, first served. */
class Direction {
  readonly #shape: LineShape;
  #freeAt = 0;
  readonly #queue: { at: number; deliver: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;
  bytes = 0;

  constructor(shape: LineShape) {
    this.#shape = shape;
  }

  send(length: number, deliver: () => void): void {
    const now = performance.now();
    this.#freeAt = Math.max(now, this.#freeAt) + (length * 8000) / this.#shape.bitsPerSecond;
    this.bytes += length;
    this.#queue.push({ at: this.#freeAt + this.#shape.delayMs, deliver });
    this.#timer ??= setTimeout(this.#run, this.#queue[0]!.at - now);
  }

  readonly #run = (): void => {
    const now = performance.now();
    while (this.#queue.length > 0 && this.#queue[0]!.at <= now) this.#queue.shift()!.deliver();
    const next = this.#queue[0];
    this.#timer = next && setTimeout(this.#run, Math.max(1, next.at - now));
  };
}

function carry(from: Socket, to: Socket, direction: Direction): void {
  let queued = 0;
  from.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += PIECE) {
      const piece = chunk.subarray(at, at + PIECE);
      queued += piece.length;
      direction.send(piece.length, () => {
        queued -= piece.length;
        if (!to.destroyed) to.write(piece);
        if (queued < WINDOW) from.resume();
      });
    }
    if (queued >= WINDOW) from.pause();
  });
  from.once('end', () => direction.send(0, () => to.end()));
  from.once('close', () => direction.send(0, () => to.destroy()));
}

/** A TCP proxy on 127.0.0.1 behind which everything comes as over a line of this rate and delay. */
export class ShapedLine {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #down: Direction;

  private constructor(server: Server, sockets: Set<Socket>, down: Direction, port: number) {
    this.#server = server;
    this.#sockets = sockets;
    this.#down = down;
    this.port = port;
  }

  static async start(target: { host: string; port: number }, shape: LineShape): Promise<ShapedLine> {
    const sockets = new Set<Socket>();
    const up = new Direction(shape);
    const down = new Direction(shape);
    const keep = (socket: Socket) => {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
    };
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const upstream = connect({ ...target, allowHalfOpen: true });
      keep(client);
      keep(upstream);
      carry(client, upstream, up);
      carry(upstream, client, down);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ShapedLine(server, sockets, down, (server.address() as { port: number }).port);
  }

  /** Bytes that came down the line so far. */
  get bytesDown(): number {
    return this.#down.bytes;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
