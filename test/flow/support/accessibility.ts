import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** WCAG 2.2 up to AA, and what the library's authors hold for good practice. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/**
 * The accessibility checker. It is a script and the walk through the pages runs without any, so the same HTML is shown
 * once more in a browser that runs scripts.
 */
export class Audit {
  private readonly browser: Browser;
  private page: Page | undefined;

  constructor(browser: Browser) {
    this.browser = browser;
  }

  /**
   * What it finds in a page, each finding with where it is.
   * @param html the page as it was served; what it links to is fetched from where it came
   */
  async findings(url: string, html: string, colorScheme: 'light' | 'dark'): Promise<string[]> {
    this.page ??= await (await this.browser.newContext()).newPage();
    const { page } = this;
    await page.emulateMedia({ colorScheme });
    await page.route(url, (route) => route.fulfill({ contentType: 'text/html; charset=utf-8', body: html }), {
      times: 1,
    });
    await page.goto(url);
    await page.evaluate(AXE);
    const run = `axe.run(document, { runOnly: ${JSON.stringify(TAGS)}, resultTypes: ['violations'] })`;
    const { violations } = (await page.evaluate(run)) as AxeResults;
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target }) => `${id}: ${help} (${target.join(' ')})`),
    );
  }
}
