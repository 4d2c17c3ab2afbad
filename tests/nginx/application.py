"""A FastCGI application that answers what a test wants and remembers what it was asked."""
import pathlib
import socket
import struct
import threading

BEGIN_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
OK = b"Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Call:
    """One request as nginx handed it over: params in order, a name as often as it came."""

    def __init__(self):
        self.params, self.body = [], b""

    def param(self, name):
        return [value for key, value in self.params if key == name]


class Application:
    """Listens on a unix socket; ANSWER(call) gives the bytes of an answer, or None to hang up without one."""

    def __init__(self, path, answer=lambda call: OK):
        self.calls, self.answer = [], answer
        self._path = pathlib.Path(path)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._path.chmod(0o666)
        self._listener.listen(1024)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._path.unlink()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            call = read_call(stream)
            if call is None:
                return
            self.calls.append(call)
            answer = self.answer(call)
            if answer is not None:
                for at in range(0, len(answer), 60000):
                    part = answer[at:at + 60000]
                    connection.sendall(struct.pack("!BBHHBx", 1, STDOUT, 1, len(part), 0) + part)
                connection.sendall(struct.pack("!BBHHBx", 1, END_REQUEST, 1, 8, 0) + bytes(8))


def read_call(stream):
    """The next request of STREAM to its end, or None where it ends before."""
    call, params = Call(), b""
    while True:
        head = stream.read(8)
        if len(head) < 8:
            return None
        _, kind, _, length, padding = struct.unpack("!BBHHBx", head)
        content = stream.read(length + padding)[:length]
        if kind == PARAMS:
            params += content
        elif kind == STDIN and content:
            call.body += content
        elif kind == STDIN:
            call.params = list(read_params(params))
            return call


def read_params(data):
    at = 0

    def length():
        nonlocal at
        if data[at] < 128:
            at += 1
            return data[at - 1]
        at += 4
        return struct.unpack_from("!I", data, at - 4)[0] & 0x7FFFFFFF

    while at < len(data):
        name, value = length(), length()
        yield data[at:at + name].decode(), data[at + name:at + name + value].decode("latin-1")
        at += name + value
