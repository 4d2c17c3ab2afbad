/* chromium.js - Debian's Chromium without a window, for whoever looks at the pages. */
'use strict';
const { chromium } = require('playwright-core');

const LIMIT_MS = 120000; // of whatever is waited for

/* Runs USE with a browser, and ends it whatever comes of that. */
async function withBrowser(use) {
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', timeout: LIMIT_MS,
        // root has no sandbox, and a container's /dev/shm is small
        args: ['--disable-dev-shm-usage', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])] });
    try {
        await use(browser);
    } finally {
        await browser.close();
    }
}

module.exports = { LIMIT_MS, withBrowser };
