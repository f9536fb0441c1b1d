import { createHash } from 'node:crypto';

/** A UID under 2.25 (PS3.5 B.2) made from a name: the same name gives the same UID on every run and machine. */
export function uidFrom(name: string): string {
  const digest = createHash('sha256').update(`lifeboat phantom ${name}`).digest('hex').slice(0, 32);
  return `2.25.${BigInt(`0x${digest}`)}`;
}
