import { expect, test } from 'vitest';
import { seal, unseal } from '../../../shared/linking/seal.ts';
import { parseLinkToken } from '../../../shared/linking/token.ts';

test('what is sealed opens with the same token and link alone', () => {
  const sealed = seal('code', 'token', 'lnk_1');
  expect(unseal(sealed, 'token', 'lnk_1')).toBe('code');
  expect(unseal(sealed, 'other', 'lnk_1')).toBeUndefined();
  expect(unseal(sealed, 'token', 'lnk_2')).toBeUndefined();
});

test('what was changed or cut does not open', () => {
  const sealed = seal('code', 'token', 'lnk_1');
  const bytes = Buffer.from(sealed, 'base64url');
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(unseal(changed.toString('base64url'), 'token', 'lnk_1')).toBeUndefined();
    expect(unseal(bytes.subarray(0, at).toString('base64url'), 'token', 'lnk_1')).toBeUndefined();
  }
});

test('sealing twice gives two texts', () => {
  expect(seal('code', 'token', 'lnk_1')).not.toBe(seal('code', 'token', 'lnk_1'));
});

test('a token has two parts of our shape, or it is none', () => {
  const [id, secret] = [`lnk_${'0'.repeat(32)}`, 'a'.repeat(43)];
  expect(parseLinkToken(`${id}.${secret}`)).toEqual({ linkId: id, secret });
  for (const token of [id, `${id}.`, `${id}.${secret}.x`, `${id}.${secret}=`, `con_${'0'.repeat(32)}.${secret}`, '.'])
    expect(parseLinkToken(token)).toBeUndefined();
});
