import { messages } from '../../../shared/messages.en.ts';
import type { Stack } from './study-model.ts';

/** What sets a stack apart from the other parts of its series, in few words; '' when the series is whole. */
export function partText(stack: Stack): string {
  const words = stack.traits.map(({ difference, value }) => messages.reading.part[difference](value));
  return [...new Set(words)].filter(Boolean).join(', ');
}

/** Why the series is shown in parts, or is no volume, as a sentence; '' when it is whole. */
export function whySplit(stack: Stack): string {
  if (stack.traits.every(({ difference }) => difference === 'biplane')) return '';
  if (stack.traits.every(({ value }) => value === 'various')) return messages.reading.noVolume;
  return messages.reading.whySplit(stack.traits.map(({ difference }) => messages.reading.differences[difference]));
}
