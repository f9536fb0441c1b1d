import { describe, expect, it } from 'vitest';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { containerOf, videoCoding } from '../../viewer/src/features/reading/documents/video-container.ts';
import { waveformOf } from '../../viewer/src/features/reading/documents/waveform.ts';
import { layOut } from '../../viewer/src/features/reading/documents/waveform-layout.ts';

const frequency = 500;
const samples = 2500;

function channel(name: string, sensitivity: number, unit: string, correction = 1, baseline = 0): DicomJson {
  return {
    '003A0208': { vr: 'SQ', Value: [{ '00080104': { vr: 'LO', Value: [name] } }] },
    '003A0210': { vr: 'DS', Value: [sensitivity] },
    '003A0211': { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: [unit] } }] },
    '003A0212': { vr: 'DS', Value: [correction] },
    '003A0213': { vr: 'DS', Value: [baseline] },
  };
}

/** Two channels: one spike of 1000 steps at 1 s, and a constant of -200. */
function recording(interpretation = 'SS'): { metadata: DicomJson; data: Uint8Array } {
  const values = new Int16Array(samples * 2);
  values[frequency * 2] = 1000;
  for (let i = 0; i < samples; i += 1) values[i * 2 + 1] = -200;
  const group: DicomJson = {
    '003A0005': { vr: 'US', Value: [2] },
    '003A0010': { vr: 'UL', Value: [samples] },
    '003A001A': { vr: 'DS', Value: [frequency] },
    '54001006': { vr: 'CS', Value: [interpretation] },
    '003A0200': { vr: 'SQ', Value: [channel('Lead aVR', 1.5, 'uV', 2), channel('pressure', 0.5, 'mm[Hg]', 1, 10)] },
  };
  return { metadata: { '54000100': { vr: 'SQ', Value: [group] } }, data: new Uint8Array(values.buffer) };
}

function points(path: string): [number, number][] {
  return path
    .slice(1)
    .split('L')
    .map((point) => point.split(' ').map(Number) as [number, number]);
}

describe('a recording on ruled paper', () => {
  const { metadata, data } = recording();
  const [group] = waveformOf(metadata, () => data).groups;

  it('has its channels in physical units: sensitivity times correction, and the baseline', () => {
    expect(group!.problem).toBe('');
    const [lead, pressure] = group!.channels;
    expect([lead!.label, lead!.unit, lead!.values[frequency]]).toEqual(['aVR', 'mV', 3]);
    expect([pressure!.label, pressure!.unit, pressure!.values[0]]).toEqual(['pressure', 'mm[Hg]', -90]);
  });

  it('draws 3 mV at 1 s as 30 mm up at 25 mm from the start, at 25 mm/s and 10 mm/mV', () => {
    const paper = layOut(group!, 25, 10, 1);
    const trace = points(paper.traces[0]!.path);
    const top = trace.reduce((a, b) => (b[1] < a[1] ? b : a));
    expect(top[1]).toBeCloseTo(-30, 1);
    expect(top[0]).toBeCloseTo(25, 1);
    expect(trace.at(-1)![0]).toBeCloseTo(125, 0);
    expect(paper.pulse).toContain('v-10h5v10');
  });

  it('twice the speed and half the gain are twice as long and half as high, and nothing is cut off', () => {
    const paper = layOut(group!, 50, 5, 1);
    const trace = points(paper.traces[0]!.path);
    const top = trace.reduce((a, b) => (b[1] < a[1] ? b : a));
    expect([Math.round(top[0]), Math.round(-top[1])]).toEqual([50, 15]);
    expect(paper.traces[0]!.y + top[1]).toBeGreaterThan(0);
    expect(paper.width).toBeGreaterThan(250);
  });

  it('a spike of one sample is not lost where samples are closer than the line is wide', () => {
    const fast = layOut({ ...group!, frequency: 50_000 }, 25, 10, 1);
    expect(Math.min(...points(fast.traces[0]!.path).map(([, y]) => y))).toBeCloseTo(-30, 1);
  });

  it('in columns each part goes on where the one before ends', () => {
    const twelve = { ...group!, channels: Array.from({ length: 12 }, () => group!.channels[0]!) };
    const paper = layOut(twelve, 25, 10, 4);
    expect(new Set(paper.traces.map(({ x }) => x)).size).toBe(4);
    expect(new Set(paper.traces.map(({ y }) => y)).size).toBe(3);
    const spikes = paper.traces.filter(({ path }) => Math.min(...points(path).map(([, y]) => y)) < -20);
    expect(spikes).toHaveLength(3);
  });

  it('says why it is not drawn', () => {
    expect(waveformOf(recording('MB').metadata, () => data).groups[0]!.problem).toMatch(/MB.*cannot be drawn/);
    expect(waveformOf(metadata, () => data.subarray(0, 99)).groups[0]!.problem).toMatch(/fewer samples/);
  });
});

it('a video is told by its first bytes and its transfer syntax', () => {
  const stream = new Uint8Array(400);
  stream[0] = stream[188] = 0x47;
  expect(containerOf(stream)).toBe('transport-stream');
  expect(containerOf(new Uint8Array([0, 0, 0, 32, 0x66, 0x74, 0x79, 0x70]))).toBe('mp4');
  expect(containerOf(new Uint8Array([0, 0, 0, 1, 0x67]))).toBe('elementary-stream');
  expect(videoCoding('1.2.840.10008.1.2.4.100')).toBe('MPEG-2');
  expect(videoCoding('1.2.840.10008.1.2.4.102')).toBe('MPEG-4 AVC (H.264)');
  expect(videoCoding('1.2.840.10008.1.2.4.107')).toBe('HEVC (H.265)');
});
