"""Servers of the tests' own that notifications go to: one for mails, one for webhooks. Both can be made to misbehave."""
import asyncio
import collections
import http.server
import threading

from aiosmtpd.smtp import SMTP


class MailServer:
    """Keeps what it accepted, by recipient. plan[recipient] is what the next mails to it meet, one entry a mail: a
    reply such as "451 later", "cut" (taken, then the connection is closed without a word) or "hang" (taken, never
    answered)."""

    def __init__(self):
        self.kept = collections.defaultdict(list)
        self.refused = collections.Counter()
        self.plan = collections.defaultdict(collections.deque)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        start = self._loop.create_server(lambda: SMTP(self, hostname="mail.test", loop=self._loop), "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result(30)
        self.url = f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def handle_RCPT(self, server, session, envelope, address, options):
        plan = self.plan[address]
        if plan and plan[0].startswith("rcpt "):
            self.refused[address] += 1
            return plan.popleft().removeprefix("rcpt ")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        address = envelope.rcpt_tos[0]
        reply = self.plan[address].popleft() if self.plan[address] else "250 kept"
        if reply[0] in "45":
            self.refused[address] += 1
            return reply
        self.kept[address].append(envelope)
        if reply == "cut":
            server.transport.abort()
        elif reply == "hang":
            await asyncio.sleep(3600)
        return reply

    def stop(self):
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)


class WebhookServer:
    """Keeps every request, by path, as (headers, body). plan[path]: the statuses of the next answers; else 200."""

    def __init__(self, port=0):
        self.got = collections.defaultdict(list)
        self.plan = collections.defaultdict(collections.deque)
        self._port = port
        self.start()

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got[self.path].append((dict(self.headers.items()), body))
                plan = receiver.plan[self.path]
                self.send_response(plan.popleft() if plan else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self._port}{path}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
