import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DescribeThread } from '../../storage/describe-thread.ts';
import type { SpoolEntry } from '../../storage/spool-types.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-describe-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function spooled(id: string): SpoolEntry {
  return {
    id,
    path: join(folder, id),
    size: 10,
    sha256: 'a'.repeat(64),
    dataSetOffset: 0,
    dataSetSha256: 'b'.repeat(64),
    studyInstanceUID: '1.2',
    seriesInstanceUID: '1.2.3',
    sopInstanceUID: `1.2.3.${id}`,
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    transferSyntaxUID: '1.2.840.10008.1.2.1',
    source: { via: 'c-store' },
    receivedAt: '2026-01-02T03:04:05.678Z',
    notes: [],
    identity: { characterSet: '', patientName: '', patientID: '', modality: '' },
  };
}

/** A thread that breaks at instance 2 and answers the others. */
function thread(breaking: string): URL {
  const script = join(folder, 'thread.mjs');
  const answer =
    'parentPort.postMessage({ number, described: { entry: { sopInstanceUID: known.sopInstanceUID }, metadata: "{}" } })';
  writeFileSync(
    script,
    `import { parentPort } from 'node:worker_threads';
     parentPort.on('message', ({ number, known }) => { if (known.id === '2') { ${breaking} } else ${answer}; });`,
  );
  return pathToFileURL(script);
}

test.each([
  ['ends the thread', 'process.exit(3)'],
  ['throws in the thread', 'throw new Error("boom")'],
  ['never comes to an end', 'for (;;);'],
  ['eats the heap', 'const all = []; for (;;) all.push(new Array(1e6).fill(all.length + 0.5));'],
])('a header that %s is described blindly, its neighbours as usual', async (_name, breaking) => {
  const problems: Error[] = [];
  const describer = new DescribeThread({
    script: thread(breaking),
    timeoutMs: 3000,
    onProblem: (error) => problems.push(error),
  });
  try {
    const described = await describer.describe(['1', '2', '3', '4'].map(spooled));
    expect(described.map(({ entry }) => entry.sopInstanceUID)).toEqual(['1.2.3.1', '1.2.3.2', '1.2.3.3', '1.2.3.4']);
    expect(described.map(({ entry }) => entry.notes?.length ?? 0)).toEqual([0, 1, 0, 0]);
    expect(described[1]?.entry).toMatchObject({ studyInstanceUID: '1.2', size: 10 });
    expect(problems).toHaveLength(1);
  } finally {
    await describer.close();
  }
});

test('a file that cannot be read is described blindly by the real thread', async () => {
  const describer = new DescribeThread();
  try {
    const [described] = await describer.describe([spooled('1')]);
    expect(described?.entry.notes?.[0]).toMatch(/could not be described/);
    expect(JSON.parse(described!.metadata)['0020000D'].Value).toEqual(['1.2']);
  } finally {
    await describer.close();
  }
});
