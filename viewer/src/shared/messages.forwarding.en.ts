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
  commitment: (confirmed: number, open: number) =>
    `Storage commitment: ${images(confirmed)} confirmed${open > 0 ? `, ${formatCount(open)} not answered yet` : ''}.`,
  commitmentRefused: (n: number) =>
    `The destination took ${images(n)} and then said that it does not have ${n === 1 ? 'it' : 'them'}: sent again by itself.`,
  commitmentPerson: (n: number) =>
    `${images(n)} ${n === 1 ? 'was' : 'were'} taken and not kept time and again: call whoever runs the destination.`,
  commitmentTrouble: (why: string) => `It cannot be asked: ${why.replace(/\.$/, '')}. It is asked again by itself.`,
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
  retryStudy: 'Try the study again',
  stat: 'Send the study first (STAT)',
  oneStudy: 'Study Instance UID',
  skip: 'Give up',
  skipQuestion: 'Never send this image to this destination? It stays in Lifeboat.',
  notAll: 'There are more; these are the newest.',
};
