const storageKey = 'lifeboat-keys';

let known: { text: string | null; keys: Record<string, string> } | undefined;

function stored(): string | null {
  try {
    return typeof localStorage === 'undefined' ? null : localStorage.getItem(storageKey);
  } catch {
    return null;
  }
}

function parsed(text: string | null): Record<string, string> {
  if (text === null) return {};
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(
      Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  } catch {
    return {};
  }
}

/** The reader's own keys on this computer, by the name of what they do. Never throws. */
export function ownKeys(): Readonly<Record<string, string>> {
  const text = stored();
  if (known?.text !== text) known = { text, keys: parsed(text) };
  return known!.keys;
}

/** Keeps keys on this computer; an empty table goes back to the standard. */
export function keepKeys(keys: Readonly<Record<string, string>>): void {
  if (Object.keys(keys).length === 0) localStorage.removeItem(storageKey);
  else localStorage.setItem(storageKey, JSON.stringify(keys));
}
