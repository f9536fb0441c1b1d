// The real peers that the tests talk to, and how they are installed on Debian. Plain JavaScript: runs on Node 20.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Each peer: Debian packages, a program that shows that it is there, and what is left out without it. */
export const PEERS = [
  {
    name: 'DCMTK',
    packages: ['dcmtk'],
    program: 'storescu',
    for: 'C-STORE with real senders, pixel and header comparison',
  },
  {
    name: 'Orthanc',
    packages: ['orthanc', 'orthanc-dicomweb'],
    program: 'Orthanc',
    for: 'a real PACS as destination and DICOMweb client',
  },
  { name: 'GDCM', packages: ['libgdcm-tools'], program: 'gdcmconv', for: 'a second opinion on pixels' },
  { name: 'dicom3tools', packages: ['dicom3tools'], program: 'dciodvfy', for: 'conformance of the files we write' },
  {
    name: 'Chromium',
    packages: ['chromium', 'fonts-dejavu-core', 'fonts-noto-cjk'],
    program: 'chromium',
    for: 'all browser tests',
  },
  { name: 'PostgreSQL', packages: ['postgresql'], program: '/usr/lib/postgresql', for: 'the catalogue on PostgreSQL' },
  {
    name: 'Ceph RADOS Gateway',
    packages: ['ceph-mon', 'ceph-mgr', 'ceph-osd', 'radosgw', 'ceph-common'],
    program: 'radosgw',
    for: 'a real S3 store',
  },
  { name: 'nginx', packages: ['nginx-light'], program: 'nginx', for: 'a static web server with ranges' },
  {
    name: 'pydicom test files',
    packages: ['python3-pydicom'],
    program: '/usr/lib/python3/dist-packages/pydicom',
    for: 'about 200 real files',
  },
  { name: 'openssl and curl', packages: ['openssl', 'curl'], program: 'openssl', for: 'DICOM and HTTP over TLS' },
  { name: 'Poppler', packages: ['poppler-utils'], program: 'pdftotext', for: 'reading the reports as a person would' },
  { name: 'iproute2', packages: ['iproute2'], program: 'ip', for: 'slow and broken lines' },
];

/** Is the peer on this machine? */
export function present(peer) {
  if (peer.program.startsWith('/')) return existsSync(peer.program);
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, peer.program)));
}

/** Installs what is missing where that is possible (root on Debian). Returns the peers that are absent afterwards. */
export function installPeers(say) {
  const missing = PEERS.filter((peer) => !present(peer));
  if (missing.length === 0) return [];
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return missing;
  say(`installing from Debian: ${missing.map((peer) => peer.name).join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore' });
  for (const peer of missing) {
    const result = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...peer.packages], {
      env,
      encoding: 'utf8',
    });
    if (result.status !== 0)
      say(`${peer.name} could not be installed: ${(result.stderr ?? '').trim().split('\n').at(-1)}`);
  }
  return PEERS.filter((peer) => !present(peer));
}
