import { expect, it } from 'vitest';
import { handleKey, type KeyContext, keyHelp } from '../../viewer/src/features/reading/viewport/keys.ts';

/** Counts what is called on it, whatever that is. */
function recorder(calls: string[]): KeyContext {
  const noted: object = new Proxy(() => undefined, {
    get: (_, name) => new Proxy(() => calls.push(String(name)), { get: (_, part) => () => calls.push(String(part)) }),
  });
  return new Proxy({ controller: noted, presets: [] } as unknown as KeyContext, {
    get: (target, name) => Reflect.get(target, name) ?? (() => calls.push(String(name))),
  });
}

const press = (key: string, context: KeyContext) =>
  handleKey({ key, ctrlKey: false, metaKey: false, altKey: false }, context);

const printed: Record<string, string> = {
  '↓': 'ArrowDown',
  '↑': 'ArrowUp',
  '→': 'ArrowRight',
  '←': 'ArrowLeft',
  'Page ↓': 'PageDown',
  'Page ↑': 'PageUp',
  Space: ' ',
};
const listed = keyHelp().flatMap(({ keys }) => keys.map((key) => printed[key] ?? key));

it('every key of the help does something, each only one thing', () => {
  expect(new Set(listed).size).toBe(listed.length);
  for (const key of listed) {
    const calls: string[] = [];
    expect(press(key, recorder(calls)), key).toBe(true);
    expect(calls, key).toHaveLength(1);
  }
});

it('no key does anything that the help does not list', () => {
  const others = [
    ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)),
    ...['Enter', 'Tab', 'Backspace', 'Insert', ...Array.from({ length: 12 }, (_, i) => `F${i + 1}`)],
  ].filter((key) => !listed.includes(key) && !listed.includes(key.toUpperCase()));
  for (const key of others) expect(press(key, recorder([])), key).toBe(false);
});

it('leaves the browser its own keys', () => {
  for (const key of listed)
    expect(handleKey({ key, ctrlKey: true, metaKey: false, altKey: false }, recorder([])), key).toBe(false);
});
