package main

import (
	"net"
	"sync"
	"time"
)

// link is the way between the clients and a server. What the server writes arrives a round-trip time later, and no faster
// than the bandwidth allows; connecting takes a round-trip time too. So a client waits as long as over a real way, with
// one exception: TCP's slow start is not there.
type link struct {
	roundTrip      time.Duration
	bytesPerSecond float64 // 0: no limit

	mutex sync.Mutex
	free  time.Time // when all that has been written will be on its way
}

const onTheWay = 256 // writes, of a TLS record each, that a connection takes before it makes the server wait

func newLink(roundTrip time.Duration, bytesPerSecond float64) *link {
	return &link{roundTrip: roundTrip, bytesPerSecond: bytesPerSecond}
}

// over puts the link before a listener.
func (l *link) over(listener net.Listener) net.Listener {
	if l.roundTrip == 0 && l.bytesPerSecond == 0 {
		return listener
	}
	return farListener{listener, l}
}

// arrival is when so many bytes, written now, will have arrived.
func (l *link) arrival(size int) time.Time {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if now := time.Now(); l.free.Before(now) {
		l.free = now
	}
	if l.bytesPerSecond > 0 {
		l.free = l.free.Add(time.Duration(float64(size) / l.bytesPerSecond * float64(time.Second)))
	}
	return l.free.Add(l.roundTrip)
}

type farListener struct {
	net.Listener
	link *link
}

func (l farListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	far := &farConn{Conn: connection, link: l.link, connected: time.Now().Add(l.link.roundTrip), queue: make(chan packet, onTheWay)}
	go far.deliver()
	return far, nil
}

// farConn is a connection over the link.
type farConn struct {
	net.Conn
	link      *link
	connected time.Time // from when on the client could have sent anything
	queue     chan packet

	mutex  sync.Mutex
	closed bool
}

type packet struct {
	bytes   []byte
	arrival time.Time
}

func (c *farConn) Read(to []byte) (int, error) {
	time.Sleep(time.Until(c.connected))
	return c.Conn.Read(to)
}

func (c *farConn) Write(from []byte) (int, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	c.queue <- packet{append([]byte(nil), from...), c.link.arrival(len(from))}
	return len(from), nil
}

// Close lets arrive what has been written.
func (c *farConn) Close() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if !c.closed {
		c.closed = true
		close(c.queue)
	}
	return nil
}

func (c *farConn) deliver() {
	for packet := range c.queue {
		time.Sleep(time.Until(packet.arrival))
		_, _ = c.Conn.Write(packet.bytes) // a client that has gone is no concern of ours
	}
	_ = c.Conn.Close()
}
