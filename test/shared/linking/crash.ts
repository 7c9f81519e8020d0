import type { FakeApp } from '../../fakes/app.ts';

/** What a killed process leaves behind: nothing that it still does has any effect. */
export class Death extends Error {}

/** `before`: killed before a request has its effect. `after`: killed when it had it, and nobody heard of it. */
export type When = 'before' | 'after';

/**
 * Runs an action whose process is killed at its n-th write to table, vault or queue, or its n-th deletion of a blob.
 * @returns whether it came to its end, because it has fewer writes
 */
export async function killedAt(fake: FakeApp, n: number, when: When, action: () => Promise<unknown>): Promise<boolean> {
  let writes = 0;
  let dead = false;
  const point = (now: When) => {
    if (dead) throw new Death();
    if (now === 'before') writes += 1;
    if (writes === n && now === when) {
      dead = true;
      throw new Death();
    }
  };
  const tables = [fake.links, fake.connections, fake.applications, fake.mails];
  for (const table of tables) {
    table.before = ({ kind }) => {
      if (kind === 'write') point('before');
      else if (dead) throw new Death();
    };
    table.after = () => point('after');
  }
  fake.secrets.before = (call) => {
    if (call !== 'get') point('before');
    else if (dead) throw new Death();
  };
  fake.secrets.after = () => point('after');
  fake.queues.before = () => point('before');
  fake.queues.after = () => point('after');
  fake.blobs.before = () => point('before');
  fake.blobs.after = () => point('after');
  try {
    await action();
  } catch (error) {
    if (!dead) throw error;
  } finally {
    unhook(fake);
  }
  return !dead;
}

/**
 * Runs an action during whose n-th request to table or vault, reads included, something else happens from beginning to
 * end. @returns whether the action has fewer requests, so that nothing happened in between
 */
export async function interruptedAt(
  fake: FakeApp,
  n: number,
  other: () => Promise<unknown>,
  action: () => Promise<unknown>,
): Promise<boolean> {
  let requests = 0;
  let happened = false;
  const point = async () => {
    requests += 1;
    if (requests !== n) return;
    happened = true;
    unhook(fake);
    await other();
  };
  for (const table of [fake.links, fake.connections, fake.applications, fake.mails]) table.before = point;
  fake.secrets.before = point;
  try {
    await action();
  } finally {
    unhook(fake);
  }
  return !happened;
}

function unhook(fake: FakeApp): void {
  for (const table of [fake.links, fake.connections, fake.applications, fake.mails]) {
    table.before = () => {};
    table.after = () => {};
  }
  fake.secrets.before = () => {};
  fake.secrets.after = () => {};
  fake.queues.before = () => {};
  fake.queues.after = () => {};
  fake.blobs.before = () => {};
  fake.blobs.after = () => {};
}
