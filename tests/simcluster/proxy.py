"""The API server's way to a kubelet: ``/api/v1/nodes/NAME[:PORT]/proxy/...``, with a client certificate of its own."""

from __future__ import annotations

import contextlib
import functools
import http.client
import os
import socket
import ssl
import time
import urllib.parse
from collections.abc import Iterator

from tests.simcluster.messages import Request, Response, failure
from tests.simcluster.rbac import MASTERS
from tests.simcluster.world import World

_PIECE = 65536
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "date", "keep-alive", "content-type"}


class NodeProxy:
    """Forwards to kubelets, one fresh connection for each request."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._connecting: set[socket.socket] = set()
        self._closed = False

    @functools.cached_property
    def _context(self) -> ssl.SSLContext:
        pair = self._world.pki.cluster.client("kube-apiserver-kubelet-client", [MASTERS])
        return self._world.pki.client_context(pair)

    def forward(self, request: Request, name: str, path: str) -> Response:
        """The kubelet's answer, or the API server's word on why there is none."""
        host, port = _split(name)
        node = self._world.nodes.get(host)
        if node is None:
            return failure(404, "NotFound", f'nodes "{name}" not found', {"name": name, "kind": "nodes"})
        address = node.listen  # the API server always has a route, whatever the node's addresses say
        port = port or node.port or self._world.kubelet_port
        try:
            connection = self._connect(address, port)
            answer = _ask(connection, request, path)
        except (OSError, http.client.HTTPException) as error:
            return failure(
                503, "ServiceUnavailable", f"error trying to reach service: {_go_error(error, address, port)}"
            )
        kept = {header: value for header, value in answer.getheaders() if header.lower() not in _HOP_BY_HOP}
        return Response(
            answer.status, _pieces(answer), answer.getheader("Content-Type", ""), kept, close=connection.close
        )

    def _connect(self, address: str, port: int) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(address, port)
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self._connecting.add(sock)
        try:
            if self._closed:
                raise ConnectionAbortedError("the API server is shutting down")
            sock.connect((address, port))
        except BaseException:
            sock.close()
            raise
        finally:
            self._connecting.discard(sock)
        connection.sock = self._context.wrap_socket(sock)
        return connection

    def close(self) -> None:
        """Cut what is being connected; what is connected ends with the kubelets."""
        self._closed = True
        while connecting := list(self._connecting):
            for sock in connecting:
                with contextlib.suppress(OSError):  # not yet begun, or just over
                    sock.shutdown(socket.SHUT_RDWR)
            time.sleep(0)


def _split(name: str) -> tuple[str, int]:
    """``NAME``, ``NAME:PORT``, ``https:NAME:PORT``; port 0 if there is none."""
    host, _, port = name.removeprefix("https:").partition(":")
    return host, int(port) if port.isdigit() else 0


def _ask(connection: http.client.HTTPConnection, request: Request, path: str) -> http.client.HTTPResponse:
    query = request.target.partition("?")[2]
    target = urllib.parse.quote(path) + ("?" + query if query else "")
    try:
        connection.putrequest(request.method, target, skip_accept_encoding=True)
        for header in ("user-agent", "accept", "accept-encoding"):
            if header in request.headers:
                connection.putheader(header, request.headers[header])
        connection.endheaders()
        return connection.getresponse()
    except BaseException:
        connection.close()
        raise


def _pieces(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body as it comes; an end before its time becomes one for our client too."""
    try:
        while piece := answer.read1(_PIECE):
            yield piece
    except http.client.HTTPException as error:
        raise ConnectionAbortedError("the kubelet's answer broke off") from error
    if answer.length:
        raise ConnectionAbortedError("the kubelet closed in the middle of its answer")


def _go_error(error: Exception, address: str, port: int) -> str:
    """The same failure in Go's words."""
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    if isinstance(error, ConnectionRefusedError):
        return f"dial tcp {where}: connect: connection refused"
    if isinstance(error, TimeoutError):
        return f"dial tcp {where}: i/o timeout"
    if isinstance(error, http.client.RemoteDisconnected):  # a ConnectionResetError too
        return "EOF"
    if isinstance(error, ConnectionResetError):
        return "read: connection reset by peer"
    if isinstance(error, OSError) and error.errno:
        return f"dial tcp {where}: {os.strerror(error.errno).lower()}"
    return "net/http: HTTP/1.x transport connection broken: malformed HTTP response"
