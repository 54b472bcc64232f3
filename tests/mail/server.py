"""An SMTP server that takes letters, and treats some recipients badly.

The first line of its output is its port; each further one is a letter as JSON.
What is before the @ says how the recipient is treated: `later` is refused for now
twice, `never` for good, `drop` loses the connection once, `hang` gets no answer once.
It ends with its standard input.
"""

import argparse
import asyncio
import email
import email.policy
import json
import os
import ssl
import sys
from collections import Counter

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self):
        self.seen = Counter()

    async def handle_RCPT(self, server, session, envelope, address, options):
        how = address.split("@")[0].split("-")[0]
        self.seen[address] += 1
        if how == "never":
            return "550 5.1.1 nobody has this address"
        if how == "later" and self.seen[address] <= 2:
            return "451 4.7.1 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        address = envelope.rcpt_tos[0]
        how = address.split("@")[0].split("-")[0]
        if how == "drop" and self.seen[address] == 1:
            server.transport.abort()
            return "421 gone"
        if how == "hang" and self.seen[address] == 1:
            say({"event": "hanging", "to": address})
            await asyncio.sleep(3600)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        say({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "isSecure": server.transport.get_extra_info("sslcontext") is not None,
            "isAuthenticated": session.authenticated,
            "hello": session.host_name,
            "headers": {name: str(value) for name, value in message.items()},
            "type": message.get_content_type(),
            "parts": [part.get_content_type() for part in message.iter_parts()],
            "text": message.get_body(("plain",)).get_content(),
            "html": message.get_body(("html",)).get_content(),
        })
        return "250 taken"


def say(what):
    print(json.dumps(what), flush=True)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--security", choices=["none", "starttls", "tls"], default="none")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--password")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    context = None
    if options.security != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)

    def authenticate(server, session, envelope, mechanism, data):
        return AuthResult(success=data.password == (options.password or "").encode())

    handler = Handler()

    def protocol():
        return SMTP(
            handler,
            hostname="localhost",
            require_starttls=options.security == "starttls",
            tls_context=context if options.security == "starttls" else None,
            authenticator=authenticate,
            auth_required=options.password is not None,
            auth_require_tls=options.security == "starttls",
            auth_exclude_mechanism=["LOGIN"],
        )

    loop = asyncio.get_running_loop()
    is_implicit = options.security == "tls"
    server = await loop.create_server(
        protocol, "127.0.0.1", options.port, ssl=context if is_implicit else None
    )
    say(server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, sys.stdin.read)
    # Whoever hangs would keep us waiting.
    os._exit(0)


asyncio.run(main())
