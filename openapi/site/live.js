/* The start page: places sample orders and shows the newest orders as they move. No library, no build; one list request a
 * poll, whatever the number of orders, and nothing while the page is hidden. */
'use strict';
(function () {
    const API = '/api/v1/orders';
    const STAGES = ['PENDING', 'PAYMENT', 'INVENTORY', 'FULFILLMENT', 'COMPLETED'];
    const SHOWN = 12; // orders on the page
    const LISTED = 100; // orders a poll looks at, for the plots: the most that a list gives
    const POINTS = 60; // of a plot
    const BUSY_MS = 300, QUIET_MS = 1500, FAILED_MS = 3000; // between two polls
    const SAMPLES = {
        valid: {},
        declined: { items: [{ sku: 'SKU-1', quantity: 1, unitPrice: 1000000.01 }] },
        soldout: { items: [{ sku: 'SKU-SOLDOUT', quantity: 1, unitPrice: 10 }] },
        refused: { shippingAddress: { country: 'Antarctica', city: 'Vostok', addressLine1: '1' } }
    };

    const list = document.getElementById('orders'), said = document.getElementById('said');
    const rows = new Map(); // order id to its row
    let newest = '', timer = 0;

    function sampleOrder(changes) {
        return Object.assign({
            customerId: uuid(),
            items: [{ sku: 'SKU-1', quantity: 33, unitPrice: 19.99 }, { sku: 'SKU-2', quantity: 14.5, unitPrice: 25 }],
            currency: 'USD',
            shippingAddress: { country: 'USA', city: 'Austin', addressLine1: 'Lincoln, 65' }
        }, changes);
    }

    // crypto.randomUUID is missing where the page came by plain HTTP from another machine
    function uuid() {
        const bytes = crypto.getRandomValues(new Uint8Array(16));
        bytes[6] = bytes[6] & 15 | 64;
        bytes[8] = bytes[8] & 63 | 128;
        const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
        return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    }

    async function ask(path, options) {
        const answer = await fetch(path, Object.assign({ headers: { Accept: 'application/json' } }, options));
        const body = await answer.json();
        if (!answer.ok)
            throw new Error(body.title + ' (' + answer.status + ')');
        return body;
    }

    async function place(button) {
        button.disabled = true;
        try {
            const order = await ask(API, {
                method: 'POST',
                headers: { 'Content-Type': 'application/json', 'Idempotency-Key': uuid() },
                body: JSON.stringify(sampleOrder(SAMPLES[button.dataset.sample]))
            });
            say('Order ' + shortened(order.orderId) + ' is accepted.');
            poll();
        } catch (error) {
            say('The order was not accepted: ' + error.message);
        } finally {
            button.disabled = false;
            button.focus();
        }
    }

    // ---- the list ----

    // An id begins with its time, so that ids of one moment look alike at the front: the end tells them apart.
    function shortened(id) {
        return '…' + id.slice(-12);
    }

    function make(tag, className, text) {
        const element = document.createElement(tag);
        if (className) element.className = className;
        if (text) element.textContent = text;
        return element;
    }

    // Text that stays as it is is not touched: nothing flickers, and screen readers keep their place.
    function write(element, text) {
        if (element.textContent !== text) element.textContent = text;
    }
    function say(text) {
        write(said, text);
    }

    function makeRow(order) {
        const row = { item: make('li', 'order card'), state: make('span', 'state'), times: make('p', 'times'), steps: [] };
        const head = make('p', 'what'), track = make('ol', 'track'), link = make('a', '', shortened(order.orderId));
        link.href = API + '/' + order.orderId;
        link.setAttribute('aria-label', 'Order ' + order.orderId);
        head.append(link, make('span', 'amount', order.totalAmount.toLocaleString('en', {
            style: 'currency', currency: order.currency
        })), row.state);
        for (const stage of STAGES) {
            const step = make('li', '', stage.toLowerCase());
            row.steps.push(step);
            track.append(step);
        }
        track.setAttribute('aria-hidden', 'true'); // state and times say the same in words
        row.item.dataset.order = order.orderId;
        row.item.append(head, track, row.times);
        return row;
    }

    function showRow(row, order) {
        const cancelled = order.status === 'CANCELLED';
        const why = () => [order.failureReason.replaceAll('_', ' '), order.failedSku].filter(Boolean).join(', ');
        write(row.state, cancelled ? 'cancelled: ' + why() : order.status.toLowerCase());
        row.item.dataset.status = order.status;
        if (!cancelled) markSteps(row, STAGES.slice(0, STAGES.indexOf(order.status) + 1));
        if (isDone(order) && !row.done) {
            row.done = true;
            showTimes(row, order.orderId);
        }
    }

    function markSteps(row, passed) {
        row.steps.forEach((step, i) => step.classList.toggle('passed', passed.includes(STAGES[i])));
    }

    function isDone(order) {
        return order.status === 'COMPLETED' || order.status === 'CANCELLED';
    }

    // How long each stage took, once it is known for good.
    async function showTimes(row, id) {
        try {
            const steps = (await ask(API + '/' + id + '/timeline')).data;
            const start = Date.parse(steps[0].at);
            markSteps(row, steps.map(step => step.to));
            write(row.times, steps.slice(1).map(step =>
                step.to.toLowerCase() + ' ' + (Date.parse(step.at) - start) + ' ms').join(' · '));
        } catch (error) {
            row.done = false; // asked again at the next poll
        }
    }

    function showOrders(orders) {
        const shown = orders.slice(0, SHOWN);
        shown.forEach((order, i) => {
            if (!rows.has(order.orderId)) rows.set(order.orderId, makeRow(order));
            const row = rows.get(order.orderId);
            if (list.children[i] !== row.item) list.insertBefore(row.item, list.children[i] || null);
            showRow(row, order);
        });
        while (list.children.length > shown.length) {
            rows.delete(list.lastChild.dataset.order);
            list.lastChild.remove();
        }
        document.getElementById('none').hidden = shown.length > 0;
    }

    // ---- the plots ----

    function makePlot(id, unit) {
        const figure = document.getElementById(id);
        const plot = { points: [], value: figure.querySelector('.value'), line: figure.querySelector('polyline'), unit: unit };
        plot.most = figure.querySelector('.most');
        return plot;
    }

    function addPoint(plot, value) {
        plot.points.push(value);
        if (plot.points.length > POINTS) plot.points.shift();
        const top = Math.max(1, ...plot.points);
        const step = 100 / (POINTS - 1), left = 100 - (plot.points.length - 1) * step;
        plot.line.setAttribute('points', plot.points.map((point, i) =>
            (left + i * step).toFixed(1) + ',' + (38 - point / top * 36).toFixed(1)).join(' '));
        write(plot.value, round(value) + ' ' + plot.unit);
        write(plot.most, 'highest ' + round(top) + ' ' + plot.unit);
    }

    function round(value) {
        return value >= 10 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, '');
    }

    const rate = makePlot('rate', 'orders/s'), latency = makePlot('latency', 'ms');
    let asked = 0;

    // Ids rise with time. Where more have come than a list holds, their own times tell the rate.
    function showPlots(orders) {
        const now = performance.now(), seconds = (now - asked) / 1000;
        const fresh = orders.filter(order => order.orderId > newest);
        if (newest !== '' && seconds > 0.05) {
            const spread = fresh.length < LISTED ? seconds :
                (Date.parse(fresh[0].createdAt) - Date.parse(fresh[fresh.length - 1].createdAt)) / 1000 || seconds;
            addPoint(rate, fresh.length / spread);
        }
        if (orders.length) newest = orders[0].orderId;
        asked = now;
        const took = orders.filter(order => order.status === 'COMPLETED')
            .map(order => Date.parse(order.updatedAt) - Date.parse(order.createdAt)).sort((a, b) => a - b);
        if (took.length) addPoint(latency, took[took.length >> 1]);
    }

    // ---- the loop ----

    let polling = false;
    async function poll() {
        if (polling) return;
        polling = true;
        clearTimeout(timer);
        let wait = QUIET_MS;
        try {
            const orders = (await ask(API + '?size=' + LISTED)).data;
            showOrders(orders);
            showPlots(orders);
            if (!orders.slice(0, SHOWN).every(isDone)) wait = BUSY_MS;
            document.getElementById('failed').hidden = true;
        } catch (error) {
            document.getElementById('failed').hidden = false;
            wait = FAILED_MS;
        }
        polling = false;
        if (!document.hidden) timer = setTimeout(poll, wait);
    }

    for (const button of document.querySelectorAll('button[data-sample]'))
        button.addEventListener('click', () => place(button));
    document.addEventListener('visibilitychange', () => document.hidden ? clearTimeout(timer) : poll());
    poll();
})();
