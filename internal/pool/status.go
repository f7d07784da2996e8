package pool

import (
	"fmt"
	"time"
)

// Status is what the workers have counted together, in lines for people. It is for
// the master, which looks into the shared memory of pools for nothing else.
func (m *Main) Status() (lines []string) {
	now := time.Now()
	for _, p := range m.Pools {
		if p.zone.Look() != nil {
			continue // what cannot be seen is not told
		}
		sums := &(*poolLine)(p.zone.Line(0)).sums
		lines = append(lines, fmt.Sprintf("pool %s: %d clients (%d since its beginning, %d with errors), %d ejections, %d requests for nobody",
			p.Conf.Name, sums[2].Load(), sums[5].Load(), sums[1].Load(), sums[3].Load(), sums[4].Load()))
		for i := range p.Conf.Servers {
			s := &p.Conf.Servers[i]
			line := p.find(s)
			if line == nil {
				continue // no worker has begun yet
			}
			text := fmt.Sprintf("server %s of pool %s: %d connections, %d requests, %d responses, %d errors, %d timeouts, %d ends",
				s.Name, p.Conf.Name, line.sums[3].Load(), line.sums[4].Load(), line.sums[6].Load(), line.sums[1].Load(),
				line.sums[2].Load(), line.sums[0].Load())
			if line.down.Load() != 0 || line.until.Load() > now.UnixMilli() {
				text += ", ejected since " + time.UnixMicro(line.ejectedAt.Load()).Format(time.RFC3339)
			}
			lines = append(lines, text)
		}
	}
	return lines
}
