import { describe, expect, it } from 'vitest';
import type { ZodType } from 'zod';
import { endpoints } from '../../functions/register.ts';
import { timerFunctions } from '../../functions/triggers/timers.ts';
import { patchConnectionSchema } from '../../shared/connections/change-connection.ts';
import { testMailSchema } from '../../shared/connections/send-test-mail.ts';
import { startLinkSchema } from '../../shared/linking/requests.ts';
import { resolveManySchema, resolveSchema, retryManySchema, retrySchema } from '../../shared/mail/act-on-mail.ts';
import { EXAMPLE_VARIABLES } from '../../tools/infra-sets.ts';
import { FakeApp } from '../fakes/app.ts';
import { read, tableBelow } from '../guard/repository.ts';
import { assignmentsOf } from './support/assignments.ts';

const { app } = new FakeApp();
const methods = new Map<string, string>([
  ...endpoints(app).map(({ name, method }) => [name, method] as const),
  ...timerFunctions(app).map(({ name }) => [name, 'timer'] as const),
]);
const bodies: Readonly<Record<string, ZodType>> = {
  'connection-patch': patchConnectionSchema,
  'connection-test': testMailSchema,
  'mail-retry': retrySchema,
  'mail-resolve': resolveSchema,
  'mails-retry': retryManySchema,
  'mails-resolve': resolveManySchema,
};
const documents = ['docs/operate.md', 'docs/runbook.md', 'docs/deploy.md'];
const table = tableBelow(read('docs/operate.md'), '## Run a function').map(([name = '', method = '', body = '']) => ({
  name: name.replaceAll('`', ''),
  method,
  body: body.replaceAll('`', ''),
}));

describe('what an admin runs from the portal', () => {
  it.each(table)('$name is a function, and takes what the document says', ({ name, method, body }) => {
    expect(methods.get(name)).toBe(method);
    if (!bodies[name]) return expect(body).toBe('');
    expect(() => bodies[name]?.parse(JSON.parse(body))).not.toThrow();
  });

  it('is told for every function that people may want: links are made by Hire2Retire, mail by producers', () => {
    const others =
      /^(link-\w+|mail-submit|mail-message-schema|health|application-.*|auth-.*|leavers-.*|openapi|schema.*)$/;
    const told = table.map(({ name }) => name);
    expect([...methods.keys()].filter((name) => !told.includes(name) && !others.test(name))).toEqual([]);
  });

  it('begins with a link whose body the app takes', () => {
    const [block = ''] = [...read('docs/deploy.md').matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = '']) => text);
    expect(() => startLinkSchema.parse(JSON.parse(block))).not.toThrow();
  });

  it('is named as it is registered, wherever a document names it', () => {
    for (const file of documents) {
      const named = [...read(file).matchAll(/`((?:mails?|connections?|link|lane)-(?:[a-z]+))`/g)].map(
        ([, name = '']) => name,
      );
      const known = [...methods.keys(), 'mail-drop', 'mail-content', 'mail-poison', 'lane-poison', 'mail-sender'];
      expect(
        named.filter((name) => !known.includes(name)),
        file,
      ).toEqual([]);
    }
  });
});

describe('roles', () => {
  it('that an Owner gives for one step are explained where they are named', () => {
    for (const file of ['docs/operate.md', 'docs/runbook.md']) {
      const steps = read(file).replaceAll(/\s+/g, ' ').split('Owner gives you _').slice(1);
      expect(steps.length, file).toBeGreaterThan(2);
      for (const step of steps) {
        expect(step).toMatch(/^[A-Z][A-Za-z ]+_ on /);
        expect(step.slice(0, 170)).toContain('#a-role-for-one-step');
      }
    }
  });

  it('that the admins’ group has are those of docs/permissions.md, and none that another has already', () => {
    const [row = []] = tableBelow(read('docs/permissions.md'), '## Everybody else').filter(([who]) =>
      who?.startsWith('admins'),
    );
    const roles = new Set(
      assignmentsOf('small')
        .filter(({ who }) => who === EXAMPLE_VARIABLES.ADMIN_GROUP_ID.trim())
        .map(({ role }) => role),
    );
    expect(roles).not.toContain('Reader');
    for (const role of roles)
      expect(row[1]?.replace('Queue and Table Data Reader', 'Queue Data Reader, Storage Table Data Reader')).toContain(
        role,
      );
  });
});

describe('names', () => {
  it('say in the portal’s list what a function is about, then what it does', () => {
    for (const name of methods.keys()) expect(name).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
  });
});
