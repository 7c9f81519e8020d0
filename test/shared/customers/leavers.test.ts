import { expect, test } from 'vitest';
import { DAY } from '../../../shared/clock.ts';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { checkLeavers, leaversSchema } from '../../../shared/customers/leavers.ts';
import { FakeApp } from '../../fakes/app.ts';
import { FakeHost } from '../../fakes/host.ts';
import { ACME_TENANT, HR_OBJECT } from '../../fakes/microsoft.ts';
import { SECOND_OBJECT } from '../connections/support.ts';

async function world() {
  const fake = new FakeApp();
  const hr = (await fake.link()).connection;
  fake.identity.claims = { oid: SECOND_OBJECT, preferred_username: 'PayRoll@Acme.example' };
  const payroll = (await fake.link()).connection;
  const check = async (...accounts: unknown[]) =>
    (await checkLeavers(fake.app.checks, 'acme', leaversSchema.parse({ accounts }))).items;
  return { fake, hr, payroll, check };
}

test('a connection is found by its mailbox identity, whatever the case of its GUIDs', async () => {
  const { hr, check } = await world();
  const account = { tenantId: ACME_TENANT.toUpperCase(), objectId: HR_OBJECT.toUpperCase() };
  expect(await check(account)).toEqual([{ connectionId: hr.connectionId, matchedBy: 'objectId' }]);
  expect(await check({ tenantId: HR_OBJECT, objectId: HR_OBJECT })).toEqual([]);
});

test('a connection is found by the name that its account signs in with, whatever its case', async () => {
  const { payroll, check } = await world();
  expect(await check({ signInName: ' payroll@ACME.EXAMPLE ' })).toEqual([
    { connectionId: payroll.connectionId, matchedBy: 'signInName' },
  ]);
});

test.each([
  ['full-width characters', 'payroll@acme.example', 'ｐａｙｒｏｌｌ@acme.example'],
  ['characters that are not seen', 'payroll@acme.example', 'pay\u200broll\ufeff@acme.example'],
  ['ss for ß', 'groß@acme.example', 'GROSS@acme.example'],
  ['ß for ss', 'gross@acme.example', 'groß@acme.example'],
  ['the name of a guest', 'ada_b@partner.example', 'Ada_B_partner.example#EXT#@acme.example'],
  ['the address of a guest', 'ada_b_partner.example#EXT#@acme.example', 'ada_b@partner.example'],
  ['accents written otherwise', 'andr\u00e9@acme.example', 'andre\u0301@acme.example'],
])('a name is found by %s', async (_what, linked, asked) => {
  const fake = new FakeApp();
  fake.identity.claims = { preferred_username: linked };
  const { connectionId } = (await fake.link()).connection;
  const check = async (signInName: string) =>
    (await checkLeavers(fake.app.checks, 'acme', leaversSchema.parse({ accounts: [{ signInName }] }))).items;
  expect(await check(asked)).toEqual([{ connectionId, matchedBy: 'signInName' }]);
  for (const another of [`x${asked}`, 'partner.example#EXT#@acme.example', '#EXT#@acme.example', '_@partner.example'])
    expect(await check(another)).toEqual([]);
});

test('a renamed account is found by its new name once the daily check has met it, never by what is another’s', async () => {
  const { fake, hr, check } = await world();
  const host = new FakeHost(fake);
  const claims = { tid: ACME_TENANT.toUpperCase(), oid: HR_OBJECT, preferred_username: 'people@acme.example' };
  for (const anothers of [{ oid: SECOND_OBJECT.replace('2', '3') }, { tid: HR_OBJECT }, { oid: '' }]) {
    fake.identity.refreshedClaims = { ...claims, ...anothers };
    await host.pass(2 * DAY);
    expect(await check({ signInName: 'people@acme.example' })).toEqual([]);
  }
  fake.identity.refreshedClaims = claims;
  await host.pass(2 * DAY);
  expect(await check({ signInName: 'people@acme.example' })).toEqual([
    { connectionId: hr.connectionId, matchedBy: 'signInName' },
  ]);
  expect(await check({ signInName: 'hr@acme.example' })).toEqual([]);
  // An answer without a name leaves the one that is known.
  fake.identity.refreshedClaims = { tid: ACME_TENANT, oid: HR_OBJECT };
  await host.pass(2 * DAY);
  expect(await check({ signInName: 'people@acme.example' })).toHaveLength(1);
});

test('a connection is told once, by what is certain', async () => {
  const { hr, payroll, check } = await world();
  const accounts = [
    { signInName: 'hr@acme.example' },
    { tenantId: ACME_TENANT, objectId: HR_OBJECT },
    { signInName: 'payroll@acme.example' },
    { signInName: 'nobody@acme.example' },
  ];
  const found = await check(...accounts);
  expect(new Set(found)).toEqual(
    new Set([
      { connectionId: hr.connectionId, matchedBy: 'objectId' },
      { connectionId: payroll.connectionId, matchedBy: 'signInName' },
    ]),
  );
});

test('neither another customer’s connections are found, nor removed ones', async () => {
  const { fake, hr, check } = await world();
  await fake.link({ customerId: 'other' });
  await unlinkConnection(fake.app.checks, 'acme', hr.connectionId, fake.invocation());
  expect(await check({ tenantId: ACME_TENANT, objectId: HR_OBJECT })).toEqual([]);
});

test('a list is bounded and strict', () => {
  const names = (count: number) => ({
    accounts: Array.from({ length: count }, (_, n) => ({ signInName: `${n}@x.y` })),
  });
  expect(leaversSchema.safeParse(names(1000)).success).toBe(true);
  for (const wrong of [
    names(1001),
    names(0),
    { accounts: [{ objectId: HR_OBJECT }] },
    { accounts: [{ tenantId: 'acme', objectId: HR_OBJECT }] },
    { accounts: [{ signInName: 'a@b.c', objectId: HR_OBJECT, tenantId: ACME_TENANT }] },
    { accounts: [{ signInName: '' }] },
    { accounts: [{ signInName: 'a@b.c' }], more: 1 },
  ])
    expect(leaversSchema.safeParse(wrong).success).toBe(false);
});
