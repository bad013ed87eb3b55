package main

import (
	"fmt"
	"net"
	"net/http"
	"sync"
)

// marker is from where a meter calls at its own listener: whoever called before has been counted when it is answered.
const marker = "127.9.9.9"

// meter counts what has happened since it was read last.
type meter struct {
	listener net.Listener
	marked   chan struct{}

	mutex  sync.Mutex
	counts counts
	open   sync.WaitGroup // connections
}

type counts struct {
	Connections int            `json:"connections"`
	Requests    int            `json:"requests"`
	Received    int            `json:"received"` // bytes, as they went over the wire
	Sent        int            `json:"sent"`     // bytes, as they went over the wire
	Paths       map[string]int `json:"paths"`    // requests by path and query
}

func (m *meter) add(connections, received, sent int) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.counts.Connections += connections
	m.counts.Received += received
	m.counts.Sent += sent
}

// take is for when the client has ended. It waits until all that the client had sent has been seen, which may be more
// than the client has waited for.
func (m *meter) take() counts {
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(marker)}}
	connection, err := from.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", m.port()))
	check(err)
	<-m.marked
	check(connection.Close())
	m.open.Wait()
	m.mutex.Lock()
	defer m.mutex.Unlock()
	taken := m.counts
	m.counts = counts{}
	return taken
}

func (m *meter) port() int { return m.listener.Addr().(*net.TCPAddr).Port }

// requestsOf counts the requests that a handler gets.
func (m *meter) requestsOf(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mutex.Lock()
		m.counts.Requests++
		if m.counts.Paths == nil {
			m.counts.Paths = map[string]int{}
		}
		m.counts.Paths[r.Method+" "+r.URL.RequestURI()]++
		m.mutex.Unlock()
		handler.ServeHTTP(w, r)
	})
}

// newMeter counts connections and bytes.
func newMeter(listener net.Listener) *meter {
	return &meter{listener: listener, marked: make(chan struct{})}
}

// Accept makes a listener of the meter.
func (m *meter) Accept() (net.Conn, error) {
	for {
		connection, err := m.listener.Accept()
		if err != nil {
			return nil, err
		}
		if connection.RemoteAddr().(*net.TCPAddr).IP.String() == marker {
			check(connection.Close())
			m.marked <- struct{}{}
			continue
		}
		m.open.Add(1)
		m.add(1, 0, 0)
		return &meteredConn{Conn: connection, meter: m}, nil
	}
}

func (m *meter) Addr() net.Addr { return m.listener.Addr() }

func (m *meter) Close() error { return m.listener.Close() }

type meteredConn struct {
	net.Conn
	meter *meter
	close sync.Once
}

func (c *meteredConn) Read(to []byte) (int, error) {
	n, err := c.Conn.Read(to)
	c.meter.add(0, n, 0)
	return n, err
}

func (c *meteredConn) Write(from []byte) (int, error) {
	n, err := c.Conn.Write(from)
	c.meter.add(0, 0, n)
	return n, err
}

func (c *meteredConn) Close() error {
	c.close.Do(c.meter.open.Done)
	return c.Conn.Close()
}
