package main

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"syscall"
)

func listen(address string) net.Listener {
	listener, err := net.Listen("tcp4", address)
	check(err)
	return listener
}

// listenOnLoopback listens at every address of 127.0.0.0/8 and at no other, with one socket.
func listenOnLoopback() net.Listener {
	config := net.ListenConfig{Control: func(_, _ string, connection syscall.RawConn) error {
		var failure error
		err := connection.Control(func(descriptor uintptr) {
			failure = syscall.SetsockoptString(int(descriptor), syscall.SOL_SOCKET, syscall.SO_BINDTODEVICE, "lo")
		})
		if err != nil {
			return err
		}
		return failure
	}}
	listener, err := config.Listen(context.Background(), "tcp4", "0.0.0.0:0")
	check(err)
	return listener
}

// serve answers in the background. Clients that go away in the middle of something are not worth a line.
func serve(listener net.Listener, handler http.Handler, config *tls.Config) {
	server := &http.Server{Handler: handler, TLSConfig: config, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { check(server.ServeTLS(listener, "", "")) }()
}
