import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAPIServer } from '@maildev/api';
import { type Email, MemoryStorage } from '@maildev/core';
import { createSMTPServer } from '@maildev/smtp';
import { registerUI } from '@maildev/ui/server';

export interface MailDev {
  readonly smtpPort: number;
  /** MailDev's page and API. It does not listen: requests reach it only through a server that checks them. */
  readonly web: Server;
  /** Oldest first. */
  emails(): Promise<readonly Email[]>;
  deleteAll(): Promise<void>;
  close(): Promise<void>;
}

/**
 * MailDev put together from its parts: its own starter lets the web server listen without any check and writes to
 * standard output, which `--json` keeps for one line.
 */
export async function startMailDev(): Promise<MailDev> {
  const mailDir = await mkdtemp(join(tmpdir(), 'outlook-sandbox-mail-'));
  const storage = new MemoryStorage();
  const smtp = createSMTPServer({ port: 0, host: '127.0.0.1', storage, mailDir, logger: false });
  await smtp.start();
  const api = createAPIServer({ storage, smtp, cors: { origin: false } });
  await api.registerPlugins();
  await registerUI(api.server);
  await api.server.ready();
  return {
    smtpPort: smtp.getPort(),
    web: api.server.server,
    emails: () => storage.getAll(),
    deleteAll: async () => {
      await smtp.deleteAllEmails();
    },
    close: async () => {
      await api.stop();
      await smtp.stop();
      await rm(mailDir, { recursive: true, force: true });
    },
  };
}
