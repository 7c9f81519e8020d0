import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { page as linkPage } from '../../functions/http/page.ts';
import { PAGE_TEXTS, type PageName } from '../../functions/http/page-texts.ts';
import { Audit } from './support/accessibility.ts';
import { installedBrowser, launch } from './support/chromium.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { QUICK } from './support/quick.ts';

const executablePath = installedBrowser();
const skipped = executablePath === undefined && !process.env['CI'];
if (skipped) console.log('No Chromium, Chrome or Edge is installed: the walk through the pages is skipped.');

const SCREENSHOTS = fileURLToPath(new URL('../../test-results/', import.meta.url));
const DESKTOP = { width: 1200, height: 900 };
/** The narrowest phone, and a desktop at 400 % (WCAG 1.4.10). */
const NARROW = { width: 320, height: 640 };

describe.skipIf(skipped)('Sending Mail through Outlook, walked through in a real browser without scripts', () => {
  let flow: Flow;
  let browser: Browser;
  let audit: Audit;
  let context: BrowserContext;
  let page: Page;
  /** Whatever the pages asked for that is not on this computer, or was not there. */
  let trouble: string[];
  let colorScheme: 'light' | 'dark';

  beforeAll(async () => {
    if (executablePath === undefined)
      throw new Error('CI needs Chromium, Chrome or Edge for the walk through the pages.');
    flow = await startFlow({ environment: { ...QUICK } });
    browser = await launch(executablePath);
    audit = new Audit(browser);
  }, 60_000);
  afterEach(() => context?.close());
  afterAll(async () => {
    await browser?.close();
    await flow?.close();
  });

  async function openBrowser(options: { colorScheme?: 'light' | 'dark'; viewport?: typeof DESKTOP } = {}) {
    colorScheme = options.colorScheme ?? 'light';
    context = await browser.newContext({ javaScriptEnabled: false, viewport: DESKTOP, ...options });
    page = await context.newPage();
    page.setDefaultTimeout(10_000);
    trouble = [];
    page.on('request', (request) => {
      const { hostname } = new URL(request.url());
      if (hostname !== 'localhost') trouble.push(`asked ${hostname}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) trouble.push(`${response.status()} for ${new URL(response.url()).pathname}`);
    });
    page.on('console', (message) => {
      if (message.type() === 'error') trouble.push(message.text());
    });
  }

  /**
   * A picture of the page as it is, one that is 320 pixels wide, a check that nothing hangs over there, and what the
   * accessibility checker says.
   */
  async function look(name: string) {
    await page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage: true });
    await page.setViewportSize(NARROW);
    await page.screenshot({ path: `${SCREENSHOTS}${name}-320.png`, fullPage: true });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    await page.setViewportSize(DESKTOP);
    expect.soft(width, `width of ${name} on a screen of 320`).toBeLessThanOrEqual(NARROW.width);
    const found = await audit.findings(page.url(), await page.content(), colorScheme);
    expect.soft(found, `accessibility of ${name}`).toEqual([]);
  }

  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const users = () => flow.sandbox.info.users;
  const heading = () => page.getByRole('heading', { level: 1 }).textContent();

  it('Service Provider Application: Create a Connection', async () => {
    await openBrowser();
    await page.goto(flow.sandbox.info.hire2retire);
    await look('1-start');
    await page.getByRole('link', { name: 'Service Provider Application' }).click();
    expect(await heading()).toBe('Service Provider Application');
    await look('2-service-provider');

    // 1. "To authenticate your account you need to click the Link account button, which will redirect you to the
    //    Outlook sign-in page."
    await button('Link account').click();
    expect(await heading()).toBe('Sign in');
    await look('3-sign-in');
    await page.getByLabel('Email').fill(users()[0]?.address ?? '');
    await page.getByLabel('Password').fill(users()[0]?.password ?? '');
    await button('Sign in').click();

    // 2. "Following successful sign-in, Outlook presents you with a permissions page. On this page, you will be asked to
    //    provide certain permissions that are required by Hire2Retire to send emails on your behalf."
    expect(await heading()).toBe('Permissions requested');
    const asked = await page.getByRole('listitem').allInnerTexts();
    expect(asked.join('\n')).toMatch(/Mail\.Send/);
    expect(asked.join('\n')).toMatch(/offline_access/);
    await look('4-consent');
    await button('Accept').click();

    // 3. "Once you've consented to the permissions, you will be redirected back to Hire2retire. This redirection signifies
    //    the successful establishment of the connection between the two platforms."
    expect(page.url()).toMatch(new RegExp(`^${flow.sandbox.info.hire2retire}/connections\\?linked=con_`));
    expect(await page.getByRole('status').textContent()).toContain('hr@acme.example is linked.');
    expect(await page.locator('[data-connection-id]').getAttribute('data-status')).toBe('connected');
    await look('5-connections');
    expect(trouble).toEqual([]);
  });

  it('README, “Try it”: what it says to click and to enter, word for word', async () => {
    const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8').replaceAll(/\s+/g, ' ');
    const sentence = /Open Hire2Retire at (.*?), ready to send\./.exec(text)?.[1] ?? '';
    const [start, robomq, link, signIn, accept, connections] = [
      ...sentence.matchAll(/\*\*(.+?)\*\*|<(http\S+?)>/g),
    ].map(([, bold, address]) => bold ?? address ?? '');
    const [address = '', password = ''] = [...sentence.matchAll(/`([^`]+)`/g)].map(([, each]) => each ?? '');
    // Tests take free ports; the usual one is what a person gets.
    expect(start).toBe('http://localhost:4280');
    await openBrowser();
    await page.goto(flow.sandbox.info.hire2retire);
    await page.getByRole('link', { name: robomq ?? '', exact: true }).click();
    await button(link ?? '').click();
    await page.getByLabel('Email').fill(address);
    await page.getByLabel('Password').fill(password);
    await button(signIn ?? '').click();
    await button(accept ?? '').click();
    expect(await heading()).toBe(connections);
    const card = page.locator('[data-connection-id]', { hasText: address });
    expect(await card.getAttribute('data-status')).toBe('connected');
    // The examples need it, and say that it is shown here.
    const connectionId = await card.getAttribute('data-connection-id');
    expect(await card.getByText(connectionId ?? '', { exact: true }).isVisible()).toBe(true);
    expect(trouble).toEqual([]);
  });

  it('Settings of a connection, and the events that the app told', async () => {
    await openBrowser();
    await page.goto(`${flow.sandbox.info.hire2retire}/connections`);
    const card = page.locator('[data-connection-id]').first();
    await card.getByText('Settings', { exact: true }).click();
    await look('5b-settings');
    await card.getByLabel('Alert address').fill('it@acme.example');
    await button('Save address').first().click();
    expect(await page.getByRole('status').textContent()).toBe('Saved.');
    expect(await page.locator('[data-connection-id]').first().locator('.facts').textContent()).toContain(
      'it@acme.example',
    );
    await page.locator('[data-connection-id]').first().getByText('Settings', { exact: true }).click();
    await page.locator('[data-connection-id]').first().getByRole('button', { name: 'Link again', exact: true }).click();
    expect(await heading()).toBe('Sign in');

    await page.goto(`${flow.sandbox.info.hire2retire}/events`);
    await button('Read events').click();
    expect(await page.locator('[data-event-type="connection.linked"]').count()).toBeGreaterThan(0);
    await look('5c-events');
    expect(trouble).toEqual([]);
  });

  it('and the connection sends: Send, Test, the mailbox, Remove', async () => {
    await openBrowser();
    await page.goto(`${flow.sandbox.info.hire2retire}/connections`);
    const card = page.locator('[data-connection-id]').first();
    await card.getByLabel('To').fill('ada@example.com');
    await card.getByLabel('Subject').fill('Welcome aboard');
    await card.getByLabel('Message').fill('See you on Monday.');
    await card.getByRole('button', { name: 'Send' }).click();
    await look('6-sent');
    expect(await page.getByRole('status').textContent()).toMatch(
      /The mail (is queued|waits|is being sent|was accepted)/,
    );
    await page.locator('[data-connection-id]').first().getByRole('button', { name: 'Test' }).click();
    expect(await page.getByRole('status').textContent()).toContain('The test mail was accepted by Microsoft.');
    await look('7-tested');
    const subjects = (await flow.mails.received()).map(({ subject }) => subject);
    expect(subjects.filter((subject) => subject === 'Welcome aboard')).toHaveLength(1);
    // The return page sent others, one right after each confirm.
    expect(subjects.filter((subject) => subject === 'Test mail from Hire2Retire').length).toBeGreaterThan(1);

    await page.locator('[data-connection-id]').first().getByRole('button', { name: 'Remove' }).click();
    expect(await page.getByRole('status').textContent()).toContain('The connection was removed.');
    await look('8-removed');
    expect(trouble).toEqual([]);

    // MailDev's page is the only one that needs scripts.
    const withScripts = await browser.newContext({ viewport: DESKTOP });
    const mailbox = await withScripts.newPage();
    await mailbox.goto(flow.sandbox.info.mailbox);
    await mailbox.getByText('Welcome aboard').first().waitFor({ timeout: 10_000 });
    await mailbox.screenshot({ path: `${SCREENSHOTS}21-mailbox.png` });
    await withScripts.close();
  });

  it('Customer Owned Application: Create a Connection', async () => {
    await openBrowser();
    // "To create a connection with your own instance of the Entra ID application select the customer owned application
    // option."
    await page.goto(flow.sandbox.info.hire2retire);
    await page.getByRole('link', { name: 'Customer Owned Application' }).click();
    await look('9-customer-owned');

    // 1. "To authenticate your account you need to enter your client id and client secret and then click the Link account
    //    button, which will redirect you to the Outlook sign-in page."
    const { clientId, clientSecret } = flow.sandbox.info.customerOwned;
    await page.getByLabel('Client ID').fill(clientId);
    await page.getByLabel('Client Secret').fill(clientSecret);
    await button('Link account').click();
    expect(await heading()).toBe('Sign in');
    await page.getByLabel('Email').fill('payroll@acme.example');
    await page.getByLabel('Password').fill(users()[1]?.password ?? '');
    await button('Sign in').click();

    // 2. "After successful sign-in into your customer owned app and accepting the permissions required consent form the
    //    connection will be made and user will be redirected back to Hire2retire."
    await button('Accept').click();
    expect(await page.getByRole('status').textContent()).toContain('payroll@acme.example is linked.');
    const card = page.locator('[data-connection-id]', { hasText: 'payroll@acme.example' });
    expect(await card.getAttribute('data-status')).toBe('connected');
    expect(await card.textContent()).toContain('Customer Owned Application');
    await look('10-customer-owned-linked');
    expect(trouble).toEqual([]);
  });

  it.each(['light', 'dark'] as const)(
    'every page of the link routes, on a large screen and one of 320: %s',
    async (scheme) => {
      await openBrowser({ colorScheme: scheme });
      for (const name of Object.keys(PAGE_TEXTS.en) as PageName[]) {
        const { headers, body } = linkPage(name);
        // As the route serves it, policy and all: a style that the policy forbids would be missed by eye alone.
        const url = `${flow.sandbox.info.api}/auth/open/Outlook?page=${name}`;
        await page.route(url, (route) =>
          route.fulfill({ headers: headers as Record<string, string>, body: String(body) }),
        );
        await page.goto(url);
        const padding = await page.locator('main').evaluate((main) => getComputedStyle(main).paddingLeft);
        expect(padding, 'the style applies').not.toBe('0px');
        await look(`link-${name}-${scheme}`);
      }
      expect(trouble).toEqual([]);
    },
  );

  it('with the keyboard alone', async () => {
    await openBrowser();
    await page.goto(`${flow.sandbox.info.hire2retire}/service-provider`);
    /** Goes on with Tab until something of this name has the focus. */
    const tabTo = async (name: string) => {
      const seen: string[] = [];
      for (let count = 0; count < 40; count += 1) {
        await page.keyboard.press('Tab');
        const focused = await page.evaluate(() => {
          const element = document.activeElement;
          const style = element && getComputedStyle(element);
          const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : element?.textContent;
          return {
            name: (label ?? '').trim(),
            visible: style !== null && (style.outlineStyle !== 'none' || style.boxShadow !== 'none'),
          };
        });
        seen.push(focused.name);
        if (focused.name !== name) continue;
        expect(focused.visible, `the focus on "${name}" can be seen`).toBe(true);
        return;
      }
      throw new Error(`Tab never came to "${name}", only to: ${seen.join(' · ')}`);
    };
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content');
    await tabTo('Link account');
    await page.screenshot({ path: `${SCREENSHOTS}11-keyboard-focus.png` });
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/authorize\?/);
    await tabTo('Email');
    await page.keyboard.type('hr@acme.example');
    await tabTo('Password');
    await page.keyboard.type(users()[0]?.password ?? '');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/login$/);
    await tabTo('Accept');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/connections\?linked=/);
    expect(await page.getByRole('status').textContent()).toContain('hr@acme.example is linked.');
  });

  it('and what went wrong can be read: declined, a wrong form, a used link, dark and narrow', async () => {
    await openBrowser({ colorScheme: 'dark' });
    await page.goto(`${flow.sandbox.info.hire2retire}/service-provider`);
    await look('12-dark');
    await button('Link account').click();
    await look('13-sign-in-dark');
    await page.getByLabel('Email').fill('nobody@acme.example');
    await page.getByLabel('Password').fill('wrong');
    await button('Sign in').click();
    await look('14-sign-in-refused');
    await button('hr@acme.example').click();
    await button('Cancel').click();
    expect(await heading()).toBe('The account is not linked');
    await look('15-declined');

    await page.goto(`${flow.sandbox.info.hire2retire}/service-provider`);
    await button('Link account').click();
    await page.getByLabel('Email').fill('hr@acme.example');
    await page.getByLabel('Password').fill(users()[0]?.password ?? '');
    await page.getByLabel('Let it fail').selectOption('admin_approval_needed');
    await button('Sign in').click();
    await look('16-admin-approval');
    await page.getByRole('link', { name: /adminconsent/ }).click();
    await look('17-admin-consent');
    await button('Accept').click();
    expect(await heading()).toBe('Approved, now link');
    await look('18-approved');

    await page.goto(`${flow.sandbox.info.hire2retire}/customer-owned`);
    await page.getByLabel('Client ID').fill('not-a-guid');
    await page.getByLabel('Client Secret').fill('11111111-2222-4333-8444-555555555555');
    await button('Link account').click();
    expect(await page.getByRole('alert').count()).toBeGreaterThan(0);
    await look('19-form-refused');
    await page.goto(`${flow.sandbox.info.api}/auth/open/Outlook?ticket=nonsense`);
    expect(await heading()).toBe('This link is not valid');
    await look('20-link-not-valid');
  });
});
