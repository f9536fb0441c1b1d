import { createHmac } from 'node:crypto';
import type { Delivery } from './outbox.ts';

const TIMEOUT_MS = 10_000;

/**
 * `X-Lifeboat-Signature: t=SECONDS,v1=HEX`: HMAC-SHA256 with the shared secret over `SECONDS.BODY`. The time is in it so that an
 * old message cannot be sent again by somebody else.
 */
export function signature(secret: string, body: string, seconds: number): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

/** @throws what `fetch` throws, and an Error for every answer but 2xx */
export async function postWebhook(url: string, secret: string | undefined, delivery: Delivery): Promise<void> {
  const { id, at, event } = delivery;
  const body = JSON.stringify({ id, at, ...event });
  const seconds = Math.floor(Date.now() / 1000);
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'User-Agent': 'Lifeboat',
      'X-Lifeboat-Delivery': String(id),
      ...(secret && { 'X-Lifeboat-Signature': signature(secret, body, seconds) }),
    },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
}
