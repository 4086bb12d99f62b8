"""An SMTP server for tests: takes every message and keeps it, unless it is told to refuse."""

import base64
import email
import email.message
import socket
import threading
from typing import Optional

from matrix_client import wait_for


class SmtpServer:
    """Listens on a port of its own until `stop`. With a `password`, senders must log in."""

    def __init__(self, user: str = "", password: str = ""):
        self.credentials = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.wants_login = bool(user)
        self.messages: list = []
        self.refusing = False
        self.refused = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self.listener.close()

    def wait_for_mail(self, to: str, number: int = 1) -> email.message.Message:
        """The n-th message to an address."""
        found = wait_for(
            f"mail {number} to {to}",
            lambda: [each for each in list(self.messages) if each["To"] == to][number - 1 : number],
        )
        return found[0]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:

            def say(text: str) -> None:
                stream.write(text.encode() + b"\r\n")
                stream.flush()

            say("220 test ready")
            sender: Optional[str] = None
            logged_in = not self.wants_login
            for raw in stream:
                line = raw.decode().rstrip("\r\n")
                verb = line.partition(" ")[0].upper()
                if verb == "EHLO":
                    say("250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN")
                elif verb == "AUTH":
                    logged_in = line == f"AUTH PLAIN {self.credentials}"
                    say("235 welcome" if logged_in else "535 wrong")
                elif not logged_in:
                    say("530 log in first")
                elif verb == "MAIL" and self.refusing:
                    self.refused += 1
                    say("451 come back later")
                elif verb == "MAIL":
                    sender = line
                    say("250 ok")
                elif verb == "RCPT":
                    say("250 ok" if sender else "503 who are you")
                elif verb == "DATA":
                    say("354 go on")
                    self.messages.append(self._message(stream))
                    say("250 taken")
                elif verb == "QUIT":
                    say("221 bye")
                    return
                else:
                    say("502 unknown")

    @staticmethod
    def _message(stream) -> email.message.Message:
        lines = []
        for raw in stream:
            if raw == b".\r\n":
                break
            lines.append(raw[1:] if raw.startswith(b"..") else raw)
        return email.message_from_bytes(b"".join(lines))


def text_of(message: email.message.Message) -> str:
    return message.get_payload(decode=True).decode()
