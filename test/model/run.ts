import { recordOf } from '../../shared/mail/record.ts';
import { text } from '../../shared/storage/table.ts';
import { QUEUES } from '../../shared/storage-names.ts';
import { judge, whatSleeps } from './invariants.ts';
import type { Mutation } from './mutations.ts';
import { makePlan, type PlannedMail, relink, resume } from './plan.ts';
import type { Scenario } from './scenario.ts';
import type { Violation } from './watch.ts';
import { World } from './world.ts';

/** What one run found. */
export interface RunResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly states: Readonly<Record<string, number>>;
  readonly posts: number;
  readonly maxInFlight: number;
  readonly kills: number;
  readonly freezes: number;
  readonly redeliveries: number;
  readonly poisoned: number;
  readonly tickets: number;
  readonly requests: number;
  readonly steps: number;
  readonly minutes: number;
  /** Longest time between a mail's due time and its first POST. */
  readonly longestWaitSeconds: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Nothing in a scenario lies further ahead. */
const LAST_SCAN = 100;

/** One history, decided by its seed. */
export async function run(
  seed: number,
  scenario: Scenario,
  mutation?: Mutation | ((world: () => World) => Mutation),
): Promise<RunResult> {
  const applied = typeof mutation === 'function' ? mutation(() => world) : mutation;
  const world: World = new World(seed, scenario, applied);
  await world.open();
  const mails = makePlan(world);
  await world.rest();
  const asleep = whatSleeps(world);
  for (let scans = 0; scans < LAST_SCAN && !world.restless && wakesUp(world); scans += 1) {
    world.later(HOUR, () => world.scan());
    await world.rest();
    asleep.push(...whatSleeps(world));
  }
  const states: Record<string, number> = {};
  for (const row of world.mails.all()) {
    if (!row.rowKey.startsWith('1|')) continue;
    const { state, late } = recordOf(row);
    const key = late ? `${state} late` : state;
    states[key] = (states[key] ?? 0) + 1;
  }
  return {
    seed,
    violations: [...asleep, ...judge(world, mails)],
    states,
    posts: world.microsoft.posts.length,
    maxInFlight: world.microsoft.maxInFlight,
    kills: world.kills,
    freezes: world.freezes,
    redeliveries: world.host.redeliveries,
    poisoned: world.poisoned,
    tickets: world.queues.puts.get(QUEUES.lanes) ?? 0,
    requests: world.requests,
    steps: world.scheduler.steps,
    minutes: Math.round(world.elapsed / MINUTE),
    longestWaitSeconds: longestWait(world, mails),
  };
}

function wakesUp(world: World): boolean {
  const opened = openGates(world);
  return asksForScan(world) || opened;
}

function longestWait(world: World, mails: readonly PlannedMail[]): number {
  const waits = mails.map(({ mailId, dueAt }) => {
    const first = world.microsoft.posts.find((post) => post.mailId === mailId);
    return first ? first.at - dueAt : 0;
  });
  return Math.round(Math.max(0, ...waits) / 1000);
}

/**
 * Whether a row asks for the hourly scan: a connection's, for mail that is due or expires more than an hour ahead, or
 * that of a removed one, for a look soon after.
 */
function asksForScan(world: World): boolean {
  const soon = new Date(world.scheduler.now + HOUR).toISOString();
  return world.connections
    .all()
    .some((row) => text(row, 'wakeAt') !== '' || (row.rowKey.startsWith('r|') && text(row, 'nextCheckAt') <= soon));
}

/** Whoever shut a gate opens it in the end, as a person does who sees it. */
function openGates(world: World): boolean {
  let opened = false;
  for (const row of world.mails.all()) {
    if (row.rowKey !== '0') continue;
    const gate = text(row, 'gate');
    if (gate === 'open' || gate === 'removed') continue;
    opened = true;
    if (gate === 'paused') resume(world, row.partitionKey);
    else relink(world, row.partitionKey, `link-at-${world.scheduler.now}`);
  }
  return opened;
}
