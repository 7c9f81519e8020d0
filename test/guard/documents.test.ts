import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { ASSUMED_SECRET_DAYS } from '../../shared/connections/application.ts';
import { LINK_ERRORS } from '../../shared/errors.ts';
import type { EventType } from '../../shared/mail/events.ts';
import { LIMITS, PARKED_DAYS, RECORD_DAYS } from '../../shared/mail/limits.ts';
import { queueMessageSchema, RESERVED_HEADERS } from '../../shared/mail/message.ts';
import { LISTED_STATES } from '../../shared/mail/read-mails.ts';
import { QUEUE_MESSAGE } from '../../tools/contracts/examples.ts';
import { allEndpoints } from '../../tools/contracts/main.ts';
import { codeBlocks, exampleIn } from './documents.ts';
import { filesBelow, read, tableBelow } from './repository.ts';

const BLOCKS = codeBlocks();
const ticked = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
const firstColumn = (file: string, heading: string) =>
  tableBelow(read(file), heading).flatMap(([cell]) => ticked(cell));

describe('blocks of code', () => {
  test('are found at all', () => {
    expect(BLOCKS.length).toBeGreaterThan(12);
  });

  test('in a language that can be wrong say what holds them: an example that is run, or a file that is', () => {
    const loose = BLOCKS.filter(({ language, marker }) => /^(json|ts|js|py|cs|xml)$/.test(language) && marker === '');
    expect(loose).toEqual([]);
  });

  test.each(BLOCKS.filter(({ marker }) => marker.startsWith('from ')))('$file: $marker', ({ marker, text }) => {
    expect(read(marker.slice('from '.length))).toContain(text);
  });

  test.each(BLOCKS.filter(({ language }) => language === 'sh'))(
    '$file: a script that bash can read: $text',
    ({ text }) => {
      expect(spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    },
  );

  test('run npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const called = filesBelow()
      .filter((file) => file.endsWith('.md') && file !== 'CHANGELOG.md')
      .flatMap((file) => [...read(file).matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name = '']) => name));
    expect(called.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe('every route that a document names', () => {
  const routes = allEndpoints().map(({ method, route }) => `${method} ${route}`);
  const whole = (route: string) =>
    route.replace(/^…\/?/, 'customers/{customerId}/connections/{connectionId}/').replace(/\/$/, '');

  test('exists', () => {
    const named = filesBelow()
      // The sandbox's own routes have a test of their own.
      .filter((file) => file.endsWith('.md') && file !== 'docs/sandbox.md')
      .flatMap((file) =>
        [...read(file).matchAll(/`(GET|POST|PUT|PATCH|DELETE) ([^\s`?]+)/g)].map(([, method, route = '']) => ({
          file,
          route: `${method} ${whole(route)}`,
        })),
      )
      // Microsoft's, not ours.
      .filter(({ route }) => !/ \/|authorize/.test(route));
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter(({ route }) => !routes.includes(route))).toEqual([]);
  });
});

test('the integration guide says what to do for every event', () => {
  // The compiler asks for an event that is new.
  const all: Readonly<Record<EventType, true>> = {
    'mail.accepted': true,
    'mail.rejected': true,
    'mail.uncertain': true,
    'mail.expired': true,
    'mail.dead': true,
    'connection.linked': true,
    'connection.needs_relink': true,
    'connection.no_mailbox': true,
    'connection.blocked': true,
    'connection.paused': true,
    'connection.resumed': true,
    'connection.removed': true,
    'application.secret_expiring': true,
    'application.broken': true,
  };
  expect(firstColumn('docs/integration.md', '## Events')).toEqual(Object.keys(all));
});

describe('the producer’s guide', () => {
  const guide = read('docs/sending.md');

  test('explains every field of a message', () => {
    const refused = ['from', 'sender'];
    const whose = ['customerId', 'connectionId'];
    const fields = Object.keys(queueMessageSchema.shape).filter((name) => ![...refused, ...whose].includes(name));
    expect(firstColumn('docs/sending.md', '## The message').sort()).toEqual(fields.sort());
  });

  test('says which fields are needed, as the schema does', () => {
    const { required } = JSON.parse(read('docs/api/mail-message-v1.json')) as { required: string[] };
    const sentence = /^Needed are ([\s\S]*?), and either `body` or `contentBlob`/m.exec(guide)?.[1] ?? '';
    const named = ticked(sentence.replaceAll(/\([^)]*\)/g, ''));
    expect(named.sort()).toEqual([...required].sort());
  });

  test('says what to do in every state', () => {
    expect(firstColumn('docs/sending.md', '## What becomes of it').sort()).toEqual([...LISTED_STATES].sort());
  });

  test('has the numbers of the code', () => {
    for (const number of [LIMITS.attachmentBytes, LIMITS.graphRequestBytes])
      expect(guide).toContain(number.toLocaleString('en'));
    expect(guide).toContain(`| recipients of a mail | ${LIMITS.recipients} |`);
    for (const row of [
      `| names of recipients; addresses | ${LIMITS.nameCharacters} and ${LIMITS.addressCharacters} characters |`,
      `| an attachment's \`name\`, \`contentType\`, \`inlineId\` | ${LIMITS.attachmentNameCharacters} characters each |`,
      `| name and value of a header | ${LIMITS.headerNameCharacters} and ${LIMITS.headerCharacters} characters |`,
      `at most ${LIMITS.scheduleDays} days ahead`,
      `at most ${2 * LIMITS.scheduleDays} days ahead`,
      `more than ${LIMITS.pastMinutes} minutes past`,
    ])
      expect(guide).toContain(row);
    for (const prefix of RESERVED_HEADERS) expect(guide).toContain(`\`${prefix}\``);
    expect(guide).toContain(`at most ${LIMITS.subjectCharacters} characters`);
    expect(guide).toContain(`${LIMITS.defaultExpiryHours} hours after \`sendAt\` or intake unless given`);
    expect(guide).toContain(`kept for ${PARKED_DAYS} days after a mail ended`);
    expect(guide).toContain(`kept for ${RECORD_DAYS} days after a mail ended`);
    expect(LIMITS.headers).toBe(4);
  });

  test('shows the message that the schema shows', () => {
    expect(JSON.parse(exampleIn('docs/sending.md', 'message'))).toEqual(QUEUE_MESSAGE);
  });
});

describe('the guide for a customer’s IT', () => {
  test('stands by itself: it is sent to people who have nothing else of this', () => {
    const links = [...read('docs/customer-it.md').matchAll(/\]\(([^)]+)\)/g)].map(([, to = '']) => to);
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((to) => !/^(https:\/\/|#)/.test(to))).toEqual([]);
  });

  const guide = read('docs/customer-it.md');

  test('registers the address that the app answers', () => {
    const callback = allEndpoints().find(({ name }) => name === 'link-callback');
    expect(guide).toContain(`\`https://hire2retire.robomq.io/api/${callback?.route}\``);
  });

  test('names the time that is assumed of a secret', () => {
    expect(guide).toContain(`_${ASSUMED_SECRET_DAYS} days (24 months)_`);
  });

  test('calls menus what the errors call them', () => {
    const actions = Object.values(LINK_ERRORS)
      .filter(({ whoActs }) => whoActs === 'customerAdmin')
      .map(({ action }) => action)
      .join(' ');
    for (const menu of [
      'Certificates & secrets',
      'API permissions',
      'Authentication',
      'Overview',
      'Enterprise applications',
    ]) {
      expect(actions).toContain(menu);
      expect(guide).toContain(`_${menu}_`);
    }
  });
});
