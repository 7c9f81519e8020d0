import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QueueClient } from '@azure/storage-queue';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Mail } from '../../examples/client/api.generated.ts';
import { ApiError, functionKey, OutlookSender } from '../../examples/client/client.ts';
import { type OutlookEvent, putMail, readEvents } from '../../examples/client/queue.ts';
import { pauseAll } from '../../examples/typescript/pause-all.ts';
import { type Flow, startFlow } from '../flow/support/flow.ts';
import { linkMailbox } from '../flow/support/link.ts';
import { CUSTOMER } from '../flow/support/mails.ts';
import { mail } from '../flow/support/messages.ts';
import { QUICK } from '../flow/support/quick.ts';
import { until } from '../flow/support/until.ts';
import { codeBlocks } from '../guard/documents.ts';
import { filesBelow, ROOT } from '../guard/repository.ts';

let flow: Flow;
let connectionId: string;

beforeAll(async () => {
  flow = await startFlow({ extraMailboxes: 1, environment: { ...QUICK, MAIL_ACCEPTED_EVENTS: 'true' } });
  connectionId = await linkMailbox(flow, 'hr@acme.example');
});
afterAll(() => flow?.close());

const has = (command: string, ...version: string[]) => spawnSync(command, version).status === 0;

/** Runs an example as its reader would, and returns what it prints. */
async function run(command: string, ...args: string[]): Promise<string> {
  const { code, output, errors } = await outcome({}, command, ...args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}${errors}`);
  return output;
}

/** The same, however it ends. @param changes variables that differ */
async function outcome(changes: Readonly<Record<string, string>>, command: string, ...args: string[]) {
  const { api, functionKey: key, storageConnectionString } = flow.sandbox.info;
  const env = {
    ...process.env,
    API: api,
    CUSTOMER_ID: CUSTOMER,
    CONNECTION_ID: connectionId,
    TO: 'ada@example.com',
    FUNCTION_KEY: key,
    STORAGE_CONNECTION_STRING: storageConnectionString,
    DOTNET_NOLOGO: '1',
    DOTNET_CLI_TELEMETRY_OPTOUT: '1',
    ...changes,
  };
  const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { code, output, errors };
}

/** Some event that waits to be read. */
async function leaveEvent(): Promise<string> {
  const sent = mail();
  await flow.mails.submit(connectionId, sent);
  await flow.mails.reaches(connectionId, sent.mailId, 'accepted');
  const queue = flow.queue(flow.sandbox.info.eventQueue);
  await until('its event', async () => {
    const { peekedMessageItems } = await queue.peekMessages({ numberOfMessages: 32 });
    return peekedMessageItems.some(({ messageText }) => messageText.includes(sent.mailId));
  });
  return sent.mailId;
}

/** Both mails of an example arrived, and it read the event that was there. */
async function works(prefix: string, command: string, ...args: string[]): Promise<void> {
  const told = await leaveEvent();
  const output = await run(command, ...args);
  const accepted = [...output.matchAll(/^(\S+) accepted$/gm)].map(([, mailId = '']) => mailId);
  expect(accepted).toEqual([expect.stringMatching(`^${prefix}-queue-`), expect.stringMatching(`^${prefix}-http-`)]);
  for (const mailId of accepted) {
    const received = await flow.mails.arrives(mailId);
    expect(received).toMatchObject({ subject: 'Welcome to Acme', to: [{ address: 'ada@example.com' }] });
    expect(received.text).toContain('Grüße!');
  }
  expect(output).toMatch(new RegExp(`^event .*mail.accepted.*${told}`, 'm'));
}

// What a machine has not got is not skipped, since a skipped suite is refused: there it is no test.
describe('the example sends by queue and by HTTP, and reads events', () => {
  test('TypeScript', () => works('ts', process.execPath, 'examples/typescript/send.ts'), 60_000);

  if (has('python3', '--version')) test('Python', () => works('py', 'python3', 'examples/python/send.py'), 60_000);

  if (has('curl', '--version') && has('openssl', 'version'))
    test('curl', () => works('curl', 'bash', 'examples/curl/send.sh'), 60_000);

  if (has('dotnet', '--version')) {
    test('C#', async () => {
      // Compiled outside of the source, so that nothing of it is found there.
      const folder = mkdtempSync(join(tmpdir(), 'example-'));
      try {
        const paths = [
          `-p:BaseIntermediateOutputPath=${folder}/obj/`,
          `-p:MSBuildProjectExtensionsPath=${folder}/obj/`,
        ];
        await run('dotnet', 'build', 'examples/csharp/Send.csproj', '-v', 'q', '-o', `${folder}/bin`, ...paths);
        await works('cs', 'dotnet', `${folder}/bin/Send.dll`);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }, 240_000);
  }
});

describe('the example does not wait for ever for a message that is nobody’s mail, and says so', () => {
  // What HTTP answers of a mail that has no record. It takes the example's other mail, which it would not see either.
  const nobody = createServer((request, response) => {
    const body = request.method === 'POST' ? {} : { code: 'not_found' };
    response.writeHead(request.method === 'POST' ? 202 : 404, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify(body));
  });
  beforeAll(() => new Promise<void>((resolve) => nobody.listen(0, '127.0.0.1', () => resolve())));
  afterAll(() => nobody.close());

  async function givesUp(command: string, ...args: string[]): Promise<void> {
    const { port } = nobody.address() as AddressInfo;
    const CONNECTION_ID = `con_${'0'.repeat(32)}`;
    const changes = { API: `http://127.0.0.1:${port}/api`, CONNECTION_ID, WAIT_SECONDS: '1' };
    const { code, errors } = await outcome(changes, command, ...args);
    expect(code).not.toBe(0);
    expect(errors).toMatch(/After 1 s \S+ (has no record|is not accepted)/);
  }

  test('TypeScript', () => givesUp(process.execPath, 'examples/typescript/send.ts'), 60_000);
  if (has('python3', '--version')) test('Python', () => givesUp('python3', 'examples/python/send.py'), 60_000);
  if (has('curl', '--version') && has('openssl', 'version'))
    test('curl', () => givesUp('bash', 'examples/curl/send.sh'), 60_000);
});

const scripts = filesBelow('examples').filter((file) => file.endsWith('.sh'));

test.each(scripts)('%s is a script that bash can read', (file) => {
  expect(spawnSync('bash', ['-n', join(ROOT, file)], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
});

if (has('shellcheck', '--version')) {
  test.each(scripts)('%s passes shellcheck', (file) => {
    expect(spawnSync('shellcheck', [join(ROOT, file)], { encoding: 'utf8' })).toMatchObject({ status: 0, stdout: '' });
  });
}

if (has('curl', '--version') && has('openssl', 'version')) {
  test('curl, with a token as the sandbox’s guide gets one', async () => {
    const other = await startFlow({ environment: { ...QUICK, API_AUTH: 'entra', MAIL_ACCEPTED_EVENTS: 'true' } });
    try {
      const caller = other.sandbox.info.apiCaller;
      const block = codeBlocks().find(({ file, text }) => file === 'docs/sandbox.md' && text.includes('TOKEN_URL'));
      const { code, output, errors } = await outcome(
        {
          API: other.sandbox.info.api,
          CONNECTION_ID: await linkMailbox(other, 'hr@acme.example'),
          STORAGE_CONNECTION_STRING: other.sandbox.info.storageConnectionString,
          FUNCTION_KEY: '',
          TOKEN_URL: caller?.tokenUrl ?? '',
          CLIENT_ID: caller?.clientId ?? '',
          CLIENT_SECRET: caller?.clientSecret ?? '',
          SCOPE: caller?.scope ?? '',
        },
        'bash',
        '-c',
        block?.text ?? 'exit 9',
      );
      expect([code, errors]).toEqual([0, '']);
      expect(output.match(/ accepted$/gm)).toHaveLength(2);
    } finally {
      await other.close();
    }
  }, 120_000);
}

describe('the client', () => {
  test('takes a body or a blob, and not both: the compiler says so', () => {
    const body = { contentType: 'text', content: 'x' } as const;
    const mails = [
      { to: [], subject: '', body },
      { to: [], subject: '', contentBlob: 'acme/x' },
      // @ts-expect-error neither
      { to: [], subject: '' },
      // @ts-expect-error both
      { to: [], subject: '', body, contentBlob: 'acme/x' },
    ] satisfies Mail[];
    expect(mails).toHaveLength(4);
  });

  const client = () => new OutlookSender(flow.sandbox.info.api, functionKey(flow.sandbox.info.functionKey));
  const path = () => ({ customerId: CUSTOMER, connectionId });

  test('calls operations by name, and reads lists to their end', async () => {
    const sent = [mail(), mail(), mail()];
    for (const each of sent) {
      const { mailId } = each;
      const body = {
        mailId,
        to: ['ada@example.com'],
        subject: mailId,
        body: { contentType: 'text', content: 'x' },
      } as const;
      expect(await client().call('mail-submit', { path: path(), body })).toMatchObject({ mailId, connectionId });
      await flow.mails.reaches(connectionId, mailId, 'accepted');
    }
    const found: string[] = [];
    for await (const { mailId } of client().all('mails-list', { path: path(), query: { limit: 1, state: 'accepted' } }))
      found.push(mailId);
    expect(found).toEqual(expect.arrayContaining(sent.map(({ mailId }) => mailId)));
  });

  test('throws what the API says: code, fields and correlation id', async () => {
    const body = { to: [], subject: 'Nobody', body: { contentType: 'text', content: 'x' } } as const;
    const error = await client()
      .call('mail-submit', { path: path(), body })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 400,
      code: 'invalid_request',
      fields: [{ pointer: '/to', code: 'no_recipient' }],
    });
    expect((error as ApiError).correlationId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('gives the host’s answers without a body a code too', async () => {
    const stranger = new OutlookSender(flow.sandbox.info.api, functionKey('wrong'));
    await expect(stranger.call('mails-list', { path: path() })).rejects.toMatchObject({
      status: 401,
      code: 'unauthorized',
    });
  });

  test('puts mail on the queue, and reads events; one that nobody could act on comes again', async () => {
    const queue = (name: string) => new QueueClient(flow.sandbox.storage.connectionString, name);
    const { mailId } = mail();
    const content = { to: ['ada@example.com'], subject: mailId, body: { contentType: 'text', content: 'x' } } as const;
    await putMail(queue('outlook-mail'), { version: 1, ...path(), mailId, ...content });
    await flow.mails.reaches(connectionId, mailId, 'accepted');
    const read: OutlookEvent[] = [];
    const events = queue('outlook-events');
    await until('the event', async () => {
      await readEvents(events, async (event) => void read.push(event));
      return read.some(({ type, data }) => type === 'mail.accepted' && data.mailId === mailId);
    });
    await leaveEvent();
    const fails = readEvents(events, () => Promise.reject(new Error('the database is down')));
    await expect(fails).rejects.toThrow('the database is down');
    expect((await events.getProperties()).approximateMessagesCount).toBeGreaterThan(0);
  });

  test('pauses every connection of a customer, as its document shows', async () => {
    const { api, functionKey: key } = flow.sandbox.info;
    expect(await pauseAll(api, key, CUSTOMER)).toEqual([connectionId]);
    expect(await pauseAll(api, key, CUSTOMER)).toEqual([]);
    await client().call('connection-resume', { path: path() });
  });
});
