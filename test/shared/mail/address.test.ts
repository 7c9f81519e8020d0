import { describe, expect, test } from 'vitest';
import { address, withAsciiDomain } from '../../../shared/mail/address.ts';

describe('an address is taken', () => {
  test.each([
    'ada@example.com',
    'ada+hr@example.com',
    'hr&co@example.com',
    "o'neil@example.com",
    'a.b-c_d@sub.example.co',
    'grüße@müller.example',
    'محمد@مثال.إختبار',
    'דוד@דוגמה.ישראל',
    'ada@例え.テスト',
    'ada@😀.example',
    'ada@xn--mller-kva.example',
    `${'a'.repeat(64)}@example.com`,
  ])('%s', (value) => {
    expect(address.safeParse(value).success).toBe(true);
  });
});

describe('an address is refused', () => {
  test.each([
    ['nothing before the @', '@example.com'],
    ['nothing behind it', 'ada@'],
    ['two of them', 'ada@b@example.com'],
    ['a quoted local part', '"a b"@example.com'],
    ['a name around it', 'Ada <ada@example.com>'],
    ['a domain without a dot', 'ada@localhost'],
    ['an IP address', 'ada@127.0.0.1'],
    ['an IP address in brackets', 'ada@[127.0.0.1]'],
    ['two dots in a row', 'a..b@example.com'],
    ['a dot at the edge', '.ada@example.com'],
    ['a label that begins with a hyphen', 'ada@-example.com'],
    ['an underscore in the domain', 'ada@ex_ample.com'],
    ['a dot at the end', 'ada@example.com.'],
    ['65 bytes before the @', `${'a'.repeat(65)}@example.com`],
    ['a domain that is too long once it is ASCII', `ada@${'ü'.repeat(60)}.example`],
    ['a space', 'ada @example.com'],
    ['a space of another kind', 'ada\u2003@example.com'],
    ['a mark that turns the direction', 'ada\u202e@example.com'],
    ['a character without width', 'ada\u200b@example.com'],
    ['a line separator', 'ada\u2028@example.com'],
    ['an emoji before the @', '😀@example.com'],
  ])('with %s', (_, value) => {
    expect(address.safeParse(value).success).toBe(false);
  });

  test.each([
    ['a line break', 'ada\r\nbcc:b@example.com', 'control_character'],
    ['half a character', 'ada\ud800@example.com', 'not_unicode'],
  ])('with %s, and the code says so', (_, value, code) => {
    const codes = address
      .safeParse(value)
      .error?.issues.map((issue) => issue.code === 'custom' && issue.params?.['code']);
    expect(codes).toContain(code);
  });
});

test.each([
  ['ada@Example.com', 'ada@Example.com'],
  ['grüße@müller.example', 'grüße@xn--mller-kva.example'],
  ['ada@faß.example', 'ada@xn--fa-hia.example'],
])('%s goes to Graph as %s', (given, sent) => {
  expect(withAsciiDomain(given)).toBe(sent);
});
