import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const candidates = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/bin/nginx'];
const program = candidates.find((path) => existsSync(path));

export function nginxAvailable(): boolean {
  return program !== undefined && spawnSync(program, ['-v']).status === 0;
}

export interface Nginx {
  url: string;
  stop(): Promise<void>;
}

/** nginx as Debian has it, serving one folder and nothing else: no module, no script, no list of files. */
export async function startNginx(root: string): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-nginx-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const config = join(folder, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 256; }
http {
  include ${existsSync('/etc/nginx/mime.types') ? '/etc/nginx/mime.types' : '/dev/null'};
  default_type application/octet-stream;
  types { application/wasm wasm; text/javascript js; text/css css; text/html html; image/svg+xml svg; }
  access_log ${folder}/access.log;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server { listen 127.0.0.1:${port}; root ${root}; }
}
`.replace(/ {2}include [^;]*;\n/, ''),
  );
  const child: ChildProcess = spawn(program!, ['-c', config, '-e', join(folder, 'error.log')], { stdio: 'inherit' });
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; i < 100; i++) {
    if (await fetch(`${url}/`).catch(() => null)) break;
    await sleep(50);
  }
  return {
    url,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
