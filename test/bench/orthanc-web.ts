import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './receivers.ts';

/**
 * Orthanc with its DICOMweb plugin (`URL/dicom-web`), data below `folder`; answers when it is ready.
 * @param servers DICOMweb servers that it is a client of (`DicomWeb.Servers`)
 */
export async function startOrthancWeb(
  folder: string,
  servers: Record<string, { Url: string; Username: string; Password: string } & Record<string, unknown>> = {},
): Promise<{ url: string; stop(): Promise<void> }> {
  mkdirSync(folder, { recursive: true });
  const httpPort = await freePort();
  const file = join(folder, 'orthanc.json');
  writeFileSync(
    file,
    JSON.stringify({
      DicomPort: await freePort(),
      HttpPort: httpPort,
      AuthenticationEnabled: false,
      StorageDirectory: join(folder, 'storage'),
      IndexDirectory: join(folder, 'storage'),
      Plugins: ['/usr/share/orthanc/plugins'],
      DicomWeb: { Enable: true, Root: '/dicom-web/', Servers: servers },
    }),
  );
  const child = spawn('Orthanc', [file], { stdio: 'ignore', env: { ...process.env, TCP_NODELAY: '1' } });
  const url = `http://127.0.0.1:${httpPort}`;
  for (let i = 0; i < 100 && !(await fetch(`${url}/dicom-web/studies`).catch(() => null))?.ok; i++) await wait(200);
  return {
    url,
    stop: async () => {
      child.kill();
      await once(child, 'exit');
    },
  };
}
