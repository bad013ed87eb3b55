"""A plain client, so that the simulator is judged by the standard library and not by the code it is there to test."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import tempfile
import urllib.parse
from typing import Any

from tests.simcluster import KeyPair, SimCluster


class Answer:
    """A response with its body read."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def read(connection: http.client.HTTPSConnection) -> Answer:
    """The answer; a response that ends with its connection owns the socket, also when its body breaks off."""
    with contextlib.closing(connection.getresponse()) as response:
        return Answer(response)


class Client:
    """Asks one URL's server; each call is a connection of its own."""

    def __init__(self, cluster: SimCluster) -> None:
        self.cluster = cluster

    def context(self, pair: KeyPair | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.cluster.ca_pem.decode())
        if pair is not None:
            with tempfile.NamedTemporaryFile() as file:
                file.write(pair.certificate + pair.key)
                file.flush()
                context.load_cert_chain(file.name)
        return context

    def connect(self, url: str, pair: KeyPair | None = None, timeout: float = 10) -> http.client.HTTPSConnection:
        parts = urllib.parse.urlsplit(url)
        return http.client.HTTPSConnection(str(parts.hostname), parts.port, context=self.context(pair), timeout=timeout)

    def get(
        self, url: str, user: str | None = "admin", pair: KeyPair | None = None, timeout: float = 10, **headers: str
    ) -> Answer:
        """GET as a user (by token), or with a certificate, or as nobody (``user=None``)."""
        parts = urllib.parse.urlsplit(url)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if user is not None and pair is None:
            sent.setdefault("Authorization", f"Bearer {self.cluster.token(user)}")
        connection = self.connect(url, pair, timeout)
        try:
            connection.request("GET", parts.path + ("?" + parts.query if parts.query else ""), headers=sent)
            return read(connection)
        finally:
            connection.close()

    def api(self, path: str, user: str | None = "admin", **more: Any) -> Answer:
        return self.get(self.cluster.url + path, user, **more)

    def kubelet(self, path: str, user: str | None = "admin", node: str = "node-1", **more: Any) -> Answer:
        return self.get(self.cluster.kubelet_url(node) + path, user, **more)
