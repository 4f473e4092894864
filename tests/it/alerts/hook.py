"""A web server for the trials under TLS: takes one POST after the other, and writes each body as a
line.

Usage: hook.py PORT CERTIFICATE KEY BODIES
"""

import ssl
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

port, certificate, key, bodies = sys.argv[1:]


class Taker(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(bodies, "ab") as file:
            file.write(body + b"\n")
        self.send_response(200)
        self.end_headers()


server = HTTPServer(("127.0.0.1", int(port)), Taker)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print("listening on", server.server_address[1], flush=True)
server.serve_forever()
