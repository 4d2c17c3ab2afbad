/* screenshots.js URL FOLDER - the pages of a running stack as PNG files in FOLDER; exit status 0, or 1 with one
 * line on stderr. The live page is shown at work: its own buttons are pressed until orders of several stages are seen. */
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { LIMIT_MS, withBrowser } = require('./chromium');

const PRESS_MS = 40; // between two orders
const POINTS = 60; // of a plot that is full
const PERIOD_MS = 100; // from a list to a look at it

/* Files are WIDTH * SCALE wide. */
async function open(browser, address, width, height, scale) {
    const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: scale, ignoreHTTPSErrors: true,
        colorScheme: 'light', locale: 'en' });
    page.setDefaultTimeout(LIMIT_MS);
    const answer = await page.goto(address);
    if (!answer.ok())
        throw new Error(`${address} answers ${answer.status()}`);
    return page;
}

/* Scrolls until WHAT is at the top of the window. */
function show(what) {
    return what.evaluate(element => scrollTo(0, element.getBoundingClientRect().top + scrollY - 24));
}

async function keep(page, folder, name) {
    const file = path.join(folder, name + '.png');
    await page.screenshot({ path: file });
    const { width, height } = page.viewportSize();
    console.log(`${file}  ${Math.ceil(fs.statSync(file).size / 1024)} kB, of ${width} × ${height}`);
    await page.close();
}

/* Every sixth order is one that fails, each kind in its turn. */
function press(page) {
    return page.evaluate(period => {
        let count = 0;
        window.pressing = setInterval(() => {
            const failing = ['declined', 'soldout', 'refused'][count / 6 % 3 | 0];
            const button = document.querySelector(`button[data-sample=${count % 6 === 5 ? failing : 'valid'}]`);
            if (button.disabled) return; // the order before is not answered yet
            button.click();
            count++;
        }, period);
    }, PRESS_MS);
}
async function release(page) {
    await page.evaluate(() => clearInterval(window.pressing));
    await page.waitForFunction(() => !document.querySelector('button:disabled'));
    await page.evaluate(() => document.activeElement.blur());
}

/* Whether the first orders are in several stages, ends included; those that have ended with their times. */
function showsTheWay(page) {
    return page.evaluate(() => {
        const seen = [...document.querySelectorAll('.order')].slice(0, 6);
        const states = new Set(seen.map(order => order.dataset.status));
        const done = ['COMPLETED', 'CANCELLED'];
        return seen.length === 6 && states.size >= 3 && states.has('COMPLETED') &&
            seen.every(order => !done.includes(order.dataset.status) || order.querySelector('.times').textContent);
    });
}

/* Lets the page ask for the list only when it is told to, so that in between it stays as it is. It asks once at a time. */
async function gate(page) {
    const asked = [];
    let tell = () => {};
    await page.route('**/api/v1/orders?*', route => {
        asked.push(route);
        tell();
    });
    return async () => {
        if (asked.length === 0) await new Promise(resolve => { tell = resolve; });
        const answered = page.waitForResponse('**/api/v1/orders?*');
        await asked.pop().continue();
        await answered;
    };
}

async function live(browser, url, folder, name, heading, width, height, scale) {
    const page = await open(browser, url + '/', width, height, scale);
    await press(page);
    await page.waitForFunction(points =>
        (document.querySelector('#rate polyline').getAttribute('points') || '').split(' ').length >= points, POINTS);
    const askOnce = await gate(page);
    for (const until = Date.now() + LIMIT_MS; ;) {
        await askOnce();
        await page.waitForTimeout(PERIOD_MS); // for the times of those that have ended
        if (await showsTheWay(page)) break;
        if (Date.now() > until) throw new Error('orders do not go their way: is every worker up?');
    }
    await release(page);
    await show(page.getByRole('heading', { name: heading, exact: true }));
    await keep(page, folder, name);
}

async function documents(browser, url, folder) {
    const api = await open(browser, url + '/docs', 1200, 690, 1);
    await api.locator('#operations-orders-placeOrder').waitFor();
    await show(api.locator('.opblock-tag-section').first());
    await keep(api, folder, 'docs');
    const events = await open(browser, url + '/docs/events', 1200, 900, 1);
    await events.locator('.toc a').first().waitFor();
    await keep(events, folder, 'events');
}

async function main(url, folder) {
    if (!url || !folder)
        throw new Error('usage: screenshots.js URL FOLDER');
    fs.mkdirSync(folder, { recursive: true });
    await withBrowser(async browser => {
        await live(browser, url, folder, 'live', 'See it work', 1600, 1000, 0.75);
        await live(browser, url, folder, 'live-narrow', 'Newest orders', 380, 820, 2);
        await documents(browser, url, folder);
    });
}
main(...process.argv.slice(2)).catch(error => {
    console.error('screenshots: ' + error.message.split('\n')[0]);
    process.exitCode = 1;
});
