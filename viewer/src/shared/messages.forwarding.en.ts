import { formatCount } from './format.ts';

const images = (n: number) => `${formatCount(n)} ${n === 1 ? 'image' : 'images'}`;

/** Every sentence of the page on forwarding. */
export const forwardingMessages = {
  lead: 'Everything that is kept here is passed on to these destinations. It counts as sent only when the destination has said that it has it.',
  none: 'There is no destination. Name one in the file below, or set LIFEBOAT_FORWARD_TO=AE@host:port (several: a comma list) and start again.',
  paused: 'paused by hand',
  held: 'cannot send now',
  needsPerson: 'needs a person',
  sending: 'sending',
  allSent: 'everything is sent',
  trouble: (why: string) =>
    `${why.replace(/\.$/, '')}. Nothing is lost: what waits is sent by itself when the destination works again.`,
  counts: (sent: number, waiting: number) => `${images(sent)} sent, ${formatCount(waiting)} waiting.`,
  skipped: (n: number) => `${images(n)} given up by hand.`,
  oldest: (ago: string) => `The oldest that waits came ${ago}.`,
  last: (when: string) => `Last sent ${when}.`,
  pause: 'Pause',
  resume: 'Go on sending',
  retryAll: 'Try all of these again now',
  problems: (person: number, all: number) =>
    person > 0
      ? `${images(person)} that the destination will not take as ${person === 1 ? 'it is' : 'they are'}`
      : `${images(all)} tried in vain so far`,
  heads: ['Received', 'Image', 'What the destination said', 'Actions'],
  open: 'Open the study',
  waitsForYou: 'Not tried again by itself: mend the cause, then try again, or give it up.',
  triedAgain: (n: number) => `Tried ${n === 1 ? 'once' : `${n} times`}; tried again by itself.`,
  retry: 'Try again',
  skip: 'Give up',
  skipQuestion: 'Never send this image to this destination? It stays in Lifeboat.',
  notAll: 'There are more; these are the newest.',
};
