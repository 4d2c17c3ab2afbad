/* pages.js CHECK URL - one check of the pages, in headless Chromium; exit status 0, or 1 with what was wrong on stderr.
 * Whatever the check, a page may not say an error on the console, which is where a breach of the policy would show. */
'use strict';
const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const { LIMIT_MS, withBrowser } = require('./chromium');

const ENDS = {
    valid: 'completed',
    declined: 'cancelled: payment declined',
    soldout: 'cancelled: out of stock, SKU-SOLDOUT',
    refused: 'cancelled: fulfillment refused'
};

async function fitsWidth(page) {
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= room, `the page is ${wide} wide in a window of ${room}`);
}

/* Each sample order is placed and seen at its end, at both widths. */
async function live(browser, url) {
    for (const width of [380, 1600]) {
        const page = await open(browser, url + '/', width);
        for (const [sample, end] of Object.entries(ENDS)) {
            const before = await page.textContent('#said');
            await page.click(`button[data-sample=${sample}]`);
            await page.waitForFunction(old => document.getElementById('said').textContent !== old, before);
            const said = await page.textContent('#said');
            const id = /…([0-9a-f]{12}) is accepted/.exec(said);
            assert.ok(id, said);
            const row = page.locator(`.order[data-order$="${id[1]}"]`);
            await row.locator('.state').getByText(end, { exact: true }).waitFor();
            await row.locator('.times').getByText(end.split(':')[0]).waitFor();
        }
        await page.waitForFunction(() => document.querySelector('#rate polyline').getAttribute('points'));
        await fitsWidth(page);
        await close(page);
    }
}

/* An API that is away is told, and its return is seen. */
async function away(browser, url) {
    const page = await open(browser, url + '/', 1600);
    await page.route('**/api/v1/orders?*', route => route.fulfill({ status: 503, contentType: 'application/problem+json',
        body: '{"title":"Temporarily unavailable"}' }));
    page.expected = /503/;
    await page.locator('#failed').waitFor();
    await page.unroute('**/api/v1/orders?*');
    await page.locator('#failed').waitFor({ state: 'hidden' });
    await close(page);
}

async function execute(page, operation, fill) {
    const block = page.locator(`#operations-${operation}`);
    await block.locator('.opblock-summary-control').click();
    await block.locator('.try-out__btn').click();
    await fill(block);
    await block.locator('.execute').click();
    const answer = block.locator('.live-responses-table .response').first();
    await answer.waitFor();
    return { status: (await answer.locator('.response-col_status').innerText()).trim(), text: await answer.innerText() };
}

/* Swagger UI creates an order and reads it back. */
async function tryout(browser, url) {
    const page = await open(browser, url + '/docs', 1600);
    const made = await execute(page, 'orders-placeOrder', block =>
        block.locator('tr[data-param-name="Idempotency-Key"] input').fill(randomUUID()));
    assert.match(made.status, /^201/);
    const id = /"orderId":\s*"([0-9a-f-]{36})"/.exec(made.text)[1];
    const read = await execute(page, 'orders-getOrder', block =>
        block.locator('tr[data-param-name="orderId"] input').fill(id));
    assert.match(read.status, /^200/);
    assert.ok(read.text.includes(id));
    await close(page);
}

/* Every event has its section, and the links above lead there. */
async function events(browser, url) {
    for (const width of [380, 1600]) {
        const page = await open(browser, url + '/docs/events', width);
        const names = await page.locator('.toc a').allInnerTexts();
        assert.ok(names.length >= 14, `only ${names.length} events`);
        for (const name of names) {
            await page.locator('.toc').getByText(name, { exact: true }).click();
            assert.equal(new URL(page.url()).hash, '#' + name);
            assert.ok(await page.locator(`[id="${name}"] h3`).isVisible(), name);
        }
        await fitsWidth(page);
        await close(page);
    }
}

async function open(browser, address, width) {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    page.setDefaultTimeout(LIMIT_MS);
    page.wrong = [];
    page.on('pageerror', error => page.wrong.push(error.message));
    page.on('console', message => message.type() === 'error' && page.wrong.push(message.text()));
    await page.goto(address);
    return page;
}
async function close(page) {
    assert.deepEqual(page.wrong.filter(text => !(page.expected && page.expected.test(text))), []);
    await page.close();
}

async function main(name, url) {
    const check = { live, away, tryout, events }[name];
    assert.ok(check && url, 'usage: pages.js live|away|tryout|events URL');
    await withBrowser(browser => check(browser, url));
}
main(...process.argv.slice(2)).catch(error => {
    console.error(error.stack);
    process.exitCode = 1;
});
