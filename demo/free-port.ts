import { createServer } from 'node:net';

/** A port that is free now. @param wanted tried first */
export async function freePort(wanted = 0): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', (error) => (wanted === 0 ? fail(error) : freePort().then(done, fail)));
    server.listen(wanted, () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : wanted));
    });
  });
}
