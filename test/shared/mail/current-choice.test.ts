import { beforeEach, describe, expect, test } from 'vitest';
import { patchConnection } from '../../../shared/connections/change-connection.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { MailWorld } from './support.ts';

const LOST = { kind: 'noAnswer', cause: 'ECONNRESET' } as const;

let world: MailWorld;

beforeEach(async () => {
  world = await MailWorld.create();
});

/** Another instance, which this one's memory knows nothing of, changes the connection. */
function chooseElsewhere(onUncertain: 'hold' | 'resend') {
  const { customerId, connectionId } = world.connection;
  return patchConnection(world.compose().connections, customerId, connectionId, { onUncertain });
}

describe('a mail of unknown fate', () => {
  test('is held from the moment at which somebody said so, on every instance', async () => {
    await chooseElsewhere('resend');
    world.app = world.compose();
    await world.deliver(world.message({ mailId: 'before' }));
    await chooseElsewhere('hold');
    world.graph.answers.push(LOST);
    await world.deliver(world.message());
    expect(await world.record()).toMatchObject({ state: 'uncertain', attempts: 1 });
  });

  test('is sent once more from the moment at which somebody said so, on every instance', async () => {
    await world.deliver(world.message({ mailId: 'before' }));
    await chooseElsewhere('resend');
    world.graph.answers.push(LOST);
    await world.deliver(world.message());
    expect(await world.record()).toMatchObject({ state: 'accepted', attempts: 2 });
  });

  test('is held when nobody can tell what is wished', async () => {
    await chooseElsewhere('resend');
    world.graph.answers.push(() => {
      world.connections.before = () => {
        throw new StoreUnavailable('table storage');
      };
      return LOST;
    });
    await world.deliver(world.message());
    world.connections.before = () => {};
    expect(await world.record()).toMatchObject({ state: 'uncertain' });
  });

  test('that says itself what is wished needs no look at the connection', async () => {
    world.graph.answers.push(LOST);
    const { requests } = world.connections;
    await world.deliver(world.message({ onUncertain: 'resend' }));
    expect(await world.record()).toMatchObject({ state: 'accepted', attempts: 2 });
    expect(world.connections.requests - requests).toBeLessThanOrEqual(2);
  });
});
