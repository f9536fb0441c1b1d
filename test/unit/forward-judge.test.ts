import { expect, it } from 'vitest';
import { LifeboatError } from '../../contract/errors.ts';
import type { SendResult } from '../../router/dimse/storage-scu.ts';
import { holdAfter, judgeOutcome, MOST_ATTEMPTS, pauseAfter } from '../../router/forward/judge-outcome.ts';

const result = (more: Partial<SendResult>): SendResult => ({
  name: '1',
  sopInstanceUID: '1.2',
  outcome: 'failed',
  message: '',
  ...more,
});
const failure = (code: ConstructorParameters<typeof LifeboatError>[0]) => result({ error: new LifeboatError(code) });

it.each([
  ['sent', result({ outcome: 'sent', status: 0 }), 'done'],
  ['sent with a warning', result({ outcome: 'warning', status: 0xb000 }), 'done'],
  ['no room', result({ status: 0xa700 }), 'again'],
  ['no room, in other words', result({ status: 0xa7ff }), 'again'],
  ['data set does not match the SOP class', result({ status: 0xa900 }), 'person'],
  ['cannot be understood', result({ status: 0xc001 }), 'person'],
  ['SOP class not supported', result({ status: 0x0122 }), 'person'],
  ['processing failure', result({ status: 0x0110 }), 'again'],
  ['not there', failure('PEER_UNREACHABLE'), 'hold'],
  ['association rejected', failure('PEER_REJECTED'), 'hold'],
  ['our store is away', failure('STORE_UNAVAILABLE'), 'hold'],
  ['its encoding is not taken', failure('PEER_NO_CONTEXT'), 'person'],
  ['damaged here', failure('OBJECT_DAMAGED'), 'person'],
  ['aborted over it', failure('PEER_ABORTED'), 'again'],
] as const)('%s', (_name, answer, verdict) => {
  expect(judgeOutcome(answer, 0)).toBe(verdict);
});

it('a full peer is tried for ever, everything else ends with a person', () => {
  expect(judgeOutcome(result({ status: 0xa700 }), 10_000)).toBe('again');
  expect(judgeOutcome(failure('PEER_ABORTED'), MOST_ATTEMPTS - 1)).toBe('person');
  expect(judgeOutcome(result({ status: 0x0110 }), MOST_ATTEMPTS - 1)).toBe('person');
});

it('pauses grow and end, with jitter', () => {
  expect(pauseAfter(0, 0.5)).toBe(5_000);
  expect(pauseAfter(1, 0.5)).toBe(10_000);
  expect(pauseAfter(1000, 1)).toBeCloseTo(720_000);
  expect(holdAfter(0, 0)).toBe(800);
  expect(holdAfter(1000, 0.5)).toBe(60_000);
});
