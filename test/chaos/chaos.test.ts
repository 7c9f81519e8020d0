import { expect, test } from 'vitest';
import { chaosOptions } from './options.ts';
import { runChaos } from './run.ts';

test('while workers are killed and everything around them fails, no mail is lost and none silently doubled', async () => {
  const options = chaosOptions(['--seed', '7', '--mails', '150', '--mailboxes', '6', '--kills', '5']);
  const { result, clean, wrong } = await runChaos(options, () => {});
  expect(wrong).toEqual([]);
  expect(result).toMatchObject({ mails: 150, missing: 0, doubled: 0, held: 0, kills: 5 });
  expect(clean).toBe(true);
}, 240_000);
