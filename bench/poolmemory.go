package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const poolMemoryHeading = `| case | clients | baton | nutcracker | ratio |
|---|---|---|---|---|
`

// A poolMemory is what a program's anonymous memory was, in bytes.
type poolMemory struct {
	before int64 // without a client
	idle   int64 // each has asked once
	most   int64 // after 16 requests at once by each
	later  int64 // and ten seconds later
	gone   int64 // when the clients have gone
}

// runPoolMemory looks at the memory of both programs as clients come, ask for
// much, and go.
func runPoolMemory(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	const clients = 1000
	r, err := b.startRedis(ctx, 1)
	defer r.stop()
	if err != nil {
		return poolMemoryHeading, "", err
	}
	both, err := b.startPools(ctx, c.name, r)
	defer stopBoth(both)
	if err != nil {
		return poolMemoryHeading, "", err
	}
	var m [2]poolMemory
	for i, s := range both {
		if m[i], err = s.poolMemory(ctx, clients); err != nil {
			return poolMemoryHeading, "", fmt.Errorf("%s: %w", s.name, err)
		}
	}
	line := func(what, unit string, figure func(poolMemory) float64) {
		baton, other := figure(m[0]), figure(m[1])
		row += fmt.Sprintf("| %s: %s | %d | %.1f %s | %.1f %s | **%.2f** |\n", c.name, what, clients, baton, unit, other, unit, baton/other)
	}
	const mega = 1 << 20
	line("without a client", "MB", func(m poolMemory) float64 { return float64(m.before) / mega })
	line("for each idle client", "kB", func(m poolMemory) float64 { return float64(m.idle-m.before) / clients / 1024 })
	line("after 16 requests of each at once", "MB", func(m poolMemory) float64 { return float64(m.most) / mega })
	line("ten seconds later", "MB", func(m poolMemory) float64 { return float64(m.later) / mega })
	line("without clients again", "MB", func(m poolMemory) float64 { return float64(m.gone) / mega })
	return poolMemoryHeading, row, nil
}

func (s *server) poolMemory(ctx context.Context, clients int) (m poolMemory, err error) {
	var open idleClients
	defer open.close()
	look := func(at *int64) {
		if err == nil {
			*at, err = settled(ctx, s.worker)
		}
	}
	talk := func(in, out string) {
		for _, c := range open.conns {
			if err == nil {
				_, err = io.WriteString(c, in)
			}
		}
		got := make([]byte, len(out))
		for i, c := range open.conns {
			if err != nil {
				return
			}
			if _, err = io.ReadFull(c, got); err == nil && string(got) != out {
				err = fmt.Errorf("client %d got %.100q", i, got)
			}
		}
	}
	dial := func(n int) {
		for range n {
			var c net.Conn
			if err == nil {
				c, err = net.Dial("tcp", s.addr)
			}
			if err == nil {
				open.conns = append(open.conns, c)
				err = c.SetDeadline(time.Now().Add(3 * patience))
			}
		}
	}
	const value = 1000
	text := strings.Repeat("x", value)
	set := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n", value, text)
	const get = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
	reply := fmt.Sprintf("$%d\r\n%s\r\n", value, text)
	dial(1)
	talk(set, "+OK\r\n")
	look(&m.before)
	dial(clients)
	talk(get, reply)
	look(&m.idle)
	talk(strings.Repeat(get, 16), strings.Repeat(reply, 16))
	if err == nil {
		m.most, err = resident(s.worker)
	}
	for range 10 {
		look(&m.later)
	}
	open.close()
	open.conns = nil
	for range 10 {
		look(&m.gone)
	}
	return m, err
}
