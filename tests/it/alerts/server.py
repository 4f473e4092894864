"""A mail server for the trials: takes mails under the conditions of its command line, and writes
each as a line of JSON.

Usage: server.py PORT none|starttls|tls CERTIFICATE KEY USER PASSWORD MAILS REFUSE
An empty USER lets everybody in. While a file REFUSE is there, mails are answered with what is in it.
"""

import asyncio
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

port, mode, certificate, key, user, password, mails, refuse = sys.argv[1:]


class Taker:
    async def handle_DATA(self, server, session, envelope):
        if os.path.exists(refuse):
            with open(refuse) as file:
                return file.read().strip()
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "text": envelope.content.decode("utf-8"),
            "login": session.auth_data,
            "encrypted": session.ssl is not None or mode == "tls",
        }
        with open(mails, "a") as file:
            file.write(json.dumps(mail) + "\n")
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (
        user.encode(),
        password.encode(),
    )
    if not good:
        return AuthResult(success=False, handled=False)
    return AuthResult(success=True, auth_data=user)


async def main():
    context = None
    if mode != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

    def talk():
        return SMTP(
            Taker(),
            hostname="mail.test",
            tls_context=context if mode == "starttls" else None,
            require_starttls=mode == "starttls",
            auth_required=bool(user),
            auth_require_tls=mode == "starttls",
            authenticator=authenticate if user else None,
        )

    loop = asyncio.get_running_loop()
    outer = context if mode == "tls" else None
    server = await loop.create_server(talk, "127.0.0.1", int(port), ssl=outer)
    print("listening on", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
