import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ForwardQueue } from '../../router/forward/queue.ts';

it('when the line is back, what it broke over is due at once, and what the peer put off is not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-queue-'));
  const queue = new ForwardQueue(join(folder, 'forward.sqlite'));
  const instance = (n: number) => ({
    patientName: '',
    patientID: '',
    key: `objects/${n}`,
    size: 10,
    dataSetOffset: 0,
    dataSetSha256: String(n).repeat(64),
    receivedAt: '2026-01-01T00:00:00.000Z',
    studyInstanceUID: '1.2',
    seriesInstanceUID: '1.2.3',
    sopInstanceUID: `1.2.3.${n}`,
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    transferSyntaxUID: '1.2.840.10008.1.2.1',
  });
  await queue.add([1, 2].map((n) => ({ destination: 'PACS', instance: instance(n), priority: 'normal', changes: [] })));
  const later = Date.now() + 60_000;
  queue.settle({ id: 1 }, 'waiting', { attempts: 1, dueMs: later, message: 'The line to the peer broke.' });
  queue.settle({ id: 2 }, 'waiting', { attempts: 1, dueMs: later, status: 0xa700, message: 'disk full' });
  const due = () => queue.due('PACS', Date.now(), 10, new Set()).map(({ id }) => id);
  expect(due()).toEqual([]);
  queue.lineIsBack('PACS');
  expect(due()).toEqual([1]);
  await queue.close();
  rmSync(folder, { recursive: true, force: true });
});
