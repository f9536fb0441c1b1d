import type { Delivery } from './outbox.ts';

export interface MailSettings {
  /** `smtp://user:password@host:port` or `smtps://…`. */
  smtp: string;
  from: string;
  to: readonly string[];
}

const TIMEOUT_MS = 20_000;

/** @throws when the server does not take it */
export async function sendMail({ smtp, from, to }: MailSettings, { at, event }: Delivery): Promise<void> {
  // Loaded when there is something to send: an idle router should not hold its code.
  const { createTransport } = await import('nodemailer');
  const transport = createTransport(smtp, { connectionTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS } as object);
  try {
    await transport.sendMail({
      from,
      to: [...to],
      subject: `[Lifeboat] ${event.subject}`,
      text: `${event.text}\n\n${at} (UTC)\n`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
  } finally {
    transport.close();
  }
}
