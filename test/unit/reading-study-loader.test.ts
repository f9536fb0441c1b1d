import { expect, it, vi } from 'vitest';
import type { OpenStudy } from '../../viewer/src/features/reading/study/open-study.ts';
import { StudyLoader } from '../../viewer/src/features/reading/study/study-loader.ts';

function study(uid: string, objects = 1): OpenStudy {
  const model = { studyInstanceUID: uid, attributes: {}, stacks: [], others: [], objects, lastReceivedAt: '' };
  return { model, complete: true } as unknown as OpenStudy;
}

const nothing = () => null;

const refusal = (status: number, message: string) => Object.assign(new Error(message), { status });

it('asks again by itself while the router is away, and says why meanwhile', async () => {
  const answers = [() => Promise.reject(refusal(0, 'Lifeboat does not answer.')), () => Promise.resolve(study('1.2'))];
  const loader = new StudyLoader({ open: () => answers.shift()!(), boot: nothing, retryMs: 400 });
  loader.want(['1.2']);
  await vi.waitFor(() =>
    expect(loader.state(['1.2']).failed).toEqual([{ uid: '1.2', reason: 'Lifeboat does not answer.' }]),
  );
  await vi.waitFor(() => expect(loader.state(['1.2']).opened).toHaveLength(1));
  expect(loader.state(['1.2']).failed).toEqual([]);
});

it('keeps what it has, marked as perhaps incomplete, when a newer list cannot be had', async () => {
  const answers = [() => Promise.resolve(study('1.2')), () => Promise.reject(refusal(404, 'gone'))];
  const loader = new StudyLoader({ open: () => answers.shift()!(), boot: nothing, settleMs: 1 });
  loader.want(['1.2']);
  await vi.waitFor(() => expect(loader.state(['1.2']).opened[0]?.problem).toBe(''));
  loader.changed(['1.2']);
  await vi.waitFor(() => expect(loader.state(['1.2']).opened[0]?.problem).not.toBe(''));
});

it('takes what the page brought along for the first look only', async () => {
  const opened: string[] = [];
  const open = async (uid: string) => {
    opened.push(uid);
    return study(uid, 2);
  };
  const loader = new StudyLoader({ open, boot: (uid) => (uid === '1.1' ? study(uid, 1) : null) });
  loader.want(['1.1']);
  expect(loader.state(['1.1']).opened[0]?.model.objects).toBe(1);
  loader.want(['1.2']);
  loader.want(['1.1']);
  expect(opened).toEqual(['1.2', '1.1']);
  await vi.waitFor(() => expect(loader.state(['1.1']).opened[0]?.model.objects).toBe(2));
});

it('an answer that comes late never replaces a newer one', async () => {
  const late: ((opened: OpenStudy) => void)[] = [];
  const open = () => new Promise<OpenStudy>((resolve) => late.push(resolve));
  const loader = new StudyLoader({ open, boot: nothing });
  loader.want(['1.1']);
  loader.retry('1.1');
  late[1]!(study('1.1', 9));
  await vi.waitFor(() => expect(loader.state(['1.1']).opened[0]?.model.objects).toBe(9));
  late[0]!(study('1.1', 3));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(loader.state(['1.1']).opened[0]?.model.objects).toBe(9);
});

it('asks again for what the page brought, once news are heard, and for nothing else', async () => {
  const opened: string[] = [];
  const open = async (uid: string) => {
    opened.push(uid);
    return study(uid, 2);
  };
  const loader = new StudyLoader({ open, boot: (uid) => (uid === '1.1' ? study(uid, 1) : null), settleMs: 1 });
  loader.want(['1.1', '1.2']);
  expect(opened).toEqual(['1.2']);
  loader.begun();
  await vi.waitFor(() => expect(loader.state(['1.1']).opened[0]?.model.objects).toBe(2));
  loader.begun();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(opened).toEqual(['1.2', '1.1']);
  loader.stop();
});
